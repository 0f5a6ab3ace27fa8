import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Of the package that this file is in: two folders up when it is compiled (dist/cli), one when it is not. */
export function ownVersion(): string {
  for (const up of [".", ".."]) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(__dirname, up, "..", "package.json"), "utf8")) as Record<
        string,
        unknown
      >;
      if (name === "wgchain" && typeof version === "string") return version;
    } catch {
      // Not this folder.
    }
  }
  return "unknown";
}
