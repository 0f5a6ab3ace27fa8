import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { labScript } from "./files";
import { LabError, run, until, type RunOptions, type RunResult } from "./run";
import type { HostRecord, Paths, StateFile } from "./state";

/** What no host may see of the machine it runs on: its keys, its cloud credentials, its WireGuard and wgchain set-up. */
const hidden = [
  "/etc/ssh",
  "/etc/wireguard",
  "/etc/wgchain",
  "/etc/nftables.conf",
  "/etc/systemd/network",
  "/etc/sysctl.d/90-wgchain.conf",
  "/var/lib/wgchain",
  "/usr/local/lib/wgchain",
  ...[".aws", ".azure", ".config/gcloud", ".docker", ".git-credentials", ".gnupg", ".kube", ".netrc", ".npmrc", ".ssh"].map(
    (name) => `/root/${name}`,
  ),
  ...[".terraform.d", ".terraformrc", ".cdktf"].map((name) => `/root/${name}`),
];

export interface HostSpec {
  readonly name: string;
  readonly netns: string;
  /** Directories that stay visible at the same path. */
  readonly keep?: readonly { readonly path: string; readonly mode: "ro" | "rw" }[];
  /** It runs programs of the machine's user (node, terraform), which may stand below /root, /home or /tmp. */
  readonly sharedHomes?: boolean;
  readonly forwarding?: boolean;
}

const hostEnv: NodeJS.ProcessEnv = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  USER: "root",
  LOGNAME: "root",
  LANG: "C.UTF-8",
  // Not the outermost: bash -c that reads from a socket would take itself for a login by network, and read the machine's ~/.bashrc.
  SHLVL: "1",
  TERM: process.env.TERM ?? "dumb",
};

/** A namespace host that runs. */
export class Host {
  constructor(
    readonly name: string,
    readonly netns: string,
    readonly pid: number,
  ) {}

  /** The command line that runs `argv` in the host, from outside. */
  command(argv: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = "/root"): string[] {
    const pairs = Object.entries({ ...hostEnv, ...env }).flatMap(([key, value]) =>
      value === undefined ? [] : [`${key}=${value}`],
    );
    const enter = ["nsenter", "--target", String(this.pid), "--mount", "--net", "--pid", "--uts", "--ipc"];
    return [...enter, "--", "env", "-i", "-C", cwd, ...pairs, ...argv];
  }

  /** Runs a program in the host, as its root. */
  async exec(argv: readonly string[], options: Omit<RunOptions, "env"> & { env?: NodeJS.ProcessEnv } = {}): Promise<RunResult> {
    const { env, cwd, timeoutMs, ...rest } = options;
    // timeout(1) inside: killing nsenter from outside would leave the program running
    const limit = timeoutMs === undefined ? [] : ["timeout", "--kill-after=1", String(timeoutMs / 1000)];
    return run(this.command([...limit, ...argv], env, cwd), { ...rest, env: process.env });
  }

  /** A few lines of shell in the host; stops at the first that fails. */
  async sh(script: string, options: RunOptions = {}): Promise<RunResult> {
    return this.exec(["bash", "-euo", "pipefail", "-c", script], options);
  }
}

const startTimeOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // One that has ended, and only waits for its parent to notice.
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
};

export function alive(record: HostRecord): boolean {
  return record.pid !== undefined && startTimeOf(record.pid) === record.startTime && existsSync(netnsPath(record.netns));
}

const netnsPath = (netns: string): string => join("/run/netns", netns);

/** Makes a host. It is written down before it exists, so an interrupted run leaves nothing that the next one cannot find. */
export async function startHost(paths: Paths, state: StateFile, spec: HostSpec): Promise<Host> {
  if (existsSync(netnsPath(spec.netns))) {
    throw new LabError(
      `network namespace ${spec.netns} exists already and is not this lab's; remove it with 'ip netns del ${spec.netns}' or take another --instance`,
    );
  }
  state.recordHost({ name: spec.name, netns: spec.netns });
  mkdirSync(paths.stage, { recursive: true, mode: 0o700 });
  await run(["ip", "netns", "add", spec.netns]);
  const init = labScript("host-init.sh");
  const unshare = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"];
  const child = spawn("nsenter", [`--net=${netnsPath(spec.netns)}`, ...unshare, "bash", init], {
    detached: true, // it outlives this process, and a Ctrl-C here is not meant for it
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
    env: {
      PATH: hostEnv.PATH,
      LAB_HOST: spec.name,
      LAB_STAGE: paths.stage,
      LAB_KEEP: (spec.keep ?? []).map(({ mode, path }) => `${mode} ${path}`).join("\n"),
      LAB_HIDE: hidden.join(" "),
      LAB_HOMES: spec.sharedHomes === true ? "shared" : "own",
      LAB_FORWARD: spec.forwarding === true ? "1" : "0",
    },
  });
  const pid = await new Promise<number>((resolve, reject) => {
    let out = "";
    let err = "";
    child.once("error", reject);
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const match = /^ready (\d+)$/m.exec(out);
      if (match) resolve(Number(match[1]));
    });
    child.once("exit", (code) => reject(new LabError(`host ${spec.name} did not start (status ${code})\n${err.trim()}`)));
  });
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  state.recordHost({ name: spec.name, netns: spec.netns, pid, startTime: startTimeOf(pid) ?? "" });
  return new Host(spec.name, spec.netns, pid);
}

export function hostOf(record: HostRecord): Host {
  if (record.pid === undefined || !alive(record)) throw new LabError(`host ${record.name} is not running; see: wgchain lab up`);
  return new Host(record.name, record.netns, record.pid);
}

/** Kills all that runs in a host and removes its namespace; also what an interrupted start left of one. */
export async function removeHost(record: HostRecord): Promise<void> {
  if (alive(record) && record.pid !== undefined) kill(record.pid);
  if (existsSync(netnsPath(record.netns))) {
    // What stands in the network namespace without being recorded: the start was interrupted before its answer came.
    await until(`processes of ${record.netns} to end`, 10, async () => {
      const { stdout } = await run(["ip", "netns", "pids", record.netns], { check: false });
      const pids = stdout.split("\n").filter(Boolean).map(Number);
      pids.forEach(kill);
      return pids.length === 0 ? true : undefined;
    });
    await run(["ip", "netns", "del", record.netns]);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it is gone already
  }
}
