import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Inventory } from "../lib/inventory";
import type { Plan } from "./plan";
import { LabError } from "./run";
import type { Vm } from "./vm";

/** /run, since what stands in it lives exactly as long as the namespaces it describes: until the machine reboots. */
const base = "/run/wgchain-lab";

/** Where an instance keeps its things. The whole directory is visible in its operator host, at the same path, and in no other. */
export class Paths {
  readonly root: string;
  constructor(readonly instance: string) {
    if (!/^[A-Za-z][A-Za-z0-9-]{0,31}$/.test(instance)) {
      throw new LabError(`instance name '${instance}': letters, digits and dashes, at most 32, a letter first`);
    }
    this.root = join(base, instance);
  }
  get state(): string {
    return join(this.root, "state.json");
  }
  /** Beside the root, so that removing the root never removes a held lock. */
  get lock(): string {
    return `${this.root}.lock`;
  }
  /** WGCHAIN_DIR of every lab run. */
  get directory(): string {
    return join(this.root, "wgchain");
  }
  /** CDKTF_OUTDIR. */
  get out(): string {
    return join(this.root, "out");
  }
  /** The local backend that replaces the app's own. */
  get tfstate(): string {
    return join(this.root, "terraform.tfstate");
  }
  /** State of the stand-in provider. */
  get cloud(): string {
    return join(this.root, "cloud");
  }
  /** The operator's ~/.ssh. */
  get ssh(): string {
    return join(this.root, "ssh");
  }
  get terraformrc(): string {
    return join(this.root, "terraformrc");
  }
  /** Providers fetched from the registry, for --registry-null. */
  get mirror(): string {
    return join(this.root, "mirror");
  }
  /** Where the hosts build their file systems, each in its own mount namespace. */
  get stage(): string {
    return `${this.root}.stage`;
  }
  get logs(): string {
    return join(this.root, "log");
  }
}

/** `starting` and `deploying` found without a living owner mean an interrupted run. */
export type Phase = "starting" | "deploying" | "up" | "failed" | "stopping";

/** A namespace host's first process: gone with it is all that ran in it, and all it mounted. */
export interface HostRecord {
  readonly name: string;
  readonly netns: string;
  /** Undefined until it answered. */
  readonly pid?: number;
  /** Field 22 of /proc/PID/stat: tells the process from a later one with its number. */
  readonly startTime?: string;
}

export interface State {
  readonly version: 1;
  readonly bootId: string;
  readonly phase: Phase;
  readonly appDir: string;
  readonly nullProvider: "stand-in" | "registry";
  readonly plan: Plan;
  readonly inventory: Inventory;
  /** Written before a namespace is made, so that nothing is ever made that the next run does not know of. */
  readonly hosts: Readonly<Record<string, HostRecord>>;
  readonly vms: readonly Vm[];
}

export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

export class StateFile {
  private state: State | undefined;
  constructor(readonly paths: Paths) {
    this.reread();
  }
  /** Another process may have written it. */
  reread(): void {
    const { paths } = this;
    this.state = existsSync(paths.state) ? (JSON.parse(readFileSync(paths.state, "utf8")) as State) : undefined;
  }
  get current(): State | undefined {
    return this.state;
  }
  get required(): State {
    if (this.state === undefined) throw new LabError(`no lab '${this.paths.instance}' is up; start it with: wgchain lab up`);
    return this.state;
  }
  write(state: State): void {
    this.state = state;
    mkdirSync(this.paths.root, { recursive: true, mode: 0o700 });
    writeFileSync(`${this.paths.state}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${this.paths.state}.new`, this.paths.state);
  }
  update(change: Partial<State>): State {
    const next = { ...this.required, ...change };
    this.write(next);
    return next;
  }
  recordHost(record: HostRecord): void {
    this.update({ hosts: { ...this.required.hosts, [record.name]: record } });
  }
  forgetHost(name: string): void {
    const { [name]: _gone, ...hosts } = this.required.hosts;
    this.update({ hosts });
  }
  remove(): void {
    this.state = undefined;
    for (const dir of [this.paths.root, this.paths.stage]) rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * One command at a time may change an instance. flock(1) holds the lock as long as our end of its standard input is open, so
 * it is free again however this process ends.
 */
export async function lock(paths: Paths): Promise<() => Promise<void>> {
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const child = spawn(
    "flock",
    ["--nonblock", "--conflict-exit-code", "75", paths.lock, "sh", "-c", "echo held; exec cat >/dev/null"],
    {
      stdio: ["pipe", "pipe", "inherit"],
      detached: true, // a Ctrl-C at the terminal must not open the lock before this process has ended
    },
  );
  const held = await new Promise<boolean>((resolve, reject) => {
    child.once("error", reject);
    child.stdout.once("data", () => resolve(true));
    child.once("exit", () => resolve(false));
  });
  if (!held) {
    throw new LabError(
      `another command is at work on lab '${paths.instance}'; wait for it, or take another name with --instance`,
    );
  }
  child.unref();
  (child.stdin as unknown as { unref?(): void }).unref?.();
  (child.stdout as unknown as { unref?(): void }).unref?.();
  return async () => {
    child.ref();
    child.stdin.end();
    if (child.exitCode === null) await once(child, "exit");
  };
}
