import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Inventory } from "../lib/inventory";
import { parseInterfaceName } from "../lib/name";
import { CliError } from "../app/error";
import { keySession } from "./host-keys";
import { PrivateKeyFiles, replaceFile, writeNew } from "./key-file";
import { fullName, keyName, type SelectedInterface } from "./select";
import { isSshNode, type SshNode } from "./ssh";

/** A tunnel's pre-shared key: a secret that both ends hold. It goes from host to host through this process's memory only. */
export interface Pair {
  /** NODE/IFACE of the server end. */
  readonly name: string;
  /** As its digest's file is named. */
  readonly key: string;
  /** Of what the app wants. Null: not made yet. */
  readonly digest: string | null;
  readonly ends: readonly SelectedInterface[];
}

export interface PresharedOutcome {
  readonly result: "made" | "read" | "kept";
  readonly detail: string;
}

type Slot = "psk" | "psk.next";
/** Digests of what is there. */
type State = Readonly<Partial<Record<Slot, string>>>;

/** One end's keys. */
interface End {
  readonly name: string;
  /** Whether it holds the key for a host that has its own copy: then its absence here says nothing. */
  readonly deputy: boolean;
  state(): Promise<State>;
  read(slot: Slot): Promise<string>;
  /** Never overwrites; the digest of what is there afterwards. */
  keep(slot: Slot, value: string): Promise<string>;
}

export function pairsOf({ nodes }: Inventory): readonly Pair[] {
  const all = nodes.flatMap((node) => node.interfaces.map((one) => ({ node, one })));
  return all.flatMap(({ node, one }) => {
    const { preshared } = one;
    if (preshared === undefined || preshared.node !== node.name || preshared.interface !== one.name) return [];
    const ends = all.filter(
      (other) => other.one.preshared?.node === preshared.node && other.one.preshared.interface === preshared.interface,
    );
    return [{ name: fullName(node, one), key: keyName(node, one), digest: preshared.digest, ends }];
  });
}

/** Makes the key where neither end has it, and brings it to the end that lacks it. */
export async function ensurePreshared(directory: string, pair: Pair): Promise<PresharedOutcome> {
  const ends = endsOf(directory, pair);
  const states = await statesOf(ends);
  if (pair.digest !== null) return ensureRecorded(pair, states);
  const file = digestFile(pair);
  const found = states.flatMap(([end, { psk }]) => (psk === undefined ? [] : [{ end, digest: psk }]));
  if (new Set(found.map(({ digest }) => digest)).size > 1) {
    throw new CliError(
      `${pair.ends.map(({ node, one }) => fullName(node, one)).join(" and ")} have pre-shared keys that differ; nothing was changed: take the wrong one away and run again`,
    );
  }
  const source = found[0];
  const value = source === undefined ? randomBytes(32).toString("base64") : await source.end.read("psk");
  const digest = digestOf(value);
  for (const [end, { psk }] of states) if (psk === undefined) await keep(end, "psk", value);
  if (!writeNew(join(directory, file), `${digest}\n`, 0o644))
    throw new CliError(`${file} appeared meanwhile; it is left as it is: run again to compare`);
  const where = ends.map(({ name }) => name).join(" and ");
  return { result: source === undefined ? "made" : "read", detail: `${file}; the key is on ${where}` };
}

async function ensureRecorded(pair: Pair, states: readonly (readonly [End, State])[]): Promise<PresharedOutcome> {
  const wanted = pair.digest ?? "";
  const file = digestFile(pair);
  const slotOf = (state: State): Slot | undefined => (["psk", "psk.next"] as const).find((slot) => state[slot] === wanted);
  const source = states.find(([, state]) => slotOf(state) !== undefined);
  const lacking: End[] = [];
  for (const [end, state] of states) {
    if (slotOf(state) !== undefined) continue;
    if (state.psk !== undefined) {
      throw new CliError(
        `${file} says ${short(wanted)}, but the pre-shared key of ${end.name} is ${short(state.psk)}; nothing was changed. To replace it on both: wgchain keys rotate --psk ${pair.name}`,
      );
    }
    if (!end.deputy) lacking.push(end);
  }
  if (lacking.length === 0) return { result: "kept", detail: file };
  if (source === undefined) {
    throw new CliError(
      `${file} says ${short(wanted)}, but no end has that pre-shared key any more; delete ${file} and run again for a new one`,
    );
  }
  const [end, state] = source;
  const value = await end.read(slotOf(state) ?? "psk");
  for (const one of lacking) await keep(one, "psk", value);
  return { result: "read", detail: `${file}; brought to ${lacking.map(({ name }) => name).join(" and ")}` };
}

