import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directories = new Set<string>();

const removeAll = (): void => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
};

/** A directory that is gone when the work is done, and when the process ends in its midst. */
export async function withTemporary<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "wgchain-"));
  if (directories.size === 0) process.on("exit", removeAll);
  directories.add(directory);
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
    directories.delete(directory);
    if (directories.size === 0) process.off("exit", removeAll);
  }
}
