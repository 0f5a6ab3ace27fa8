import { lstatSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { CliError } from "../app/error";

export interface Limits {
  readonly files: number;
  readonly bytes: number;
}

/** Of 10,000 clients each side has some 10 MB. */
export const defaultLimits: Limits = { files: 20_000, bytes: 200_000_000 };

/**
 * Refuses a directory that somebody else filled when it holds anything but plain files and directories, or too much. A link could show this machine's
 * own files in the comment.
 */
export function requirePlainFiles(root: string, { files, bytes }: Limits = defaultLimits): void {
  let [count, size] = [0, 0];
  const visit = (path: string): void => {
    const found = lstatSync(path);
    const name = relative(root, path);
    if (found.isDirectory()) return readdirSync(path).forEach((one) => visit(join(path, one)));
    if (!found.isFile() || found.nlink > 1)
      throw new CliError(`the artifact holds ${name}, which is no plain file; nothing of it is read`);
    count += 1;
    size += found.size;
    if (count > files) throw new CliError(`the artifact holds more than ${files} files; nothing of it is read`);
    if (size > bytes) throw new CliError(`the artifact holds more than ${bytes} bytes; nothing of it is read`);
  };
  visit(root);
}
