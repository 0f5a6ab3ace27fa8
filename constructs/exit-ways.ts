/** What one node does for a list of exits in order: by which hops it sends, and for which of them. */
export interface Stage {
  /** The node's place on the way, from 0, the entry. */
  readonly depth: number;
  readonly node: string;
  /** The hop by which it comes in, e.g. "sz-hk"; undefined at the entry. */
  readonly before: string | undefined;
  /** Exits in order; several: the first that is alive. */
  readonly list: readonly string[];
  /** In order. More than one: choices. */
  readonly hops: readonly { readonly name: string; readonly list: readonly string[] }[];
}

/** A list of exits as part of a name, e.g. "gcp-or-hkt". */
export const listName = (list: readonly string[]): string => list.join("-or-");

/** Thrown for a list that no host can decide by measuring its tunnels. */
export class UndecidableList extends Error {}

/**
 * Every node's part of the ways of all lists. `ways` has the nodes behind the entry by exit. Exits whose ways begin alike share the hops until they
 * part; the node where they do decides between them.
 */
export function stagesOf(
  entry: string,
  ways: Readonly<Record<string, readonly string[]>>,
  lists: readonly (readonly string[])[],
): readonly Stage[] {
  const found = new Map<string, Stage>();
  const visit = (depth: number, node: string, before: string | undefined, list: readonly string[]): void => {
    const key = `${depth} ${before ?? ""} ${listName(list)}`;
    if (found.has(key)) return;
    const hops = hopsOf(node, depth, ways, list);
    if (hops.length === 0) return;
    found.set(key, { depth, node, before, list, hops });
    for (const hop of hops) visit(depth + 1, hop.to, hop.name, hop.list);
  };
  for (const list of lists) visit(0, entry, undefined, list);
  return [...found.values()];
}

interface Hop {
  readonly name: string;
  readonly to: string;
  readonly list: string[];
}

/** None where the way ends. */
function hopsOf(node: string, depth: number, ways: Readonly<Record<string, readonly string[]>>, list: readonly string[]): Hop[] {
  const hops: Hop[] = [];
  for (const exit of list) {
    const to = ways[exit]?.[depth];
    if (to === undefined) {
      if (list.length === 1) return [];
      throw new UndecidableList(
        `${exit} leaves at '${node}' itself, which is not measured, and the others beyond it; name exits that each lie behind a tunnel of one node`,
      );
    }
    const name = `${node}-${to}`;
    const last = hops.at(-1);
    if (last?.name === name) last.list.push(exit);
    else if (hops.some((hop) => hop.name === name)) {
      throw new UndecidableList(
        `${exit} goes by ${name} as an exit before it does, but not the one between them; name exits of one way next to each other`,
      );
    } else hops.push({ name, to, list: [exit] });
  }
  return hops;
}
