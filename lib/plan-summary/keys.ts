import { eitherMark, leavesOf, unknownPaths, type Leaf } from "./values";

/** One thing that is other than it was: an object of a host, or an attribute of a resource. */
export interface ChangedKey {
  readonly key: string;
  /** Undefined: it was not there. */
  readonly before?: string;
  /** Undefined: it goes. */
  readonly after?: string;
  /** Terraform makes the resource anew because of it. */
  readonly forces: boolean;
}

/** Of `terraform show -json`; its words. */
export interface Change {
  readonly actions?: unknown;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly after_unknown?: unknown;
  readonly before_sensitive?: unknown;
  readonly after_sensitive?: unknown;
  readonly replace_paths?: readonly (readonly unknown[])[];
}

type Path = readonly string[];

/** Attributes that differ. What only apply knows is told where the app has set it or it makes a resource anew; computed attributes are noise. */
export function changedKeys(change: Change): ChangedKey[] {
  const marks = eitherMark(change.before_sensitive, change.after_sensitive);
  const before = byPath(leavesOf(change.before, marks));
  const after = byPath(leavesOf(change.after, marks));
  const forcing = (change.replace_paths ?? []).map((path) => path.map(String));
  const forces = (path: Path): boolean => forcing.some((start) => startsWith(path, start));
  for (const path of unknownPaths(change.after_unknown)) {
    if (forces(path)) after.set(idOf(path), { path, raw: "", text: "(known after apply)" });
    else for (const [id, leaf] of before) if (startsWith(leaf.path, path)) before.delete(id);
  }
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort();
  return ids
    .filter((id) => before.get(id)?.raw !== after.get(id)?.raw)
    .map((id) => changedKey(before.get(id), after.get(id), forces));
}

function changedKey(old: Leaf | undefined, now: Leaf | undefined, forces: (path: Path) => boolean): ChangedKey {
  const path = (now ?? old)?.path ?? [];
  return {
    key: nameOf(path),
    ...(old === undefined ? {} : { before: old.text }),
    // Many lines, or a secret: all that can be told is that it is another one.
    ...(now === undefined ? {} : { after: now.text === old?.text ? `another ${now.text}` : now.text }),
    forces: forces(path),
  };
}

const startsWith = (path: Path, start: Path): boolean => start.every((step, index) => step === path[index]);
const idOf = (path: Path): string => JSON.stringify(path);
const byPath = (leaves: readonly Leaf[]): Map<string, Leaf> => new Map(leaves.map((leaf) => [idOf(leaf.path), leaf]));

/** A trigger's name is the object's; else Terraform's notation. */
function nameOf([first = "", ...rest]: Path): string {
  const name =
    first === "triggers" && rest.length === 1
      ? (rest[0] ?? "")
      : rest.reduce((start, step) => (/^\d+$/.test(step) ? `${start}[${step}]` : `${start}.${step}`), first);
  return name.replace(/\s+/g, " ");
}
