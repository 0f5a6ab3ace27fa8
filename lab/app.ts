import { existsSync, mkdtempSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Inventory } from "../lib/inventory";
import { LabError, run } from "./run";
import { checkStack, stackFile, withLocalBackend } from "./stack";
import type { Paths } from "./state";

/** Variables that could lead a lab run to the user's keys, cloud, backend or Terraform set-up. */
const forbidden =
  /^(TF_|TERRAFORM_|CDKTF_|CHECKPOINT_|WGCHAIN_|GOOGLE|GCLOUD|GCP_|CLOUDSDK_|AWS_|AZURE_|ARM_|SSH_|GIT_SSH|NODE_OPTIONS$|JEST_)/;

/** The user's environment without what a rehearsal must not touch. */
export function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !forbidden.test(name)));
}

interface CdktfJson {
  readonly app?: string;
  readonly context?: Record<string, unknown>;
}

function cdktfJson(appDir: string): Required<CdktfJson> {
  const file = join(appDir, "cdktf.json");
  if (!existsSync(file)) throw new LabError(`${file} is not there; name the app's directory with --app`);
  const { app, context } = JSON.parse(readFileSync(file, "utf8")) as CdktfJson;
  if (app === undefined) throw new LabError(`${file} has no "app": the command that synthesizes it`);
  return { app, context: context ?? {} };
}

export interface AppRun {
  readonly inventory: Inventory;
  /** Whether the app synthesized; false when its checks failed (see `inventory.problems`). */
  readonly synthesized: boolean;
  /** What it printed. */
  readonly output: string;
}

/** Runs the app as `cdktf synth` would. `directory` undefined: as the user's own environment and cdktf.json have it. */
export async function runApp(appDir: string, out: string, directory: string | undefined): Promise<AppRun> {
  const { app, context } = cdktfJson(appDir);
  const file = join(out, "inventory.json");
  mkdirSync(out, { recursive: true });
  rmSync(join(out, "manifest.json"), { force: true });
  rmSync(file, { force: true });
  const ownDirectory = directory ?? process.env.WGCHAIN_DIR;
  const { status, stdout, stderr } = await run(["sh", "-c", app], {
    cwd: appDir,
    check: false,
    env: {
      ...cleanEnv(),
      CDKTF_OUTDIR: out,
      CDKTF_CONTEXT_JSON: JSON.stringify(context),
      WGCHAIN_INVENTORY: file,
      ...(ownDirectory === undefined ? {} : { WGCHAIN_DIR: ownDirectory }),
    },
  });
  const output = `${stdout}${stderr}`;
  if (!existsSync(file)) {
    const how = status === 0 ? "it is no app of wgchain's constructs" : `it ended with status ${status}`;
    throw new LabError(`the app wrote no inventory: ${how} (${app}, in ${appDir})\n${output.trim()}`);
  }
  const inventory = JSON.parse(readFileSync(file, "utf8")) as Inventory;
  return { inventory, synthesized: status === 0 && existsSync(join(out, "manifest.json")), output };
}

/** What the lab's own keys will mend. */
const mended = new Set(["missing-public-key", "no-authorized-key"]);

function requireSound(inventory: Inventory): void {
  const problems = inventory.problems.filter(({ code }) => !mended.has(code));
  if (problems.length === 0) return;
  throw new LabError(
    ["the app does not pass its checks:", ...problems.map(({ path, message }) => `  ${path}: ${message}`)].join("\n"),
  );
}

export interface Inspection {
  readonly inventory: Inventory;
  /** The app's own directory of public things. */
  readonly appsDirectory: string;
}

/**
 * Learns the app's network before anything is started, and refuses what the lab cannot serve. An app without public keys does not
 * synthesize, so it is given placeholders for this look.
 */
export async function inspectApp(appDir: string): Promise<Inspection> {
  const scratch = mkdtempSync(join(tmpdir(), "wgchain-lab-"));
  try {
    const own = await runApp(appDir, join(scratch, "own"), undefined);
    requireSound(own.inventory);
    if (own.synthesized) {
      checkStack(join(scratch, "own"), own.inventory);
      return { inventory: own.inventory, appsDirectory: own.inventory.directory };
    }
    const directory = join(scratch, "directory");
    placeholderKeys(directory, own.inventory);
    const second = await runApp(appDir, join(scratch, "placeholder"), directory);
    requireSynthesized(second);
    checkStack(join(scratch, "placeholder"), second.inventory);
    return { inventory: second.inventory, appsDirectory: own.inventory.directory };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function placeholderKeys(directory: string, inventory: Inventory): void {
  mkdirSync(join(directory, "keys"), { recursive: true });
  const names = [
    ...inventory.nodes.flatMap(({ name, interfaces }) => interfaces.map((iface) => `${name}.${iface.name}`)),
    ...inventory.clients.map(({ name }) => `client.${name}`),
  ];
  for (const [index, name] of names.entries()) {
    const key = Buffer.alloc(32);
    key.writeUInt32BE(index + 1, 4);
    writeFileSync(join(directory, "keys", `${name}.pub`), `${key.toString("base64")}\n`);
  }
  const hostKey = Buffer.alloc(51);
  hostKey.writeUInt32BE(11, 0);
  hostKey.write("ssh-ed25519", 4);
  hostKey.writeUInt32BE(32, 15);
  const line = `ssh-ed25519 ${hostKey.toString("base64")}`;
  writeFileSync(join(directory, "known_hosts"), inventory.nodes.map(({ name }) => `wgchain-${name} ${line}\n`).join(""));
  writeFileSync(join(directory, "authorized_keys"), `${line} placeholder\n`);
}

function requireSynthesized(app: AppRun): void {
  requireSound(app.inventory);
  if (!app.synthesized) throw new LabError(`the app does not synthesize with the lab's keys\n${app.output.trim()}`);
}

/** The last good synthesis comes back when a later one failed, since `lab down` destroys by it. */
export function recoverSynthesis(paths: Paths): void {
  const before = `${paths.out}.before`;
  if (!existsSync(before)) return;
  rmSync(paths.out, { recursive: true, force: true });
  renameSync(before, paths.out);
}

/** Synthesizes into the lab's own output directory, with the lab's own directory and a backend of its own. */
export async function synthesize(paths: Paths, appDir: string, accept?: (inventory: Inventory) => void): Promise<Inventory> {
  const before = `${paths.out}.before`;
  recoverSynthesis(paths);
  if (existsSync(paths.out)) renameSync(paths.out, before);
  try {
    const result = await runApp(appDir, paths.out, paths.directory);
    requireSynthesized(result);
    const { directory, stack } = result.inventory;
    if (directory !== paths.directory) {
      throw new LabError(`the app takes its keys from ${directory}, not from WGCHAIN_DIR; the lab must not use those`);
    }
    checkStack(paths.out, result.inventory);
    accept?.(result.inventory);
    const file = stackFile(paths.out, stack);
    writeFileSync(file, withLocalBackend(readFileSync(file, "utf8"), paths.tfstate));
    // what `terraform init` left stays of use
    const beside = join(before, dirname(relative(paths.out, file)));
    for (const name of [".terraform", ".terraform.lock.hcl"]) {
      if (existsSync(join(beside, name))) renameSync(join(beside, name), join(dirname(file), name));
    }
    rmSync(before, { recursive: true, force: true });
    return result.inventory;
  } catch (error) {
    recoverSynthesis(paths);
    throw error;
  }
}
