import { failoverKey, filesInState, readFailovers, stateWithout, type Failover, type FailoverState } from "./failover";
import { splitEndpoint, type TraceHost, type WgInterface } from "./host";
import { contains, lastOf, parseIp, parsePrefix, type Ip, type Prefix } from "./ip";
import { formatLine } from "./line";
import { mtuOf, packetTo, walkBoth, type RoundTrip } from "./trace";
import type { TracedEnd, TracedExit, TracedHost, TracedInstead, TracedNetwork, TracedTunnel, TracedWay } from "./traced";
import type { Hop } from "./walk";
import type { WiredForward } from "./wiring";
import { seenOn, Twins } from "./twins";
import { World, type SynthesizedStack } from "./world";

/** Somewhere in the internet: no host's address, and in none of the inner networks. */
export const somewhere: Ip = parseIp("1.1.1.1");

/** Walks a packet of every client address, with all tunnels up and with each one down. */
export function traceNetwork(stack: SynthesizedStack): TracedNetwork {
  return new NetworkTrace(stack).network();
}

/** A tunnel as the two hosts' files make it: interfaces that are each other's peers. */
export interface Joint {
  readonly tunnel: TracedTunnel;
  readonly ends: readonly [client: string, server: string];
}

/** One source at its entry. */
export interface EntrySource {
  readonly client: string | null;
  readonly address: string;
  readonly ip: Ip;
  readonly node: string;
  readonly interface: string;
}

/** What becomes of a source's packet while failovers stand as in `state`. */
export interface InState {
  readonly state: FailoverState;
  readonly world: World;
  readonly trip: RoundTrip;
  /** Those that decided on its way, in order. */
  readonly met: readonly Failover[];
}

interface WalkedKind {
  readonly way: TracedWay;
  readonly seen: ReadonlySet<Ip>;
}

/** Its address is seen by its client and its entry only. */
function isHidden({ client, node, ip }: EntrySource, { there, back }: RoundTrip): boolean {
  const own = (at: string): boolean => at === node || at === client;
  return (
    there.hops.every(({ at, source }) => at === client || source !== ip) &&
    (back?.hops ?? []).every(({ at, destination, source }) => source !== ip && (own(at) || destination !== ip))
  );
}

/** Nothing chooses between that exit and another. */
export class NoFailover extends Error {
  constructor(
    readonly exit: string,
    readonly known: readonly string[],
  ) {
    const there = known.length === 0 ? "no client or policy names several exits" : `there are ${known.join(", ")}`;
    super(`${exit} is no exit that a failover may leave: ${there}`);
  }
}

export class NetworkTrace {
  readonly world: World;
  readonly joints: readonly Joint[];
  readonly failovers: readonly Failover[];
  private readonly jointOf = new Map<string, Joint>();
  private readonly worldsDown = new Map<string, World>();
  private readonly worldsInState = new Map<string, World>();
  private readonly exitsDown = new Map<string, TracedWay["down"]>();
  private readonly insteads = new Map<string, readonly TracedInstead[]>();
  private readonly twins: Twins;
  private readonly signatures = new Map<EntrySource, string | null>();
  private readonly walked = new Map<string, WalkedKind>();

  constructor(
    readonly stack: SynthesizedStack,
    /** Whether a source is walked for its twins, too. */
    private readonly sharing = true,
  ) {
    this.world = World.of(stack);
    this.twins = new Twins(this.world);
    this.joints = [...this.world.hosts.values()].flatMap((host) =>
      [...host.interfaces.values()].flatMap((iface) => jointFrom(this.world, host, iface) ?? []),
    );
    for (const joint of this.joints) for (const end of joint.ends) this.jointOf.set(end, joint);
    this.failovers = stack.wiring.nodes.flatMap(({ name }) => readFailovers(name, stack.files[name] ?? {}));
  }

  network(): TracedNetwork {
    return {
      version: 1,
      stack: this.stack.stack,
      hosts: [...this.world.hosts.values()].map((host) => this.hostOf(host)),
      tunnels: this.joints.map(({ tunnel }) => tunnel),
      ways: this.sources().map((source) => this.way(source)),
    };
  }

  /** Addresses of clients, in their order; then declared prefixes and addresses that no client has. */
  sources(): readonly EntrySource[] {
    return (this.known ??= this.findSources());
  }
  private known: readonly EntrySource[] | undefined;