/** Makes the key that the next deploy switches both ends to. */
export async function rotatePreshared(directory: string, pair: Pair): Promise<{ former: string; digest: string; file: string }> {
  const former = pair.digest;
  const file = digestFile(pair);
  if (former === null) throw new CliError(`${pair.name} has no pre-shared key yet; make it: wgchain keys`);
  const states = await statesOf(endsOf(directory, pair));
  for (const [end, state] of states) {
    if (state.psk === former || state["psk.next"] !== undefined || end.deputy) continue;
    throw new CliError(
      `${file} says ${short(former)}, but ${end.name} has ${state.psk === undefined ? "no pre-shared key" : short(state.psk)}; nothing was changed. Bring both ends to one key first: wgchain keys`,
    );
  }
  // What waits already, from a run that broke off, or that no deploy has followed yet.
  const waiting = states.flatMap(([end, state]) => {
    const digest = end.deputy ? (state.psk === former ? undefined : state.psk) : state["psk.next"];
    return digest === undefined ? [] : [{ end, digest }];
  });
  if (new Set(waiting.map(({ digest }) => digest)).size > 1) {
    throw new CliError(
      `${waiting.map(({ end }) => end.name).join(" and ")} have next pre-shared keys that differ; nothing was changed: take them away (IFACE.psk.next) and run again`,
    );
  }
  const source = waiting[0];
  const value =
    source === undefined ? randomBytes(32).toString("base64") : await source.end.read(source.end.deputy ? "psk" : "psk.next");
  for (const [end, state] of states) {
    const has = end.deputy ? state.psk : state["psk.next"];
    if (has !== digestOf(value)) await keep(end, "psk.next", value);
  }
  replaceFile(join(directory, file), `${digestOf(value)}\n`, 0o644);
  return { former, digest: digestOf(value), file };
}

async function statesOf(ends: readonly End[]): Promise<readonly (readonly [End, State])[]> {
  return Promise.all(ends.map(async (end) => [end, await end.state()] as const));
}

async function keep(end: End, slot: Slot, value: string): Promise<void> {
  if ((await end.keep(slot, value)) !== digestOf(value))
    throw new CliError(`another pre-shared key appeared meanwhile for ${end.name}; it is left as it is: run again to compare`);
}

const digestFile = ({ key }: Pair): string => join("keys", `${key}.psk.sha256`);
const digestOf = (value: string): string => createHash("sha256").update(value).digest("hex");
const short = (digest: string): string => `${digest.slice(0, 12)}...`;

function endsOf(directory: string, { name, ends }: Pair): readonly End[] {
  if (ends.length !== 2)
    throw new CliError(`the app's inventory has ${ends.length} ends of the pre-shared key of ${name}, not 2`);
  return ends.map(({ node, one }) => {
    const label = fullName(node, one);
    const iface = parseInterfaceName(one.name);
    return isSshNode(node)
      ? new HostEnd(label, node, iface, join(directory, "known_hosts"))
      : new LocalEnd(label, keyName(node, one), new PrivateKeyFiles(directory));
  });
}

class HostEnd implements End {
  readonly deputy = false;
  constructor(
    readonly name: string,
    private readonly node: SshNode,
    private readonly iface: string,
    private readonly knownHosts: string,
  ) {}

  async state(): Promise<State> {
    const found = await this.run(["psk", "psk.next"].map((slot) => `psk_state ${this.iface}.${slot}`));
    const digest = (slot: Slot): Partial<Record<Slot, string>> => {
      const answer = found.get(`${this.iface}.${slot}`);
      return answer?.kind === "there" ? { [slot]: answer.text } : {};
    };
    return { ...digest("psk"), ...digest("psk.next") };
  }

  async read(slot: Slot): Promise<string> {
    const answer = (await this.run([`psk_read ${this.iface}.${slot}`])).get(`${this.iface}.${slot}`);
    if (answer?.kind !== "value" || !/^[A-Za-z0-9+/]{43}=$/.test(answer.text))
      throw new CliError(`the pre-shared key of ${this.name} could not be read; run again`);
    return answer.text;
  }

  async keep(slot: Slot, value: string): Promise<string> {
    const answer = (await this.run([`psk_keep ${this.iface}.${slot} '${value}'`])).get(`${this.iface}.${slot}`);
    if (answer?.kind !== "there") throw new CliError(`the pre-shared key did not arrive at ${this.name}; run again`);
    return answer.text;
  }

  private async run(calls: readonly string[]): Promise<Map<string, { kind: string; text: string }>> {
    const found = new Map<string, { kind: string; text: string }>();
    const onLine = (line: string): void => {
      const [word, file = "", kind = "", text = ""] = line.split(" ");
      if (word === "psk") found.set(file, { kind, text });
    };
    try {
      await keySession({ node: this.node, knownHosts: this.knownHosts, calls, notice: () => undefined, onLine });
    } catch (error) {
      throw error instanceof CliError ? new CliError(`${this.name}: ${error.message}`) : error;
    }
    for (const [file, { kind }] of found) {
      if (kind === "malformed")
        throw new CliError(
          `${this.name}: /etc/wgchain/keys/${file} holds no WireGuard key (not shown); take it away there and run again`,
        );
    }
    return found;
  }
}

/** A host that does not exist yet, or a VM: its key waits in private/ and is sent by each deploy from here. */
class LocalEnd implements End {
  readonly deputy = true;
  constructor(
    readonly name: string,
    private readonly key: string,
    private readonly files: PrivateKeyFiles,
  ) {}

  state(): Promise<State> {
    const text = this.files.preshared(this.key);
    return Promise.resolve(text === undefined ? {} : { psk: digestOf(text) });
  }

  read(): Promise<string> {
    return Promise.resolve(this.files.preshared(this.key) ?? "");
  }

  keep(_slot: Slot, value: string): Promise<string> {
    this.files.keepPreshared(this.key, value);
    return Promise.resolve(digestOf(this.files.preshared(this.key) ?? ""));
  }
}
