import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Inventory, InventoryProblem } from "../lib/inventory";
import { CliError, messageOf } from "./error";
import { withTemporary } from "./temporary";

export interface AppCommand {
  /** The shell command that synthesizes the app. */
  readonly app: string;
  readonly context: Readonly<Record<string, unknown>>;
}

export interface AppRun {
  readonly inventory: Inventory;
  /** Whether it synthesized; false when its checks failed (see `inventory.problems`). */
  readonly synthesized: boolean;
  /** What it printed. */
  readonly output: string;
}

/** What cdktf.json says of how to run the app. */
export function readAppCommand(appDirectory: string): AppCommand {
  const file = join(appDirectory, "cdktf.json");
  if (!existsSync(file))
    throw new CliError(`${file} is not there; run this beside your cdktf.json, or name its directory with --app`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new CliError(`${file} is not JSON: ${messageOf(error)}`);
  }
  const { app, context } = (json ?? {}) as { app?: unknown; context?: unknown };
  if (typeof app !== "string")
    throw new CliError(`${file} has no "app"; write there the command that synthesizes, e.g. "npx tsx main.ts"`);
  return { app, context: typeof context === "object" && context !== null ? (context as AppCommand["context"]) : {} };
}

/** Runs the app as `cdktf synth` does, into the directory `out`. That its checks fail is no error here: the inventory holds the problems. */
export async function runApp(appDirectory: string, out: string, env: NodeJS.ProcessEnv = process.env): Promise<AppRun> {
  const directory = resolve(appDirectory);
  const { app, context } = readAppCommand(directory);
  const file = join(out, "inventory.json");
  const manifest = join(out, "manifest.json");
  mkdirSync(out, { recursive: true });
  for (const old of [file, manifest]) rmSync(old, { force: true });
  const child = spawn(app, {
    cwd: directory,
    shell: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, CDKTF_OUTDIR: out, CDKTF_CONTEXT_JSON: JSON.stringify(context), WGCHAIN_INVENTORY: file },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [status] = (await once(child, "close")) as [number | null];
  if (!existsSync(file)) {
    const how =
      status === 0 ? "it ended well, so it has no network of wgchain's constructs" : `it ended with status ${String(status)}`;
    throw new CliError(
      `the app wrote no inventory: ${how} (ran '${app}' in ${directory})${output === "" ? "" : `\n${output.trimEnd()}`}`,
    );
  }
  const inventory = JSON.parse(readFileSync(file, "utf8")) as Inventory;
  if (Number(inventory.version) !== 1) {
    throw new CliError(
      `the app's inventory has version ${String(inventory.version)}, this command reads 1; use the wgchain of the app's own node_modules`,
    );
  }
  return { inventory, synthesized: status === 0 && existsSync(manifest), output };
}

/** The app's inventory alone; what it synthesizes is thrown away. */
export async function readInventory(appDirectory: string): Promise<Inventory> {
  return withTemporary(async (scratch) => (await runApp(appDirectory, scratch)).inventory);
}

/** Problems that stand in the way of what is to be done. */
export function requireSound({ problems }: Inventory, mended: ReadonlySet<string>): void {
  const left = problems.filter(({ code }) => !mended.has(code));
  if (left.length === 0) return;
  const line = ({ path, message }: InventoryProblem): string => `  ${path}: ${message}`;
  throw new CliError(`the app does not pass its checks; mend these first:\n${left.map(line).join("\n")}`);
}
