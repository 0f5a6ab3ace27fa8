import * as fs from "node:fs";
import * as path from "node:path";
import { createHash } from "node:crypto";
import type { Wiring } from "../lib/trace/wiring";

/** Programs that travel with the package, in `host/`. */
const programs = path.join(__dirname, "..", "host");
const hostProgram = "usr/local/lib/wgchain/wgchain-host";

/** Writes what one host is sent, a tree rooted at its `/`, into the stack's directory; what is not sent but handed over has no program. */
export function writeHostTree(stackDirectory: string, node: string, files: Readonly<Record<string, string>>, sent = true): void {
  const root = path.join(stackDirectory, "wgchain", "nodes", node);
  for (const [file, text] of Object.entries(files)) write(path.join(root, file), text, 0o644);
  if (sent) write(path.join(root, hostProgram), program(), 0o755);
}

/** Writes what stands beside the trees, for whoever traces packets through them; it is not sent. */
export function writeWiring(stackDirectory: string, wiring: Wiring): void {
  write(path.join(stackDirectory, "wgchain", "network.json"), `${JSON.stringify(wiring, null, 2)}\n`, 0o644);
}

/** Writes the program that sends, and the one that runs on hosts. */
export function writePrograms(stackDirectory: string): void {
  for (const name of ["deliver", "deploy"]) write(path.join(stackDirectory, "wgchain", name), read(name), 0o755);
  write(path.join(stackDirectory, "wgchain", "wgchain-host"), program(), 0o755);
}

/** Changes when the program on the hosts does, so that a new version of the package is delivered. */
export function programDigest(): string {
  return createHash("sha256").update(program()).digest("hex").slice(0, 16);
}

/** The host program in one piece: a host replaces one file by another in one step, never half of a program. */
export function program(): string {
  const parts = fs.readdirSync(path.join(programs, "program")).filter((name) => name.endsWith(".bash"));
  return parts
    .sort()
    .map((name) => read(path.join("program", name)))
    .join("\n");
}

const read = (name: string): string => fs.readFileSync(path.join(programs, name), "utf8");

function write(file: string, text: string, mode: number): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode });
}
