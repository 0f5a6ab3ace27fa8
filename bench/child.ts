import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Ran {
  readonly seconds: number;
  readonly mebibytes: number;
  readonly output: string;
  readonly status: number;
}

/** The high-water mark that the kernel keeps of a process; 0 once it is gone. */
function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** A command measured from outside: the clock's time, and the most memory that it had of its own. It ends with this process. */
export function measured(argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    // Becomes the command itself: the same process id.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", ...argv], {
      cwd,
      env: { ...process.env, NODE_OPTIONS: "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid ?? 0))), 5);
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
    child.once("error", (error) => {
      clearInterval(watch);
      reject(error);
    });
    child.once("close", (code) => {
      clearInterval(watch);
      resolve({ seconds: Number(process.hrtime.bigint() - began) / 1e9, mebibytes: peak, output, status: code ?? 1 });
    });
  });
}

export async function must(argv: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  const ran = await measured(argv, cwd, env);
  if (ran.status !== 0) throw new Error(`${argv.join(" ")} ended with ${ran.status}:\n${ran.output.slice(-3000)}`);
  return ran;
}
