import * as fs from "node:fs";
import * as path from "node:path";
import { createHash } from "node:crypto";

/** Programs that travel with the package, in `host/`. */
const programs = path.join(__dirname, "..", "host");
const hostProgram = "usr/local/lib/wgchain/wgchain-host";

/** Writes what one host is sent, a tree rooted at its `/`, and the program that sends it, into the stack's directory. */
export function writeHostTree(stackDirectory: string, node: string, files: Readonly<Record<string, string>>): void {
  const root = path.join(stackDirectory, "wgchain");
  for (const [file, text] of Object.entries(files)) write(path.join(root, node, file), text, 0o644);
  write(path.join(root, node, hostProgram), read("wgchain-host"), 0o755);
  write(path.join(root, "deliver"), read("deliver"), 0o755);
}

/** Changes when the program on the hosts does, so that a new version of the package is delivered. */
export function programDigest(): string {
  return createHash("sha256").update(read("wgchain-host")).digest("hex").slice(0, 16);
}

const read = (name: string): string => fs.readFileSync(path.join(programs, name), "utf8");

function write(file: string, text: string, mode: number): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode });
}
