import type { SynthesizedStack } from "../trace";
import { edits, linesOf, unified } from "./lines";
import type { FileChange } from "./network-diff";

type Files = SynthesizedStack["files"];

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const own = <T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
const keysOf = (a: object | undefined, b: object | undefined): string[] =>
  [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].sort(byText);

/** What hosts get otherwise; the host program, which is the same on all, is compared once. */
export function compareFiles(before: Files, after: Files): FileChange[] {
  const counted = new Map<string, Map<string, Pick<FileChange, "added" | "removed">>>();
  const count = (one: string, two: string): Pick<FileChange, "added" | "removed"> => {
    const known = counted.get(one) ?? new Map<string, Pick<FileChange, "added" | "removed">>();
    counted.set(one, known);
    const found = known.get(two) ?? countLines(one, two);
    known.set(two, found);
    return found;
  };
  return keysOf(before, after).flatMap((node) => {
    const [one, two] = [own(before, node), own(after, node)];
    return keysOf(one, two).flatMap((path): FileChange[] => {
      const [old, now] = [own(one, path), own(two, path)];
      if (old === now) return [];
      const change = old === undefined ? "added" : now === undefined ? "gone" : "changed";
      return [{ node, path, change, ...count(old ?? "", now ?? "") }];
    });
  });
}

function countLines(before: string, after: string): Pick<FileChange, "added" | "removed"> {
  const found = edits(linesOf(before), linesOf(after));
  return {
    added: found.reduce((sum, { added }) => sum + added.length, 0),
    removed: found.reduce((sum, { removed }) => sum + removed.length, 0),
  };
}

/** The lines of a file that changed in the same way on these hosts. */
export interface Listing {
  readonly nodes: readonly string[];
  readonly path: string;
  readonly lines: readonly string[];
}

/** A listing for each change, once where several hosts have the same one. */
export function listFiles(before: Files, after: Files, changes: readonly FileChange[]): Listing[] {
  const groups = new Map<string, Map<string, Map<string, string[]>>>();
  const within = <K, V>(map: Map<K, Map<string, V>>, key: K): Map<string, V> => {
    const found = map.get(key) ?? new Map<string, V>();
    map.set(key, found);
    return found;
  };
  const listings: { nodes: string[]; path: string; old: string; now: string }[] = [];
  for (const { node, path } of changes) {
    const [old, now] = [own(own(before, node), path) ?? "", own(own(after, node), path) ?? ""];
    const same = within(within(groups, path), old);
    const nodes = same.get(now);
    if (nodes !== undefined) {
      nodes.push(node);
      continue;
    }
    const first = [node];
    same.set(now, first);
    listings.push({ nodes: first, path, old, now });
  }
  return listings.map(({ nodes, path, old, now }) => ({ nodes, path, lines: unified(linesOf(old), linesOf(now)) }));
}
