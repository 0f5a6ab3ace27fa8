import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Spent {
  readonly seconds: number;
  /** The most memory that it had at once, in MiB. */
  readonly mebibytes: number;
}

export interface Command {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its good end. The kernel keeps the peak of its memory; it is read often, since it goes with the process. */
export function spend(argv: readonly [string, ...string[]], { cwd, env = {} }: Command): Promise<Spent> {
  const [file, ...args] = argv;
  return new Promise((resolve, reject) => {
    const from = process.hrtime.bigint();
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said: Buffer[] = [];
    let peak = 0;
    const look = (): void => {
      try {
        const status = readFileSync(`/proc/${String(child.pid)}/status`, "utf8");
        peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0));
      } catch {
        // It has ended.
      }
    };
    const looking = setInterval(look, 4);
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => said.push(text));
    child.once("error", reject);
    child.once("close", (code) => {
      clearInterval(looking);
      const seconds = Number(process.hrtime.bigint() - from) / 1e9;
      if (code === 0) resolve({ seconds, mebibytes: peak / 1024 });
      else reject(new Error(`${argv.join(" ")} ended with ${String(code)}:\n${Buffer.concat(said).toString().slice(-3000)}`));
    });
  });
}
