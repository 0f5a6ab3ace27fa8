import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "../app/error";

export interface HostKey {
  /** e.g. "ssh-ed25519". */
  readonly type: string;
  readonly base64: string;
}

/** As `ssh-keygen -lf` shows it. */
export function fingerprint({ type, base64 }: HostKey): string {
  const digest = createHash("sha256").update(Buffer.from(base64, "base64")).digest("base64").replace(/=+$/, "");
  return `SHA256:${digest} (${type})`;
}

export const sameKey = (a: HostKey, b: HostKey): boolean => a.type === b.type && a.base64 === b.base64;

/** Lines of a known_hosts file; those of other names, comments and markers (@revoked) stay as they are. */
export class KnownHosts {
  private constructor(
    readonly file: string,
    private lines: readonly string[],
  ) {}

  static read(file: string): KnownHosts {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    return new KnownHosts(
      file,
      text.split("\n").filter((line, index, all) => line !== "" || index < all.length - 1),
    );
  }

  keysOf(alias: string): readonly HostKey[] {
    return this.lines.filter((line) => namesOf(line).includes(alias)).map(keyOf);
  }

  get aliases(): readonly string[] {
    return [...new Set(this.lines.flatMap(namesOf))];
  }

  pin(alias: string, { type, base64 }: HostKey): void {
    this.remove(alias);
    this.lines = [...this.lines, `${alias} ${type} ${base64}`];
  }

  remove(alias: string): void {
    this.lines = this.lines.flatMap((line) => {
      const names = namesOf(line);
      if (!names.includes(alias)) return [line];
      const others = names.filter((name) => name !== alias);
      return others.length === 0 ? [] : [[others.join(","), ...line.trim().split(/\s+/).slice(1)].join(" ")];
    });
  }

  save(): void {
    mkdirSync(dirname(this.file), { recursive: true });
    const temporary = `${this.file}.${randomBytes(6).toString("hex")}.new`;
    writeFileSync(temporary, this.lines.map((line) => `${line}\n`).join(""), { mode: 0o644 });
    renameSync(temporary, this.file);
  }
}

function namesOf(line: string): readonly string[] {
  return /^\s*(#|@|$)/.test(line) ? [] : (line.trim().split(/\s+/)[0] ?? "").split(",");
}

function keyOf(line: string): HostKey {
  const [, type = "", base64 = ""] = line.trim().split(/\s+/);
  if (!/^[a-z0-9@.-]+$/.test(type) || !/^[A-Za-z0-9+/]+=*$/.test(base64)) {
    throw new CliError(`known_hosts has a line that is no host key: '${line.slice(0, 60)}'; take it out`);
  }
  return { type, base64 };
}
