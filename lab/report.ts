import type { Row } from "./probe";
import type { ProbeResult } from "./scenario-probes";

const path = (hops: readonly string[]): string => (hops.length === 0 ? "-" : hops.join(" > "));

/** What was promised against what was seen, a pair of lines for every client address. */
export function table(rows: readonly Row[]): string {
  const cells: string[][] = [["CLIENT", "ADDRESS", "", "PATH", "EXIT", "MTU", "RESULT"]];
  for (const { client, address, promised, seen, pass } of rows) {
    const result = pass ? "PASS" : "FAIL";
    if (promised === null) {
      cells.push([client, address, "promised", "nothing", "-", "-", ""]);
      cells.push(["", "", "seen", seen.exit === null ? "nothing" : path(seen.hops), seen.exit ?? "-", "-", result]);
      continue;
    }
    cells.push([
      client,
      address,
      "promised",
      path(promised.hops),
      `${promised.exit ?? "?"} (${promised.exitNode})`,
      String(promised.mtuBytes),
      "",
    ]);
    cells.push(["", "", "seen", path(seen.hops), seen.exit ?? "-", String(seen.mtuBytes ?? "-"), result]);
  }
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const problems = rows.flatMap(({ client, address, problems: found }) =>
    found.map((problem) => `${client} ${address} ${problem}`),
  );
  return [...lines, ...(problems.length > 0 ? ["", ...problems] : []), "", verdict(rows)].join("\n");
}

/** A line for each of the app's own probes; empty where it has none. */
export function probeTable(results: readonly ProbeResult[]): string {
  if (results.length === 0) return "";
  const lines = results.map(
    ({ name, problem }) => `${problem === undefined ? "PASS" : "FAIL"}  ${name}${problem === undefined ? "" : `: ${problem}`}`,
  );
  const failed = results.filter(({ problem }) => problem !== undefined).length;
  const total =
    failed === 0 ? `PASS: ${results.length} of ${results.length} probes` : `FAIL: ${failed} of ${results.length} probes`;
  return [...lines, "", total].join("\n");
}

function verdict(rows: readonly Row[]): string {
  const failed = rows.filter(({ pass }) => !pass).length;
  return failed === 0 ? `PASS: ${rows.length} of ${rows.length} addresses` : `FAIL: ${failed} of ${rows.length} addresses`;
}
