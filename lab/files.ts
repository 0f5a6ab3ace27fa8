import { existsSync } from "node:fs";
import { dirname, extname, join } from "node:path";

function rootAbove(dir: string): string {
  return existsSync(join(dir, "package.json")) ? dir : rootAbove(dirname(dir));
}

/** Of this package, whether it runs from source or compiled. */
export const packageRoot = rootAbove(__dirname);

/** The command line that runs a program of `lab/`, whether this is source (then by tsx) or compiled. */
export function labProgram(name: string, args: readonly string[] = []): string[] {
  const extension = extname(__filename);
  const loader = extension === ".ts" ? ["--import", require.resolve("tsx")] : [];
  return [process.execPath, ...loader, join(__dirname, `${name}${extension}`), ...args];
}

/** Scripts are shipped as they are, never compiled. */
export const labScript = (name: string): string => join(packageRoot, "lab", name);
