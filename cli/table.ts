import { columns } from "../lib/columns";

/**
 * Rows under a head, in columns; where a terminal is narrower than that, every row as lines of its own, a field each, so that nothing is cut and nothing
 * wraps into another row.
 */
export function table([head = [], ...rows]: readonly (readonly string[])[], width = Infinity): string[] {
  const lines = columns([head, ...rows]).map((line) => line.trimEnd());
  if (lines.every((line) => line.length <= width)) return lines;
  return rows.flatMap((row, index) => [...(index === 0 ? [] : [""]), ...block(head, row)]);
}

/** A line for each field of a row that says something. */
export function block(head: readonly string[], row: readonly string[]): string[] {
  return columns(row.flatMap((text, column) => (text === "" ? [] : [[head[column] ?? "", text]])));
}
