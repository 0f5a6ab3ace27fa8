import * as fs from "node:fs";
import * as path from "node:path";

export interface TreeFile {
  readonly text: string;
  readonly mode: number;
}

/** Path below a directory, parts joined by "/", to what stands there. */
export type Tree = ReadonlyMap<string, TreeFile>;

/**
 * Brings a directory to hold these files and nothing else. Those that are so already are left alone: to make a file takes twenty times as long as to read it,
 * and of a network that is synthesized again few have changed. One that has is made anew, never written into: bash reads a program while it runs it.
 */
export function writeTree(root: string, tree: Tree): void {
  const kept = new Set<string>();
  if (fs.lstatSync(root, { throwIfNoEntry: false })?.isDirectory() === true) sweep(root, "", tree, directoriesOf(tree), kept);
  else fs.rmSync(root, { force: true });
  const made = new Set<string>();
  for (const [name, { text, mode }] of tree) {
    if (kept.has(name)) continue;
    const directory = path.dirname(path.join(root, name));
    if (!made.has(directory)) fs.mkdirSync(directory, { recursive: true });
    made.add(directory);
    fs.writeFileSync(path.join(root, name), text, { mode, flag: "wx" });
  }
}

/** Removes what is not of the tree, or not as it is there; notes what is. */
function sweep(root: string, below: string, tree: Tree, directories: ReadonlySet<string>, kept: Set<string>): void {
  for (const entry of fs.readdirSync(path.join(root, below), { withFileTypes: true })) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    const file = tree.get(name);
    if (entry.isDirectory() && directories.has(name)) sweep(root, name, tree, directories, kept);
    else if (entry.isFile() && file !== undefined && isAs(path.join(root, name), file)) kept.add(name);
    else fs.rmSync(path.join(root, name), { recursive: true, force: true });
  }
}

function isAs(file: string, { text, mode }: TreeFile): boolean {
  const bytes = Buffer.from(text);
  const found = fs.lstatSync(file);
  // As much of the mode as a umask leaves alone.
  if (((found.mode ^ mode) & 0o100) !== 0 || found.size !== bytes.length) return false;
  try {
    return fs.readFileSync(file).equals(bytes);
  } catch {
    return false;
  }
}

function directoriesOf(tree: Tree): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of tree.keys())
    for (let at = name.indexOf("/"); at > 0; at = name.indexOf("/", at + 1)) found.add(name.slice(0, at));
  return found;
}
