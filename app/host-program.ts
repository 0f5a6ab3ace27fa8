import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const parts = join(__dirname, "..", "host", "program");

/** The program of hosts in one piece, as synthesis sends it: for a host that has none yet. */
export function hostProgram(): string {
  return readdirSync(parts)
    .filter((name) => name.endsWith(".bash"))
    .sort()
    .map((name) => readFileSync(join(parts, name), "utf8"))
    .join("\n");
}
