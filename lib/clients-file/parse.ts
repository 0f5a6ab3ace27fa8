import { LineCounter, isMap, isScalar, isSeq, parseDocument, type Node, type YAMLMap } from "yaml";
import { Ipv4Address } from "../address";
import { parsePublicKey } from "../key";
import { parseName } from "../name";
import { ParseError } from "../problem";

/** Clients as a file beside the app has them: what `wgchain client` edits. */
export interface ClientsFile {
  readonly clients: Readonly<Record<string, ClientEntry>>;
  readonly revoked: Readonly<Record<string, RevokedEntry>>;
}

export interface ClientEntry {
  /** Name of the exit it leaves at, or of several in order. */
  readonly exit: string | readonly string[];
  /** @default allocated from its name */
  readonly address?: string;
  /** @default the file `keys/client.NAME.pub` in wgchain's directory */
  readonly publicKey?: string;
  /** A label of its own on the first tunnel, instead of the exit's. @default false */
  readonly ownLabel?: boolean;
}

/** One that is cut off: its address is nobody else's until that day. */
export interface RevokedEntry {
  readonly address: string;
  /** The first day on which the address may be given away, e.g. "2027-02-21" (UTC). */
  readonly keptUntil: string;
}

export interface ParsedClients {
  readonly file: ClientsFile;
  /** Each with its place, e.g. "clients.yaml:4:11: ...". */
  readonly problems: readonly string[];
}

/** Reads a clients file; `name` is for messages. What is wrong is left out, so that all of it is found at once. */
export function parseClientsFile(text: string, name: string): ParsedClients {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: "1.2" });
  const reader = new Reader(lines, name);
  for (const { message, pos } of document.errors) reader.problem(pos[0], message);
  if (document.errors.length > 0) return { file: { clients: {}, revoked: {} }, problems: reader.problems };
  const top = reader.map(document.contents, "the file", ["clients", "revoked"]) ?? {};
  const clients = reader.entries(top["clients"], "clients", (node, path) => reader.client(node, path));
  const revoked = reader.entries(top["revoked"], "revoked", (node, path) => reader.revoked(node, path));
  return { file: { clients, revoked }, problems: reader.problems };
}

type Value = Node | null | undefined;

class Reader {
  readonly problems: string[] = [];

  constructor(
    private readonly lines: LineCounter,
    private readonly name: string,
  ) {}

  problem(offset: number, message: string): void {
    const { line, col } = this.lines.linePos(offset);
    this.problems.push(`${this.name}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${message}`);
  }

  /** The values of a map by their keys, of which only `known` may be there; any where it is undefined. */
  map(node: Value, path: string, known?: readonly string[]): Record<string, Value> | undefined {
    if (node === null || node === undefined || (isScalar(node) && node.value === null)) return {};
    if (!isMap(node)) {
      this.problem(startOf(node), `${path} must be a map, e.g. phone: { exit: gcp }`);
      return undefined;
    }
    const found: [string, Value][] = [];
    for (const { key, value } of (node as YAMLMap<Node, Node | null>).items) {
      const text = isScalar(key) ? String(key.value) : "";
      if (!isScalar(key)) this.problem(startOf(key), `${path} has a key that is no name`);
      else if (known !== undefined && !known.includes(text))
        this.problem(startOf(key), `${path} has '${text}', which means nothing here; write ${list(known)}`);
      // A value that is left out stands where its key stands.
      else found.push([text, value ?? key]);
      if (value === null && known !== undefined && known.includes(text)) found[found.length - 1] = [text, null];
    }
    return Object.fromEntries(found);
  }

  entries<T>(node: Value, path: string, read: (node: Value, path: string) => T | undefined): Record<string, T> {
    const found = Object.entries(this.map(node, path) ?? {}).flatMap(([name, value]) => {
      const at = startOf(value);
      if (this.attempt(at, () => parseName(name, "client name")) === undefined) return [];
      const entry = read(value, `${path}.${name}`);
      return entry === undefined ? [] : [[name, entry] as const];
    });
    return Object.fromEntries(found);
  }

  client(node: Value, path: string): ClientEntry | undefined {
    const fields = this.map(node, path, ["exit", "address", "publicKey", "ownLabel"]);
    if (fields === undefined) return undefined;
    const { exit, address, publicKey, ownLabel } = fields;
    const leaves = this.exits(exit, `${path}.exit`);
    if (exit === undefined || exit === null) this.problem(startOf(node), `${path} has no exit; write e.g. { exit: gcp }`);
    const own = ownLabel === undefined ? undefined : this.flag(ownLabel, `${path}.ownLabel`);
    const at =
      address === undefined ? undefined : this.text(address, `${path}.address`, (text) => Ipv4Address.parse(text).toString());
    const key =
      publicKey === undefined
        ? undefined
        : this.text(publicKey, `${path}.publicKey`, (text) => parsePublicKey(text, "publicKey"));
    if (leaves === undefined) return undefined;
    return {
      exit: leaves,
      ...(at === undefined ? {} : { address: at }),
      ...(key === undefined ? {} : { publicKey: key }),
      ...(own === undefined ? {} : { ownLabel: own }),
    };
  }

  /** One name, or a list of them. */
  private exits(node: Value, path: string): string | readonly string[] | undefined {
    const one = (item: Value, at: string): string | undefined => this.text(item, at, (text) => parseName(text, "exit"));
    if (!isSeq(node)) return one(node, path);
    const items = node.items as Value[];
    if (items.length === 0) this.problem(startOf(node), `${path} is empty; name an exit`);
    const names = items.flatMap((item, index) => one(item, `${path}[${index}]`) ?? []);
    return names.length === 0 || names.length < items.length ? undefined : names;
  }

  revoked(node: Value, path: string): RevokedEntry | undefined {
    const fields = this.map(node, path, ["address", "keptUntil"]);
    if (fields === undefined) return undefined;
    const { address, keptUntil } = fields;
    const at = this.text(address, `${path}.address`, (text) => Ipv4Address.parse(text).toString());
    const until = this.text(keptUntil, `${path}.keptUntil`, parseDay);
    if (!address || !keptUntil)
      this.problem(startOf(node), `${path} needs its address and keptUntil, e.g. { address: 10.77.0.9, keptUntil: 2027-02-21 }`);
    return at === undefined || until === undefined ? undefined : { address: at, keptUntil: until };
  }

  private text(node: Value, path: string, parse: (text: string) => string): string | undefined {
    if (node === undefined || node === null) return undefined;
    const value = isScalar(node) ? (node.source ?? node.value) : undefined;
    if (typeof value !== "string" || (isScalar(node) && node.value === null)) {
      this.problem(startOf(node), `${path} must be a text`);
      return undefined;
    }
    return this.attempt(startOf(node), () => parse(value), path);
  }

  private flag(node: Value, path: string): boolean | undefined {
    if (isScalar(node) && typeof node.value === "boolean") return node.value;
    this.problem(startOf(node), `${path} must be true or false`);
    return undefined;
  }

  private attempt(offset: number, parse: () => string, path?: string): string | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      this.problem(offset, path === undefined ? error.message : `${path}: ${error.message}`);
      return undefined;
    }
  }
}

const startOf = (node: Value): number => node?.range?.[0] ?? 0;
const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(" or ");

function parseDay(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(`${text}T00:00:00Z`)))
    throw new ParseError("bad-day", `'${text}' is no day; write e.g. 2027-02-21`);
  return text;
}
