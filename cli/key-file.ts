import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parsePublicKey } from "../lib/key";
import { CliError, errorCode, messageOf } from "../app/error";

/** Writes a file that must not be there yet, whole or not at all; false when it is there. */
export function writeNew(file: string, text: string, mode: number): boolean {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${randomBytes(6).toString("hex")}.new`;
  const handle = openSync(temporary, "wx", mode);
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
    // A link, not a rename: it fails where something is, so nothing is ever overwritten.
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    closeSync(handle);
    rmSync(temporary, { force: true });
  }
}

/** Puts a file in the place of another in one step. */
export function replaceFile(file: string, text: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${randomBytes(6).toString("hex")}.new`;
  const handle = openSync(temporary, "wx", mode);
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
    renameSync(temporary, file);
  } finally {
    closeSync(handle);
    rmSync(temporary, { force: true });
  }
}

/** Public keys, in `keys/`, to be committed. */
export class PublicKeyFiles {
  constructor(readonly directory: string) {}

  /** As shown to people. */
  name(key: string): string {
    return join("keys", `${key}.pub`);
  }

  read(key: string): string | undefined {
    const file = join(this.directory, this.name(key));
    return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
  }

  write(key: string, publicKey: string): void {
    const text = parsePublicKey(publicKey, `the public key of ${key}`);
    if (writeNew(join(this.directory, this.name(key)), `${text}\n`, 0o644)) return;
    if (this.read(key) !== text)
      throw new CliError(`${this.name(key)} appeared meanwhile, with another key; it is left as it is: run again to compare`);
  }

  replace(key: string, publicKey: string): void {
    const text = parsePublicKey(publicKey, `the public key of ${key}`);
    replaceFile(join(this.directory, this.name(key)), `${text}\n`, 0o644);
  }
}

/** Private keys on the operator's side, in `private/`: 0600 in a directory that git ignores. */
export class PrivateKeyFiles {
  private readonly folder: string;

  constructor(directory: string) {
    this.folder = join(directory, "private");
  }

  name(key: string): string {
    return join("private", `${key}.key`);
  }

  has(key: string): boolean {
    return existsSync(this.path(key));
  }

  /** The public key of the pair; the pair is made when it is not there. */
  publicKey(key: string): { readonly publicKey: string; readonly made: boolean } {
    this.protect();
    const made = !this.has(key) && writeNew(this.path(key), `${newPrivateKey()}\n`, 0o600);
    if ((statSync(this.path(key)).mode & 0o077) !== 0) chmodSync(this.path(key), 0o600);
    return { publicKey: this.derive(key), made };
  }

  /**
   * A new pair in the place of the one that `recorded` is the public key of; its private key stays as `.key.old`. Where a former run broke off after it
   * made the pair, that pair.
   */
  rotate(key: string, recorded: string): string {
    this.protect();
    const [file, old] = [this.path(key), `${this.path(key)}.old`];
    const current = this.derive(key);
    if (current !== recorded) {
      if (existsSync(old) && publicKeyOf(readFileSync(old, "utf8").trim()) === recorded) return current;
      throw new CliError(
        `${this.name(key)} belongs to ${current}, but keys/${key}.pub says ${recorded}; nothing was changed. Put the right private key in its place`,
      );
    }
    replaceFile(old, readFileSync(file, "utf8"), 0o600);
    replaceFile(file, `${newPrivateKey()}\n`, 0o600);
    return this.derive(key);
  }

  /** The pre-shared key of a host that does not exist yet, as it is sent; undefined: not on this machine. */
  preshared(key: string): string | undefined {
    const file = join(this.folder, `${key}.psk`);
    if (!existsSync(file)) return undefined;
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    const text = readFileSync(file, "utf8").trim();
    if (!isKey(text)) throw new CliError(`private/${key}.psk holds no WireGuard key (not shown); move it away and run again`);
    return text;
  }

  /** In the place of another, which stays as `.psk.old`. */
  keepPreshared(key: string, text: string): void {
    this.protect();
    const file = join(this.folder, `${key}.psk`);
    if (existsSync(file)) replaceFile(`${file}.old`, readFileSync(file, "utf8"), 0o600);
    replaceFile(file, `${text}\n`, 0o600);
  }

  private derive(key: string): string {
    try {
      return publicKeyOf(readFileSync(this.path(key), "utf8").trim());
    } catch (error) {
      if (errorCode(error)?.startsWith("E") === true && !(error instanceof CliError))
        throw new CliError(`${this.name(key)}: ${messageOf(error)}`);
      throw new CliError(`${this.name(key)} holds no WireGuard private key (not shown); move it away and run again`);
    }
  }

  /** Before the first key: a directory that nobody else reads and git never takes. */
  private protect(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    chmodSync(this.folder, 0o700);
    const ignore = join(this.folder, ".gitignore");
    const lines = existsSync(ignore) ? readFileSync(ignore, "utf8").split("\n") : [];
    if (!lines.includes("*")) appendFileSync(ignore, lines.length > 0 && lines.at(-1) !== "" ? "\n*\n" : "*\n");
  }

  private path(key: string): string {
    return join(this.folder, `${key}.key`);
  }
}

const isKey = (text: string): boolean => /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text);

/** As `wg genkey`: 32 random bytes, clamped, base64. */
export function newPrivateKey(): string {
  const bytes = randomBytes(32);
  bytes[0] = (bytes[0] ?? 0) & 248;
  bytes[31] = ((bytes[31] ?? 0) & 127) | 64;
  return bytes.toString("base64");
}

/** X25519 keys in PKCS #8 and SPKI are a constant prefix and the 32 bytes. */
const pkcs8Prefix = Buffer.from("302e020100300506032b656e04220420", "hex");

/** As `wg pubkey`. */
export function publicKeyOf(privateKey: string): string {
  if (!isKey(privateKey)) throw new CliError("not a key");
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, Buffer.from(privateKey, "base64")]),
    format: "der",
    type: "pkcs8",
  });
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
}
