import { rmSync } from "node:fs";
import { Lab } from "../lab";

/*
 * Removes labs and directories of a part of the bench once its standard input ends: however that part ends, kill -9 and ctrl-C too.
 *   keeper lab:NAME... dir:PATH...
 */
const named = (kind: string): string[] =>
  process.argv.slice(2).flatMap((word) => (word.startsWith(`${kind}:`) ? [word.slice(kind.length + 1)] : []));

async function clear(): Promise<void> {
  for (const instance of named("lab")) {
    // The lock of a command that was killed opens a moment after it.
    for (let tries = 0; ; tries += 1) {
      try {
        const lab = new Lab({ instance });
        await lab.down({ force: true });
        rmSync(lab.paths.lock, { force: true });
        break;
      } catch (error) {
        if (tries > 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
  for (const directory of named("dir")) rmSync(directory, { recursive: true, force: true });
}

process.stdin.on("end", () => {
  void clear().catch((error: unknown) => {
    console.error(String(error));
    process.exitCode = 1;
  });
});
process.stdin.resume();
process.stdout.write("ready\n");
