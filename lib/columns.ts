/** Rows in columns, the last as it is. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => rows.reduce((most, row) => Math.max(most, row[index]?.length ?? 0), 0));
  return rows.map((row) =>
    row.map((text, index) => (index === row.length - 1 ? text : text.padEnd(widths[index] ?? 0))).join("  "),
  );
}
