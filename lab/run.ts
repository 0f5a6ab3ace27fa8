import { CliError } from "../app/error";
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface RunOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The process gets SIGKILL after this. */
  readonly timeoutMs?: number;
  /** False: a status other than 0 is returned, not thrown. */
  readonly check?: boolean;
  /** Both streams as they come. */
  readonly onOutput?: (text: string) => void;
}

export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class LabError extends CliError {
  override readonly name: string = "LabError";
}

export class CommandError extends LabError {
  constructor(
    readonly argv: readonly string[],
    readonly result: RunResult,
  ) {
    super(`${argv.join(" ")}: exit status ${result.status}${tail(result.stderr || result.stdout)}`);
  }
}

function tail(text: string): string {
  const lines = text.trimEnd().split("\n").slice(-12).join("\n");
  return lines === "" ? "" : `\n${lines}`;
}

/** Runs a program, no shell; throws CommandError unless it exits with 0. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    options.onOutput?.(text);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    options.onOutput?.(text);
  });
  child.stdin.on("error", () => undefined); // it may end without reading its input
  child.stdin.end(options.input ?? "");
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), options.timeoutMs);
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    const status = code ?? (signal === "SIGKILL" ? 137 : 143);
    const result = { status, stdout, stderr };
    if (status !== 0 && options.check !== false) throw new CommandError(argv, result);
    return result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new LabError(`${file} is not installed; run tools/setup`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until the answer is not undefined; a bounded wait on state. */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new LabError(`${what}: not within ${seconds} seconds`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
