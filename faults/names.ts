import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Of the run whose first process has this number. */
export const instanceOf = (pid: number): string => `faults-${pid}`;

const prefix = "wgchain-faults-";
export const productDirectory = (pid: number): string => join(tmpdir(), `${prefix}${pid}`);

export const productDirectories = (): [pid: number, directory: string][] =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => [Number(name.slice(prefix.length)), join(tmpdir(), name)]);
