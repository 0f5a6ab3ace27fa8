import type { FileChange, NetworkDiff } from "./network-diff";
import { count, few, join, say, type Phrase } from "./phrase";

/** Hosts whose files change alike, and what of them. */
export interface FileGroup {
  readonly who: Phrase;
  readonly files: readonly Phrase[];
}

export function fileGroups({ files, hosts }: NetworkDiff): FileGroup[] {
  const fresh = new Set(hosts.added.map(({ name }) => name));
  const gone = new Set(hosts.gone.map(({ name }) => name));
  const byNode = new Map<string, FileChange[]>();
  for (const file of files) {
    const known = byNode.get(file.node);
    if (known === undefined) byNode.set(file.node, [file]);
    else known.push(file);
  }
  const alike = new Map<string, { readonly nodes: string[]; readonly what: Phrase[] }>();
  for (const [node, changes] of byNode) {
    const what = fresh.has(node) || gone.has(node) ? [whole(changes, fresh.has(node))] : changes.map(fileIn);
    const key = JSON.stringify(what);
    const known = alike.get(key);
    if (known === undefined) alike.set(key, { nodes: [node], what });
    else known.nodes.push(node);
  }
  return [...alike.values()].map(({ nodes, what }) => ({
    who: few(
      nodes.map((node) => say`${node}`),
      6,
    ),
    files: what,
  }));
}

function whole(changes: readonly FileChange[], isNew: boolean): Phrase {
  const lines = changes.reduce((sum, { added, removed }) => sum + added + removed, 0);
  return say`${changes.length} files ${[isNew ? "for a new host" : "of a host that is gone"]}, ${lines} lines`;
}

export function fileIn({ path, change, added, removed }: Omit<FileChange, "node">): Phrase {
  const word = change === "changed" ? "" : change === "added" ? " new" : " gone";
  const counts = [...(added === 0 ? [] : [[`+${count(added)}`]]), ...(removed === 0 ? [] : [[`-${count(removed)}`]])];
  const lines = counts.length === 0 ? "" : " ";
  return say`${path}${[word]}${[lines]}${join(counts, " ")}`;
}