  private findSources(): EntrySource[] {
    const { clients, declared } = this.stack.wiring;
    const known = new Set<string>();
    const sources: EntrySource[] = clients.flatMap(({ name, node, interface: one, addresses }) =>
      addresses.map((address) => {
        known.add(`${node} ${one} ${address}/32`);
        return { client: name, address, ip: parseIp(address), node, interface: one };
      }),
    );
    const more = declared.filter(
      ({ node, interface: one, source }) => !this.jointOf.has(`${node}/${one}`) && !known.has(`${node} ${one} ${source}`),
    );
    for (const { node, interface: one, source } of more) {
      const ip = someOf(parsePrefix(source), sources);
      if (ip !== undefined) sources.push({ client: null, address: source, ip, node, interface: one });
    }
    return sources;
  }

  roundTrip(source: EntrySource, destination: Ip, world = this.world): RoundTrip {
    const client = source.client === null ? undefined : world.clients.get(source.client);
    const host = world.hosts.get(source.node);
    if (client !== undefined) return walkBoth(world, packetTo(source.ip, destination), { client, sends: true });
    if (host === undefined) throw new Error(`there is no node ${source.node}`);
    return walkBoth(world, packetTo(source.ip, destination), { host, iif: source.interface });
  }

  /** The network with that interface gone. */
  without(end: string): World {
    const known = this.worldsDown.get(end) ?? this.world.with({ down: [end] });
    this.worldsDown.set(end, known);
    return known;
  }

  /** The network with failovers as in `state`, and those interfaces gone. */
  inState(state: FailoverState, down: readonly string[] = []): World {
    const key = `${[...state].map((one) => one.join("=")).join(" ")}|${down.join(" ")}`;
    const known = this.worldsInState.get(key);
    if (known !== undefined) return known;
    const nodes = new Set(this.failovers.filter((one) => state.has(failoverKey(one))).map(({ node }) => node));
    const files = [...nodes].map((node) => {
      const own = this.failovers.filter((one) => one.node === node);
      return [node, filesInState(this.stack.files[node] ?? {}, own, state)] as const;
    });
    const world = this.world.with({ files: Object.fromEntries(files), down });
    this.worldsInState.set(key, world);
    return world;
  }

  /** The network as its failovers make it while these exits do not answer what measures them. */
  whileDead(dead: readonly string[], down: readonly string[] = []): World {
    const known = [...new Set(this.failovers.flatMap(({ choices }) => choices.map(({ exit }) => exit)))].sort();
    const unknown = dead.find((exit) => !known.includes(exit));
    if (unknown !== undefined) throw new NoFailover(unknown, known);
    return this.inState(stateWithout(this.failovers, dead), down);
  }

  /** Every state of the failovers that it meets: each with every choice, and with none alive. Those that it does not meet make no difference to it. */
  *states(source: EntrySource, destination: Ip, state: FailoverState = new Map()): Generator<InState> {
    if (this.failovers.length === 0) return;
    const world = this.inState(state);
    const trip = this.roundTrip(source, destination, world);
    const met = trip.there.hops.flatMap(({ at, table }) =>
      this.failovers.filter((one) => one.node === at && one.table === table),
    );
    const open = met.find((one) => !state.has(failoverKey(one)));
    if (open === undefined) {
      // Each was met after those before it in `state`, and by what they say.
      if (state.size > 0) yield { state, world, trip, met: [...state.keys()].flatMap((key) => this.failoverOf(key) ?? []) };
      return;
    }
    for (const taken of [...open.choices.keys(), "closed"] as const) {
      yield* this.states(source, destination, new Map([...state, [failoverKey(open), taken]]));
    }
  }

  failoverOf(key: string): Failover | undefined {
    return this.failovers.find((one) => failoverKey(one) === key);
  }

  private insteadOf(source: EntrySource, key: string | undefined, first: TracedExit | null): readonly TracedInstead[] {
    const known = key === undefined ? undefined : this.insteads.get(key);
    if (known !== undefined) return known;
    const found = [...this.states(source, somewhere)].flatMap(({ trip }): TracedInstead[] => {
      const exit = this.exitOf(source, trip);
      return exit === null || exit.node === first?.node ? [] : [{ exit, ...this.wayOf(trip) }];
    });
    const distinct = [...new Map(found.map((one) => [JSON.stringify(one), one])).values()];
    if (key !== undefined) this.insteads.set(key, distinct);
    return distinct;
  }

