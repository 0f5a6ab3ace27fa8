import { columns } from "../lib/columns";

/**
 * Rows under a head, in columns; where a terminal is narrower than that, every row as lines of its own, a field each, so that nothing is cut and nothing
 * wraps into another row.
 */
export function table([head = [], ...rows]: readonly (readonly string[])[], width = Infinity): string[] {
  const lines = columns([head, ...rows]).map((line) => line.trimEnd());
  if (lines.every((line) => line.length <= width)) return lines;
  return rows.flatMap((row, index) => {
    const fields = row.flatMap((text, column) => (text === "" ? [] : [[head[column] ?? "", text]]));
    return [...(index === 0 ? [] : [""]), ...columns(fields)];
  });
}
