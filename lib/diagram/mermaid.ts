import type { TracedNetwork } from "../trace";
import { draw, waysText, type Box, type Drawing, type Line, type Mark } from "./drawing";
import { colourOf } from "./palette";

/**
 * A flowchart of Mermaid, as GitHub draws it in comments and files. Text keeps the theme's own colour, so
 * that it can be read on light and dark.
 */
export function renderMermaid(network: TracedNetwork, base?: TracedNetwork): string {
  const drawing = draw(network, base);
  const { lines } = drawing;
  return [
    "flowchart LR",
    ...drawing.boxes.map(boxText),
    ...lines.map(lineText),
    ...lines.map((line, index) => `  linkStyle ${index} ${styleOf(line)}`),
    ...marked(drawing),
    "",
  ].join("\n");
}

/** As entities, whatever stands in it: Mermaid takes quotes, brackets and semicolons for its own. */
const escape = (text: string): string => text.replace(/[^\p{L}\p{N} .,:/()_-]/gu, (char) => `#${char.codePointAt(0) ?? 63};`);
const idOf = (id: string): string => id.replace(/[^A-Za-z0-9_]/g, (char) => `_${char.charCodeAt(0).toString(16)}_`);

const shapes: Readonly<Record<Box["kind"], readonly [string, string]>> = {
  clients: ['(["', '"])'],
  host: ['["', '"]'],
  exit: ['[["', '"]]'],
  world: ['("', '")'],
  nowhere: ['{{"', '"}}'],
};

function boxText({ id, kind, text }: Box): string {
  const [open, close] = shapes[kind];
  return `  ${idOf(id)}${open}${text.map(escape).join("<br>")}${close}`;
}

const arrows: Readonly<Record<Mark, string>> = { same: "-->", new: "==>", changed: "==>", gone: "-.->" };

function lineText(line: Line): string {
  const { from, to, text, ways, mark } = line;
  const label = [...waysText(line), ...text].map(escape).join("<br>");
  return `  ${idOf(from)} ${ways.length === 0 ? "-.-" : arrows[mark]}${label === "" ? "" : `|"${label}"|`} ${idOf(to)}`;
}

function styleOf({ ways, mark }: Line): string {
  const width = mark === "new" || mark === "changed" ? 4 : 2;
  return `stroke:${colourOf(ways)},stroke-width:${width}px`;
}

function marked({ boxes, compared }: Drawing): string[] {
  if (!compared) return [];
  const of = (mark: Mark): string[] => boxes.filter((box) => box.mark === mark).map(({ id }) => idOf(id));
  const classes = [
    ["changed", "stroke-width:4px", [...of("changed"), ...of("new")]],
    ["gone", "stroke-dasharray:5 5", of("gone")],
  ] as const;
  return classes.flatMap(([name, style, ids]) =>
    ids.length === 0 ? [] : [`  classDef ${name} ${style}`, `  class ${ids.join(",")} ${name}`],
  );
}
