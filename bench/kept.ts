import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Sees to it that labs and directories are gone when this process is. Returns what removes them in order. */
export async function kept(labs: readonly string[], directories: readonly string[] = []): Promise<() => Promise<void>> {
  const words = [...labs.map((name) => `lab:${name}`), ...directories.map((path) => `dir:${path}`)];
  // In a group of its own: a ctrl-C at the terminal is not meant for it.
  const child = spawn(process.execPath, ["--import", "tsx", join(__dirname, "keeper.ts"), ...words], {
    cwd: join(__dirname, ".."),
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), ended.then(() => Promise.reject(new Error("bench/keeper.ts did not start")))]);
  return async () => {
    child.stdin.end();
    await ended;
    if (child.exitCode !== 0) throw new Error(`not all of ${words.join(" ")} could be removed`);
  };
}
