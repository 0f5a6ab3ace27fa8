import { contains, parseIp } from "../trace/ip";
import { NetworkTrace, type EntrySource, type Joint } from "../trace/network";
import { trace, type Question, type Trace } from "../trace/trace";
import type { TracedHost, TracedNetwork, TracedTunnel, TracedWay } from "../trace/traced";
import { withNames } from "./names";
import { World, type SynthesizedStack } from "../trace/world";

/** A name or an address that is nobody's: the question itself is wrong, so neither it nor its opposite holds. */
export class UnknownName extends Error {
  override readonly name = "UnknownName";
}

/** What else is asked of a packet by `ProvenNetwork.trace`. */
export interface TraceOptions extends Omit<Partial<Question>, "source" | "destination"> {
  /** Interfaces that are not there, "node/iface". @default none */
  readonly down?: readonly string[];
}

/** A network whose packets do what was declared, to ask more of it; `provenNetwork(stack)` gives it. */
export class ProvenNetwork implements TracedNetwork {
  /** Of this shape. */
  readonly version = 1;
  private cached: NetworkTrace | undefined;

  constructor(
    private readonly synthesized: SynthesizedStack,
    private readonly traced: TracedNetwork,
  ) {}

  /** The stack's id. */
  get stack(): string {
    return this.traced.stack;
  }

  /** In the order in which they were written. */
  get hosts(): readonly TracedHost[] {
    return this.traced.hosts;
  }

  /** In the order in which they were written. */
  get tunnels(): readonly TracedTunnel[] {
    return this.traced.tunnels;
  }

  /** One a client address, then declared prefixes. */
  get ways(): readonly TracedWay[] {
    return this.traced.ways;
  }

  /** Where a client's addresses leave, or one address, whoever has it. A name that is nobody's is an error that lists those that there are. */
  waysOf(source: string): readonly TracedWay[] {
    return this.sourcesOf(source).map((one) => this.networkTrace.way(one));
  }

  /**
   * Sends one packet, and its answer. The source is a client with one address, or an address; another place than its own is said with `at`. A client with several
   * addresses, and a name that is nobody's, is an error.
   */
  trace(source: string, destination: string, options: TraceOptions = {}): Trace {
    const { down, ...question } = options;
    const [from, ...more] = this.sourcesOf(source);
    if (from === undefined || more.length > 0) {
      throw new UnknownName(`'${source}' stands for ${more.length + 1} addresses; name one`);
    }
    const world = down === undefined ? this.world : World.of(this.synthesized, { down });
    return this.named(
      trace(world, { ...question, at: question.at ?? placeOf(from), source: world.format(from.ip), destination }),
    );
  }

  /** @internal */
  get networkTrace(): NetworkTrace {
    return (this.cached ??= new NetworkTrace(this.synthesized));
  }

  /** @internal */
  get world(): World {
    return this.networkTrace.world;
  }

  /** The addresses of a client, an address (at every entry that could have it), or a declared prefix. @internal */
  sourcesOf(text: string): readonly EntrySource[] {
    const { clients } = this.synthesized.wiring;
    const named = clients.filter(({ name }) => name === text);
    const holders = named.length > 0 ? named : clients.filter(({ addresses }) => addresses.includes(text));
    if (holders.length > 0) {
      const found = holders.flatMap(({ name, node, interface: one, addresses }) =>
        addresses
          .filter((address) => text === name || address === text)
          .map((address) => ({ client: name, address, ip: parseIp(address), node, interface: one })),
      );
      // Of nothing everything holds.
      if (found.length === 0) throw new UnknownName(`client '${text}' has no address`);
      return found;
    }
    const declared = this.networkTrace.sources().filter(({ client, address }) => client === null && address === text);
    if (declared.length > 0) return declared;
    if (!/^[\d.]+$/.test(text)) {
      const isPrefix = /^[\d./]+$/.test(text);
      throw new UnknownName(
        isPrefix
          ? `'${text}' is no prefix that a policy names; write an address of it`
          : `there is no client '${text}'; the network has ${some(clients.map(({ name }) => name))}`,
      );
    }
    return this.entriesFor(text);
  }

  /** Nobody's address may come in where its network is; one of no network, by any interface of clients. */
  private entriesFor(address: string): readonly EntrySource[] {
    const ip = parseIp(address);
    const entries = this.hosts.flatMap(({ name, clientInterfaces }) =>
      clientInterfaces.map((one) => ({
        source: { client: null, address, ip, node: name, interface: one.name },
        networks: this.world.hosts.get(name)?.interfaces.get(one.name)?.addresses ?? [],
      })),
    );
    const near = entries.filter(({ networks }) => networks.some(({ network }) => contains(network, ip)));
    if (entries.length === 0) throw new UnknownName(`the network has no interface of clients that ${address} could come in by`);
    return (near.length > 0 ? near : entries).map(({ source }) => source);
  }

  /** @internal */
  hostOf(name: string): TracedHost {
    const host = this.hosts.find((one) => one.name === name);
    if (host !== undefined) return host;
    throw new UnknownName(`there is no node '${name}'; the network has ${some(this.hosts.map((one) => one.name))}`);
  }

  /** By "node/iface" of either end, or by an interface's name that only one tunnel has. @internal */
  tunnelOf(name: string): Joint {
    const { joints } = this.networkTrace;
    const [found, ...more] = joints.filter(
      ({ ends }) => ends.includes(name) || ends.some((end) => !name.includes("/") && end.endsWith(`/${name}`)),
    );
    if (found !== undefined && more.length === 0) return found;
    const ids = some((found === undefined ? joints : [found, ...more]).map(({ tunnel }) => tunnel.id));
    throw new UnknownName(
      found === undefined
        ? `there is no tunnel '${name}'; the network has ${ids}`
        : `'${name}' stands for several tunnels: ${ids}; write one of them`,
    );
  }

  /** With Terraform's names where only apply knows the address. @internal */
  named<T>(value: T): T {
    return withNames(value, this.synthesized.wiring);
  }
}

/** Where its packet sets out. */
export const placeOf = ({ client, node, interface: one }: EntrySource): string => client ?? `${node}/${one}`;

export function some(names: readonly string[]): string {
  const more = names.length > 12 ? ` and ${names.length - 12} more` : "";
  return names.length === 0 ? "none" : `${names.slice(0, 12).join(", ")}${more}`;
}
