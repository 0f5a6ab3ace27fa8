import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CliError, messageOf } from "../app/error";
import { runApp } from "../app/run-app";
import { mendedByKeys, withPlaceholders } from "../app/placeholder-keys";

/** What became of one side of a pull request; stands beside what it synthesized as `synthesis.json`. */
export interface Synthesis {
  readonly version: 1;
  /** `refused`: its checks say that it would not work; `failed`: it could not be run. */
  readonly state: "synthesized" | "refused" | "failed";
  readonly stack: string | null;
  /** Files of public keys that are not there yet. */
  readonly missing: readonly string[];
  /** Why it is not synthesized. */
  readonly problems: readonly string[];
}

const longestOutput = 20_000;

/** Synthesizes the app into `out`, of which only what hosts get is kept: no Terraform, no settings of providers. */
export async function synthesizeSide(
  appDirectory: string,
  out: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Synthesis> {
  const scratch = mkdtempSync(join(tmpdir(), "wgchain-ci-"));
  try {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const synthesis = await attempt(appDirectory, out, scratch, env);
    writeFileSync(join(out, "synthesis.json"), `${JSON.stringify(synthesis, null, 2)}\n`);
    return synthesis;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function attempt(appDirectory: string, out: string, scratch: string, env: NodeJS.ProcessEnv): Promise<Synthesis> {
  const failed = (message: string): Synthesis => ({
    version: 1,
    state: "failed",
    stack: null,
    missing: [],
    problems: [message.slice(-longestOutput)],
  });
  let missing: string[] = [];
  let [run, made] = [join(scratch, "own"), await runApp(appDirectory, join(scratch, "own"), env).catch(toError)];
  if (made instanceof Error) return failed(messageOf(made));
  if (!made.synthesized && made.inventory.problems.some(({ code }) => mendedByKeys.has(code))) {
    const directory = join(scratch, "directory");
    missing = withPlaceholders(made.inventory, directory);
    run = join(scratch, "stand-ins");
    made = await runApp(appDirectory, run, { ...env, WGCHAIN_DIR: directory }).catch(toError);
    if (made instanceof Error) return failed(messageOf(made));
  }
  const { inventory, synthesized, output } = made;
  const { stack } = inventory;
  const problems = inventory.problems.map(({ path, message }) => `${path}: ${message}`);
  if (!synthesized) {
    const why = problems.length > 0 ? problems : [output.trim().slice(-longestOutput)];
    return { version: 1, state: "refused", stack, missing, problems: why };
  }
  const parts = [["manifest.json"], ["stacks", stack, "wgchain", "network.json"], ["stacks", stack, "wgchain", "nodes"]];
  for (const part of parts) {
    const from = join(run, ...part);
    if (!existsSync(from))
      return failed(`the app wrote no ${part.join("/")}: it stands on a wgchain that is too old to be compared`);
    cpSync(from, join(out, ...part), { recursive: true });
  }
  return { version: 1, state: "synthesized", stack, missing, problems: [] };
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** What `synthesizeSide` wrote, or anybody: every field is looked at. */
export function readSynthesis(out: string): Synthesis {
  const file = join(out, "synthesis.json");
  const wrong = (what: string): CliError => new CliError(`${file} ${what}; make it with ci/synth.ts`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw wrong(`cannot be read (${messageOf(error)})`);
  }
  const { version, state, stack, missing, problems } = (json ?? {}) as Record<keyof Synthesis, unknown>;
  const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((one) => typeof one === "string");
  if (version !== 1) throw wrong(`has version ${JSON.stringify(version)}, not 1`);
  if (state !== "synthesized" && state !== "refused" && state !== "failed") throw wrong(`has the state ${JSON.stringify(state)}`);
  if (stack !== null && (typeof stack !== "string" || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(stack))) throw wrong("names no stack");
  if (!isTexts(missing) || !isTexts(problems)) throw wrong("lacks its lists of what is missing and of problems");
  return { version, state, stack, missing, problems };
}
