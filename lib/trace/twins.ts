import type { Peer, TraceHost } from "./host";
import { PrefixMap, type Ip, type Prefix } from "./ip";
import type { EntrySource } from "./network";
import type { Element } from "./nft";
import type { World } from "./world";

/** What a host can tell addresses apart by. */
interface Eyes {
  /** Every prefix that is not one element of a set: of two addresses with the same longest one each is in just those that the other is in. */
  readonly prefixes: PrefixMap<number>;
  readonly sets: readonly PrefixMap<Element>[];
  /** Whose each address is, interface by interface. */
  readonly allowed: readonly PrefixMap<Peer>[];
}

/**
 * Says of which sources a host cannot tell one from another, so that what one's packets do is what the other's do: both are in the same prefixes, find the
 * same in each set and map, are their own peer's alone, and have clients with the same MTU. Of thousands of clients few differ; walking one of each kind
 * and looking at the others is what keeps the proof fast. A law of the tests holds it against walking all.
 */
export class Twins {
  private readonly eyes = new Map<TraceHost, Eyes>();

  constructor(private readonly world: World) {}

  /** The same for twins; undefined: it has none. */
  signature({ client: name, node, interface: one, ip }: EntrySource): string | undefined {
    const client = name === null ? undefined : this.world.clients.get(name);
    const host = this.world.hosts.get(node);
    const peer = client === undefined ? undefined : host?.interfaces.get(one)?.peers.get(client.wired.publicKey);
    if (client === undefined || host === undefined || peer === undefined) return undefined;
    const end = this.world.endOf(peer.publicKey);
    if (end === undefined || !("client" in end) || end.client !== client || !client.addresses.has(ip)) return undefined;
    if (client.wired.node !== node || client.wired.interface !== one) return undefined;
    if (this.world.hostAtPublic(ip) !== undefined || this.world.hostAtPrivate(ip) !== undefined) return undefined;
    const { prefixes, sets, allowed } = this.eyesOf(host);
    let text = `${node} ${one} ${client.wired.mtuBytes} ${prefixes.get(ip) ?? ""}`;
    for (const set of sets) text += ` ${set.get(ip)?.value ?? ""}`;
    for (const owners of allowed) {
      const owner = owners.get(ip);
      text += owner === peer ? " own" : ` ${owner?.publicKey ?? ""}`;
    }
    return text;
  }

  private eyesOf(host: TraceHost): Eyes {
    const known = this.eyes.get(host);
    if (known !== undefined) return known;
    const prefixes = new PrefixMap<number>();
    let count = 0;
    const add = (prefix: Prefix): void => prefixes.add(prefix, (count += 1));
    for (const prefix of host.routing.prefixes()) add(prefix);
    for (const prefix of host.nft.literals) add(prefix);
    for (const { addresses } of host.interfaces.values()) for (const { network } of addresses) add(network);
    // An empty one tells nothing apart.
    const sets = [...host.nft.addressSets()].filter((set) => set.inUse().length > 0);
    const allowed = [...host.interfaces.values()].map((iface) => iface.allowed);
    for (const set of [...sets, ...allowed]) for (const prefix of set.wide()) add(prefix);
    const eyes = { prefixes, sets, allowed };
    this.eyes.set(host, eyes);
    return eyes;
  }
}

/** Addresses that stand anywhere on a way: who has one of them is nobody's twin there. */
export const seenOn = (hops: readonly { readonly source: Ip; readonly destination: Ip; readonly answers?: Ip }[]): Set<Ip> =>
  new Set(hops.flatMap(({ source, destination, answers }) => [source, destination, ...(answers === undefined ? [] : [answers])]));
