/**
 * `npm run faults`: does every row of the fault matrix for real. This process only looks after the one that works (worker.ts): however
 * that ends, its lab and its files are removed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Lab } from "../lab";
import { instanceOf, productDirectories } from "./names";

/** What runs that were killed have left. */
async function removeStale(): Promise<void> {
  const base = dirname(new Lab({ instance: instanceOf(process.pid) }).paths.root);
  for (const name of existsSync(base) ? readdirSync(base) : []) {
    const pid = /^faults-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await new Lab({ instance: name }).down({ force: true });
  }
  for (const [pid, directory] of productDirectories()) if (!existsSync(`/proc/${pid}`)) rmSync(directory, { recursive: true });
}

async function main(): Promise<number> {
  await removeStale();
  const worker = spawn(process.execPath, [...process.execArgv, join(__dirname, "worker.ts"), ...process.argv.slice(2)], {
    // the worker ends when this pipe does, so also when this process is killed
    stdio: ["pipe", "inherit", "inherit"],
    env: { ...process.env, WGCHAIN_FAULTS_PID: String(process.pid) },
  });
  // a Ctrl-C reaches the worker by itself
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => worker.kill("SIGTERM"));
  const [code] = (await once(worker, "exit")) as [number | null];
  await new Lab({ instance: instanceOf(process.pid) }).down({ force: true });
  for (const [pid, directory] of productDirectories()) if (pid === process.pid) rmSync(directory, { recursive: true });
  return code ?? 1;
}

void main().then((status) => (process.exitCode = status));
