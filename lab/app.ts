import { existsSync, mkdtempSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { Inventory } from "../lib/inventory";
import { requireSound, runApp, type AppRun } from "../app/run-app";
import { digestFiles, placeholderDigest } from "./preshared";
import { LabError } from "./run";
import { checkStack, stackFile, withLocalBackend } from "./stack";
import type { Paths } from "./state";

/** Variables that could lead a lab run to the user's keys, cloud, backend or Terraform set-up. */
const forbidden =
  /^(TF_|TERRAFORM_|CDKTF_|CHECKPOINT_|WGCHAIN_|GOOGLE|GCLOUD|GCP_|CLOUDSDK_|AWS_|AZURE_|ARM_|SSH_|GIT_SSH|NODE_OPTIONS$|JEST_)/;

/** The user's environment without what a rehearsal must not touch. */
export function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !forbidden.test(name)));
}

/** `directory` undefined: as the user's own environment and cdktf.json have it. */
function runIn(appDir: string, out: string, directory = process.env.WGCHAIN_DIR): Promise<AppRun> {
  const { WGCHAIN_STACK } = process.env;
  return runApp(appDir, out, {
    ...cleanEnv(),
    ...(directory === undefined ? {} : { WGCHAIN_DIR: directory }),
    ...(WGCHAIN_STACK === undefined ? {} : { WGCHAIN_STACK }),
  });
}

/** What the lab's own keys will mend. */
const mended = new Set(["missing-public-key", "missing-preshared-key", "no-authorized-key"]);

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
    const own = await runIn(appDir, join(scratch, "own"));
    requireSound(own.inventory, mended);
    if (own.synthesized) {
      checkStack(join(scratch, "own"), own.inventory);
      return { inventory: own.inventory, appsDirectory: own.inventory.directory };
    }
    const directory = join(scratch, "directory");
    placeholderKeys(directory, own.inventory);
    const second = await runIn(appDir, join(scratch, "placeholder"), directory);
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
  for (const file of digestFiles(inventory)) writeFileSync(join(directory, "keys", file), `${placeholderDigest}\n`);
  const hostKey = Buffer.alloc(51);
  hostKey.writeUInt32BE(11, 0);
  hostKey.write("ssh-ed25519", 4);
  hostKey.writeUInt32BE(32, 15);
  const line = `ssh-ed25519 ${hostKey.toString("base64")}`;
  writeFileSync(join(directory, "known_hosts"), inventory.nodes.map(({ name }) => `wgchain-${name} ${line}\n`).join(""));
  writeFileSync(join(directory, "authorized_keys"), `${line} placeholder\n`);
}

function requireSynthesized(app: AppRun): void {
  requireSound(app.inventory, mended);
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
    const result = await runIn(appDir, paths.out, paths.directory);
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
