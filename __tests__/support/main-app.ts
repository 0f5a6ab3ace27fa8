import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { publicDirectory, temporaryDirectory } from "./directory";
import { readSynthesized, type Synthesized } from "./synth";

const repository = path.join(__dirname, "..", "..");

export interface Ran {
  readonly status: number;
  /** All that it printed. */
  readonly output: string;
  readonly outdir: string;
}

/** Runs main.ts as cdktf does, a process of its own, with temporary directories; `edit` gives a copy that is not quite the same. */
export async function runMain(options: {
  readonly edit?: (text: string) => string;
  readonly files?: Readonly<Record<string, string | undefined>>;
}): Promise<Ran> {
  const { edit, files } = options;
  const home = edit === undefined ? repository : copyOf(edit);
  const outdir = temporaryDirectory();
  const environment = { ...process.env, CDKTF_OUTDIR: outdir, WGCHAIN_DIR: publicDirectory(files), NODE_OPTIONS: "" };
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", "main.ts"], { cwd: home, env: environment }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ status, output: stdout + stderr, outdir });
    });
  });
}

/** main.ts synthesized, validations on. */
export async function synthesizeMain(
  edit?: (text: string) => string,
  files?: Readonly<Record<string, string>>,
): Promise<Synthesized> {
  const { status, output, outdir } = await runMain({
    ...(edit === undefined ? {} : { edit }),
    ...(files === undefined ? {} : { files }),
  });
  if (status !== 0) throw new Error(output);
  return readSynthesized(path.join(outdir, "stacks", "reference"));
}

/** A project like this one in which main.ts alone is another. */
function copyOf(edit: (text: string) => string): string {
  const directory = temporaryDirectory();
  for (const name of ["constructs", "node_modules", "package.json"])
    fs.symlinkSync(path.join(repository, name), path.join(directory, name));
  const text = fs.readFileSync(path.join(repository, "main.ts"), "utf8");
  const edited = edit(text);
  if (edited === text) throw new Error("the edit changes nothing in main.ts");
  fs.writeFileSync(path.join(directory, "main.ts"), edited);
  return directory;
}

/** Keys whose value differs, with both values; "(none)" where a side has none. */
export function differences(
  before: Readonly<Record<string, unknown>> = {},
  after: Readonly<Record<string, unknown>> = {},
): string[] {
  const text = (value: unknown): string =>
    value === undefined ? "(none)" : typeof value === "string" ? value : JSON.stringify(value);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .sort()
    .filter((key) => text(before[key]) !== text(after[key]))
    .map((key) => `${key}: ${text(before[key])} -> ${text(after[key])}`);
}
