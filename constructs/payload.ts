import * as fs from "node:fs";
import * as path from "node:path";
import { createHash } from "node:crypto";
import type { RenderedHost } from "../lib/render/host";
import type { Wiring } from "../lib/trace/wiring";
import type { Tree, TreeFile } from "./tree";

/** Programs that travel with the package, in `host/`. */
const programs = path.join(__dirname, "..", "host");
const hostProgram = "usr/local/lib/wgchain/wgchain-host";

/** Everything below the stack's `wgchain/`. */
export function payload(hosts: readonly RenderedHost[], isSent: (node: string) => boolean, wiring: Wiring): Tree {
  const tree = new Map<string, TreeFile>();
  const host = program();
  for (const { node, files } of hosts) {
    // A tree rooted at the host's `/`; what is not sent but handed over has no program.
    for (const [file, text] of Object.entries(files)) tree.set(`nodes/${node}/${file}`, { text, mode: 0o644 });
    if (isSent(node)) tree.set(`nodes/${node}/${hostProgram}`, { text: host, mode: 0o755 });
  }
  // For whoever traces packets through them; it is not sent.
  tree.set("network.json", { text: `${JSON.stringify(wiring, null, 2)}\n`, mode: 0o644 });
  for (const [name, file] of programFiles()) tree.set(name, file);
  return tree;
}

/** The program that sends, and the one that runs on hosts. */
export const programFiles = (): Tree =>
  new Map([
    ...["deliver", "deploy"].map((name) => [name, { text: read(name), mode: 0o755 }] as const),
    ["wgchain-host", { text: program(), mode: 0o755 }],
  ]);

/** Changes when the program on the hosts does, so that a new version of the package is delivered. */
export function programDigest(): string {
  return createHash("sha256").update(program()).digest("hex").slice(0, 16);
}

/** The host program in one piece: a host replaces one file by another in one step, never half of a program. */
export function program(): string {
  return (whole ??= fs
    .readdirSync(path.join(programs, "program"))
    .filter((name) => name.endsWith(".bash"))
    .sort()
    .map((name) => read(path.join("program", name)))
    .join("\n"));
}
let whole: string | undefined;

const read = (name: string): string => fs.readFileSync(path.join(programs, name), "utf8");