  private wayOf(trip: RoundTrip): Pick<TracedWay, "tunnels" | "labels" | "mtuBytes"> {
    const crossed = trip.there.hops.flatMap(({ at, oif, source }) => {
      const joint = this.jointOf.get(`${at}/${oif ?? ""}`);
      return joint === undefined ? [] : [{ id: joint.tunnel.id, label: this.world.format(source) }];
    });
    return {
      tunnels: crossed.map(({ id }) => id),
      labels: crossed.map(({ label }) => label),
      mtuBytes: mtuOf(trip.there, trip.back),
    };
  }

  /** Sources of one signature are told apart by nothing but their own peers and clients; undefined: it is like no other. */
  signature(source: EntrySource): string | undefined {
    if (!this.sharing) return undefined;
    let known = this.signatures.get(source);
    if (known === undefined) this.signatures.set(source, (known = this.twins.signature(source) ?? null));
    return known ?? undefined;
  }

  way(source: EntrySource): TracedWay {
    const signature = this.signature(source);
    const known = signature === undefined ? undefined : this.walked.get(signature);
    // Who has an address that stands on that way is no twin there.
    if (known !== undefined && !known.seen.has(source.ip)) {
      return { ...known.way, client: source.client, address: source.address };
    }
    const trip = this.roundTrip(source, somewhere);
    const way = this.wayBy(source, trip);
    if (signature !== undefined && known === undefined && way.exit !== null && isHidden(source, trip)) {
      const seen = seenOn([...trip.there.hops, ...(trip.back?.hops ?? [])]);
      seen.delete(source.ip);
      this.walked.set(signature, { way, seen });
    }
    return way;
  }

  private wayBy(source: EntrySource, trip: RoundTrip): TracedWay {
    const { hops, verdict, packet } = trip.there;
    const joints = hops.flatMap(({ at, oif }) => this.jointOf.get(`${at}/${oif ?? ""}`) ?? []);
    const exit = this.exitOf(source, trip);
    const alike = this.alike(source, hops);
    // Two that are alike on their way may have other labels on the interfaces that they do not leave by: only twins go on alike.
    const instead = this.failovers.length === 0 ? [] : this.insteadOf(source, this.signature(source), exit);
    return {
      client: source.client,
      address: source.address,
      node: source.node,
      interface: source.interface,
      exit,
      ...this.wayOf(trip),
      hops: hops.flatMap(({ answers }) => (answers === undefined ? [] : [this.world.format(answers)])),
      down: this.exitsWithout(source, joints, alike),
      ...(instead.length === 0 ? {} : { instead }),
      ...(exit === null ? { why: this.whyNot(trip, packet.source, verdict.end) } : {}),
    };
  }

  /** The same for all that come in by one interface, get the same marks and labels, and are routed by the same tables. */
  private alike({ node, interface: one }: EntrySource, hops: readonly Hop[]): string {
    const way = hops.map(({ at, oif, mark, table, source: sent }) =>
      this.world.hosts.has(at) ? `${at} ${String(mark)} ${table ?? ""} ${oif ?? ""} ${String(sent)}` : "",
    );
    return `${node} ${one} ${way.join(",")}`;
  }

  private exitsWithout(source: EntrySource, joints: readonly Joint[], key: string): TracedWay["down"] {
    const down =
      this.exitsDown.get(key) ?? joints.map((joint) => ({ tunnel: joint.tunnel.id, exit: this.exitWithout(joint, source) }));
    this.exitsDown.set(key, down);
    return down;
  }

  /** Where it leaves with the tunnel down; the worse of its two ends, since either may be the one that is gone. */
  private exitWithout({ ends }: Joint, source: EntrySource): string | null {
    for (const end of ends) {
      const { verdict } = this.roundTrip(source, somewhere, this.without(end)).there;
      if (verdict.end === "left") return verdict.at;
    }
    return null;
  }

  private whyNot({ there, back }: RoundTrip, source: Ip, end: string): string {
    if (end === "left") {
      const seen = this.world.format(source);
      const reply = back === undefined ? "that is no address of its own" : `the answer ${back.verdict.end} at ${back.verdict.at}`;
      return `leaves at ${there.verdict.at} as ${seen}, and ${reply}`;
    }
    const { at, why, line } = there.verdict;
    return `${end} at ${at}: ${why}${line === undefined ? "" : ` (${formatLine(line)})`}`;
  }

