import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { median, type Part, type Result, type Row, type Sample } from "./part";

const number = (value: number): string =>
  value >= 100 ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",") : String(Number(value.toPrecision(3)));

/** The median, and the least and the greatest. */
export function shown({ values, unit }: Sample): string {
  const space = unit.startsWith("/") ? "" : " ";
  return `${number(median(values))}${space}${unit} (${number(Math.min(...values))} to ${number(Math.max(...values))})`;
}

const verdict = ({ reach }: Row): string =>
  reach === undefined ? "" : `${reach.text}: ${reach.holds ? "holds" : "**does not hold**"}`;

/** The machine, since figures of another differ. */
export function machine(): string {
  const [cpu] = cpus();
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "Linux";
  return `${cpus().length} cores (${cpu?.model ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${system}, Linux ${release()}, Node.js ${process.version}`;
}

/** The page in docs/. */
export function page(results: readonly (readonly [Part, Result])[], date: string): string {
  const lines = [
    "# Figures",
    "",
    `Made by \`npm run bench\`, ${date}, on ${machine()}. Each figure is the median of several runs, with the least and the greatest; each stands beside its peer, measured in the same run, turn by`,
    "turn. What counts is the ratio: another machine has other figures.",
  ];
  for (const [part, { rows, plots, notes }] of results) {
    lines.push("", `## ${part.name}`, "", `${part.about.charAt(0).toUpperCase()}${part.about.slice(1)}.`, "");
    lines.push("| | measured | against | peer | ratio | to be reached |", "|---|---|---|---|---|---|");
    for (const row of rows) {
      const cells = [row.what, shown(row.ours), row.against, shown(row.peer), row.ratio.toFixed(3), verdict(row)];
      lines.push(`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
    }
    for (const plot of plots) lines.push("", `![${plot.title}](bench/${plot.name}.svg)`);
    if (notes.length > 0) lines.push("", ...notes.map((note) => `- ${note}`));
  }
  return `${lines.join("\n")}\n`;
}

/** For a terminal. */
export const terminalLine = (row: Row): string =>
  `${row.ratio.toFixed(3).padStart(8)}  ${row.what}: ${shown(row.ours)}; ${row.against}: ${shown(row.peer)}${row.reach === undefined ? "" : `; ${row.reach.text}: ${row.reach.holds ? "holds" : "DOES NOT HOLD"}`}`;
