import * as fs from "node:fs";
import * as path from "node:path";
import type { Node } from "constructs";
import type { KeyIntent, RecordedAllocations } from "../lib/intent";

/**
 * The directory of public things: public keys, pinned SSH host keys, allocations. Found by the environment variable `WGCHAIN_DIR`, else the cdktf
 * context `wgchain:directory`, else `wgchain` beside cdktf.json. Private keys stand in it only for hosts that do not exist yet, ignored by git.
 */
export class Directory {
  constructor(
    /** As set; relative to the app's working directory. */
    readonly path: string,
  ) {}

  static find(node: Node): Directory {
    const context: unknown = node.tryGetContext("wgchain:directory");
    return new Directory(process.env["WGCHAIN_DIR"] ?? (typeof context === "string" ? context : "wgchain"));
  }

  get absolute(): string {
    return path.resolve(this.path);
  }

  key(name: string): KeyIntent {
    const source = path.join(this.path, "keys", `${name}.pub`);
    const text = this.read(path.join("keys", `${name}.pub`))?.trim();
    return text === undefined ? { source } : { text, source };
  }

  /** Digest of a tunnel's pre-shared key; `name` is NODE.IFACE of its server end. The newline is the file's, all else is checked. */
  presharedKeyDigest(name: string): KeyIntent {
    const file = path.join("keys", `${name}.psk.sha256`);
    const text = this.read(file)?.replace(/\n$/, "");
    return { ...(text === undefined ? {} : { text }), source: path.join(this.path, file) };
  }

  authorizedKeys(): readonly string[] {
    const lines = (this.read("authorized_keys") ?? "").split("\n").map((line) => line.trim());
    return lines.filter((line) => line !== "" && !line.startsWith("#"));
  }

  recorded(): RecordedAllocations {
    const text = this.read("allocations.json");
    if (text === undefined) return {};
    const where = path.join(this.path, "allocations.json");
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new Error(`${where} is not JSON; restore it from git, or delete it and run 'wgchain keys'`);
    }
    if (!isRecorded(value)) {
      throw new Error(
        `${where} must map kinds to names to numbers or texts; restore it from git, or delete it and run 'wgchain keys'`,
      );
    }
    return value;
  }

  private read(relative: string): string | undefined {
    try {
      return fs.readFileSync(path.join(this.absolute, relative), "utf8");
    } catch (error) {
      // A name that no file can have is a problem of its own, found by the checks.
      const absent = ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"];
      if (absent.includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw error;
    }
  }
}

function isRecorded(value: unknown): value is RecordedAllocations {
  const isMap = (one: unknown): one is Record<string, unknown> => typeof one === "object" && one !== null && !Array.isArray(one);
  return (
    isMap(value) &&
    Object.values(value).every(
      (kind) => isMap(kind) && Object.values(kind).every((one) => typeof one === "string" || typeof one === "number"),
    )
  );
}
