/** Runs a command (cdktf, terraform) against the lab's cloud. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { serveProviders, type ServeOptions } from "./serve";

/** Environment by which Terraform and cdktf take the lab's providers and ask nobody else. */
export const attachedEnvironment = (reattach: string): Record<string, string> => ({
  TF_REATTACH_PROVIDERS: reattach,
  CDKTF_SKIP_PROVIDER_LOCK: "true",
  CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1",
  CHECKPOINT_DISABLE: "1",
  CI: "1",
});

/** Serves while `use` runs; `env` is what its children need besides the environment. */
export async function withProviders(
  options: ServeOptions,
  use: (env: Record<string, string>) => Promise<number>,
): Promise<number> {
  const served = await serveProviders(options);
  try {
    return await use(attachedEnvironment(served.reattach));
  } finally {
    await served.close();
  }
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a command to its end and gives its exit code (128 + N when signal N ended it). Signals do not end this process: Terraform needs its
 * providers until it has stopped by itself. On a terminal, ^C reaches the command from the kernel and is not sent again, for Terraform
 * takes a second interrupt as an order to drop everything; elsewhere the command has a process group of its own and gets each signal from here.
 */
export function runCommand(command: readonly [string, ...string[]], options: CommandOptions): Promise<number> {
  const [file, ...args] = command;
  const onTerminal = process.stdin.isTTY;
  return new Promise((resolve, reject) => {
    const pass = (signal: NodeJS.Signals): void => {
      if (child.pid === undefined || (onTerminal && signal === "SIGINT")) return;
      if (onTerminal) child.kill(signal);
      else signalGroup(child.pid, signal);
    };
    // Before the command is there: while spawn() returns, it runs already, and what waits for its words may send a signal.
    for (const signal of forwarded) process.on(signal, pass);
    const child = spawn(file, args, {
      stdio: "inherit",
      detached: !onTerminal,
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const done = (): void => forwarded.forEach((signal) => process.off(signal, pass));
    child.once("error", (error) => {
      done();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
