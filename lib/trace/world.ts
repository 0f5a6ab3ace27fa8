import { firstDeferred, formatIp, parseIp, type Ip, type Prefix } from "./ip";
import { TraceHost, type HostFiles, type WgInterface } from "./host";
import type { Wiring, WiredClient } from "./wiring";

/** What a synthesis wrote for one stack. */
export interface SynthesizedStack {
  readonly stack: string;
  readonly wiring: Wiring;
  /** By node: path below the host's `/` to text. */
  readonly files: Readonly<Record<string, HostFiles>>;
}

/** What is otherwise than synthesized. */
export interface WorldChange {
  /** Interfaces that are not there, "node/iface". */
  readonly down?: readonly string[];
  /** Files of a host in place of its own. */
  readonly files?: SynthesizedStack["files"];
}

export interface TraceClient {
  readonly wired: WiredClient;
  readonly addresses: ReadonlySet<Ip>;
}

/** Who holds a public key. */
export type End =
  | { readonly client: TraceClient }
  | { readonly host: TraceHost; readonly iface: WgInterface }
  | { readonly host: TraceHost; readonly gone: string };

/** All hosts and clients with the cables between them: what a packet can come to. */
export class World {
  readonly hosts: ReadonlyMap<string, TraceHost>;
  readonly clients: ReadonlyMap<string, TraceClient>;
  private readonly deferred = new Map<string, Ip>();
  private readonly ends = new Map<string, End>();
  /** By their keys; they are the same in every change of a world. */
  private readonly clientEnds: ReadonlyMap<string, End>;
  private readonly byPublic = new Map<Ip, TraceHost>();
  private readonly byPrivate = new Map<Ip, TraceHost>();

  private constructor(
    readonly stack: SynthesizedStack,
    change: WorldChange,
    base: World | undefined,
  ) {
    const { wiring, files } = stack;
    const hosts = new Map<string, TraceHost>();
    for (const node of wiring.nodes) {
      const gone = goneOn(node.name, change.down ?? []);
      const changed = change.files?.[node.name];
      const before = base?.hosts.get(node.name);
      const address = this.resolve(node.address);
      const same = gone.size === 0 && changed === undefined ? before : undefined;
      const host = same ?? new TraceHost(node, changed ?? files[node.name] ?? {}, address, gone, before);
      hosts.set(node.name, host);
      for (const ip of [host.publicAddress, ...host.otherAddresses]) this.byPublic.set(ip, host);
      if (host.privateAddress !== undefined) this.byPrivate.set(host.privateAddress.address.value, host);
      for (const iface of host.interfaces.values()) this.ends.set(iface.publicKey, { host, iface });
      for (const name of gone) {
        const key = before?.interfaces.get(name)?.publicKey;
        if (key !== undefined) this.ends.set(key, { host, gone: name });
      }
    }
    this.hosts = hosts;
    this.clients = base?.clients ?? new Map(wiring.clients.map((wired) => [wired.name, clientOf(wired)]));
    this.clientEnds =
      base?.clientEnds ?? new Map([...this.clients.values()].map((client) => [client.wired.publicKey, { client }] as const));
  }

  static of(stack: SynthesizedStack, change?: WorldChange): World {
    const world = new World(stack, {}, undefined);
    return change === undefined ? world : world.with(change);
  }

  /** The same but for this; hosts that are as before are shared, not read anew. */
  with(change: WorldChange): World {
    return new World(this.stack, change, this);
  }

  /** An address as it stands in files: a literal, or `@{NAME}`, which gets a number of its own. */
  resolve(text: string): Ip {
    if (!text.startsWith("@{")) return parseIp(text);
    const known = this.deferred.get(text) ?? firstDeferred + this.deferred.size;
    this.deferred.set(text, known);
    return known;
  }

  format(ip: Ip): string {
    if (ip < firstDeferred) return formatIp(ip);
    return [...this.deferred].find(([, value]) => value === ip)?.[0] ?? formatIp(ip);
  }

  formatPrefix({ base, length }: Prefix): string {
    return `${this.format(base)}/${length}`;
  }

  endOf(publicKey: string): End | undefined {
    return this.clientEnds.get(publicKey) ?? this.ends.get(publicKey);
  }

  hostAtPublic(ip: Ip): TraceHost | undefined {
    return this.byPublic.get(ip);
  }

  hostAtPrivate(ip: Ip): TraceHost | undefined {
    return this.byPrivate.get(ip);
  }
}

function goneOn(node: string, down: readonly string[]): ReadonlySet<string> {
  const prefix = `${node}/`;
  return new Set(down.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)));
}

const clientOf = (wired: WiredClient): TraceClient => ({ wired, addresses: new Set(wired.addresses.map(parseIp)) });
