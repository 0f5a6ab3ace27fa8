import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Inventory } from "../lib/inventory";

type Allocations = Inventory["allocations"];

const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** What is recorded stays; what is new is added. */
export function mergeAllocations(recorded: Allocations, wanted: Allocations): Allocations {
  const kinds = [...new Set([...Object.keys(recorded), ...Object.keys(wanted)])];
  return sorted(Object.fromEntries(kinds.map((kind) => [kind, sorted({ ...wanted[kind], ...recorded[kind] })])));
}

/** Writes allocations.json when it differs; returns what was added, "kind name". The app has already read and checked the file. */
export function recordAllocations({ directory, allocations }: Inventory): readonly string[] {
  const file = join(directory, "allocations.json");
  const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  const recorded = before === undefined ? {} : (JSON.parse(before) as Allocations);
  const merged = mergeAllocations(recorded, allocations);
  const added = Object.entries(merged).flatMap(([kind, entries]) =>
    Object.keys(entries)
      .filter((name) => recorded[kind]?.[name] === undefined)
      .map((name) => `${kind} ${name}`),
  );
  const text = `${JSON.stringify(merged, null, 2)}\n`;
  if (text === before || Object.values(merged).every((entries) => Object.keys(entries).length === 0)) return [];
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
  return added;
}