  /** It left with the public address of the host that it left from, and an answer comes back to who sent it. */
  private exitOf(source: EntrySource, { there, back }: RoundTrip): TracedExit | null {
    if (there.verdict.end !== "left" || !isAnswered(source, back)) return null;
    const host = this.world.hosts.get(there.verdict.at);
    if (host?.publicAddress !== there.packet.source) return null;
    const { address, deferred } = host.wired;
    return { node: host.name, address: deferred ?? address, deferred: deferred !== undefined };
  }

  private hostOf(host: TraceHost): TracedHost {
    const { name, kind, address, deferred, exit, uplinkMtuBytes, privateLink: link, lans, forwards } = host.wired;
    const clients = [...host.interfaces.values()].filter((iface) => !this.jointOf.has(`${name}/${iface.name}`));
    return {
      name,
      kind,
      address: deferred ?? address,
      exit,
      uplinkMtuBytes,
      ...(link === undefined ? {} : { privateAddress: link.address }),
      ...(lans === undefined ? {} : { lans: lans.map((one) => one.address) }),
      ...(forwards === undefined ? {} : { forwards: forwards.map(shownForward) }),
      clientInterfaces: clients.map((iface) => ({
        name: iface.name,
        address: iface.addresses.map((one) => one.toString()).join(", "),
        mtuBytes: iface.mtuBytes,
        listenPort: iface.listenPort,
        clients: iface.peers.size,
        ...this.resolversOf(name, iface.name),
      })),
    };
  }

  private resolversOf(node: string, one: string): Pick<TracedHost["clientInterfaces"][number], "resolvers" | "answersForOthers"> {
    const found = this.stack.wiring.resolvers?.find((each) => each.node === node && each.interface === one);
    const [first] = found?.servers ?? [];
    if (found === undefined || first === undefined) return {};
    return { resolvers: found.servers, ...(found.enforce ? { answersForOthers: first } : {}) };
  }
}

function shownForward({ name, protocols, firstPort, lastPort, address = "any", to, toPort }: WiredForward): string {
  const range = firstPort === lastPort ? String(firstPort) : `${firstPort}-${lastPort}`;
  return `${name}: ${protocols.join("+")} ${address}:${range} to ${to}:${toPort}`;
}

/** Of an address that no client has yet the answer comes as far as the entry's interface. */
function isAnswered({ client, node, interface: one }: EntrySource, back: RoundTrip["back"]): boolean {
  if (client !== null) return back?.verdict.end === "delivered";
  const last = back?.hops.at(-1);
  return last?.at === node && last.oif === one;
}

/** Seen from the end that dials in. */
function jointFrom(world: World, host: TraceHost, iface: WgInterface): Joint | undefined {
  const peer = [...iface.peers.values()].find(({ endpoint }) => endpoint !== undefined);
  const far = peer === undefined ? undefined : world.endOf(peer.publicKey);
  if (peer?.endpoint === undefined || far === undefined || !("iface" in far)) return undefined;
  const network = far.iface.addresses.find((one) => one.network.length < 32)?.network;
  const isPrivate = world.hostAtPrivate(world.resolve(splitEndpoint(peer.endpoint)[0])) === far.host;
  const end = (of: TraceHost, one: WgInterface): TracedEnd => ({
    node: of.name,
    interface: one.name,
    addresses: one.addresses.map(({ address }) => address.toString()),
    mtuBytes: one.mtuBytes,
    listenPort: one.listenPort,
  });
  const id = `${host.name}/${iface.name}`;
  return {
    tunnel: {
      id,
      client: end(host, iface),
      server: end(far.host, far.iface),
      network: network?.toString() ?? "",
      mtuBytes: Math.min(iface.mtuBytes, far.iface.mtuBytes),
      over: isPrivate ? "private" : "public",
    },
    ends: [id, `${far.host.name}/${far.iface.name}`],
  };
}

/** An address of the prefix that no client has. */
function someOf(prefix: Prefix, sources: readonly EntrySource[]): Ip | undefined {
  const taken = new Set(sources.filter(({ ip }) => contains(prefix, ip)).map(({ ip }) => ip));
  for (let ip = prefix.base; ip <= lastOf(prefix) && ip <= prefix.base + taken.size + 1; ip++) if (!taken.has(ip)) return ip;
  return undefined;
}
