import { spawn, spawnSync, type ChildProcess } from "node:child_process";

/** A network namespace without a name: it ends with this process, however that ends. */
export class Namespace {
  private constructor(
    private readonly holder: ChildProcess,
    readonly pid: number,
  ) {}

  static start(): Namespace {
    const holder = spawn("setpriv", ["--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"], { stdio: "ignore" });
    if (holder.pid === undefined) throw new Error("a network namespace could not be made; the bench needs root");
    const one = new Namespace(holder, holder.pid);
    // Its own once it is no longer ours.
    for (let tries = 0; tries < 200; tries += 1) {
      const { stdout } = spawnSync("readlink", [`/proc/${holder.pid}/ns/net`, "/proc/self/ns/net"], { encoding: "utf8" });
      const [theirs, ours] = stdout.trim().split("\n");
      if (theirs !== ours && one.try("true").status === 0) return one;
      spawnSync("sleep", ["0.02"]);
    }
    throw new Error("a network namespace could not be made; the bench needs root");
  }

  try(script: string, input?: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const argv = ["--target", String(this.pid), "--net", "bash", "-euc", script];
    return spawnSync("nsenter", argv, { encoding: "utf8", maxBuffer: 1 << 28, ...(input === undefined ? {} : { input }) });
  }

  /** What it printed. */
  run(script: string, input?: string): string {
    const { status, stdout, stderr } = this.try(script, input);
    if (status !== 0) throw new Error(`${script.slice(0, 400)}\nended with ${String(status)}: ${stderr.slice(0, 2000)}`);
    return stdout;
  }

  stop(): void {
    this.holder.kill("SIGKILL");
  }
}
