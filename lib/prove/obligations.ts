import type { TraceHost } from "../trace/host";
import { uplink } from "../trace/host";
import type { PrefixMap } from "../trace/ip";
import { addBoundaries, parseIp, type Ip } from "../trace/ip";
import { formatLine } from "../trace/line";
import { somewhere, type EntrySource, type NetworkTrace } from "../trace/network";
import { packetTo, walkBoth, type RoundTrip, type Walked } from "../trace/trace";
import type { TracedWay } from "../trace/traced";
import type { World } from "../trace/world";
import type { Failure } from "./failure";
import { outsideOwnRoutes } from "./own";

/** What is looked at again and again while a network is proved. */
export interface Case {
  readonly trace: NetworkTrace;
  readonly sources: readonly EntrySource[];
  readonly ways: readonly TracedWay[];
  /** Exit that a source was declared for, by "node/iface". */
  readonly declared: ReadonlyMap<string, PrefixMap<string>>;
  readonly exitFor: (source: EntrySource) => string | undefined;
  /** One source of every kind: same interface, exit and labels. */
  readonly kinds: readonly EntrySource[];
}

export type Obligation = (of: Case, fail: (failure: Failure) => void) => void;

const metadataServer = parseIp("169.254.169.254");

export const shown = ({ client, address }: EntrySource | TracedWay): string =>
  client === null ? address : `${address} (${client})`;

/** The way that a packet took, in short, and what ended it. */
export function story(world: World, { hops, verdict, packet }: Walked): string {
  const way = hops.map(({ at, oif, source }) => `${at}${oif === undefined ? "" : ` by ${oif} as ${world.format(source)}`}`);
  const as = verdict.end === "left" ? ` as ${world.format(packet.source)}` : "";
  const line = verdict.line === undefined ? "" : `; ${formatLine(verdict.line)}`;
  return `${way.join(", ")}: ${verdict.end} at ${verdict.at}${as}, ${verdict.why}${line}`;
}

/** Every declared source leaves where it was declared, with that exit's address, and is answered; every other leaves nowhere. */
export const leavesWhereDeclared: Obligation = (of, fail) => {
  of.sources.forEach((source, index) => {
    const exit = of.ways[index]?.exit?.node;
    const declared = of.exitFor(source);
    if (exit === declared) return;
    const trip = of.trace.roundTrip(source, somewhere);
    const lost = trip.there.verdict.end === "left" && trip.back !== undefined ? trip.back : trip.there;
    fail({
      code: declared === undefined ? "proof-undeclared" : "proof-exit",
      node: source.node,
      client: source.client,
      message: `${shown(source)} ${declared === undefined ? "is declared to leave nowhere" : `should leave at ${declared}`}, but ${whatHappens(trip, of.trace.world)}; ${lost === trip.back ? "answer: " : ""}${story(of.trace.world, lost)}${decided(of.trace, source)}`,
    });
  });
};

/** What chose its way: marks, labels and routes, host by host. */
function decided({ world }: NetworkTrace, source: EntrySource): string {
  const host = world.hosts.get(source.node);
  if (host === undefined) return "";
  const { hops } = walkBoth(world, packetTo(source.ip, somewhere), { host, iif: source.interface }, true).there;
  let arrived = source.ip;
  const found = hops.flatMap(({ at, iif, lines, source: sent }) => {
    const chosen = lines
      .filter(({ file = "", text }) => /(elements|routes)$/.test(file) || text.endsWith("masquerade"))
      .map(formatLine);
    const marked = lines.some(({ text }) => /^exit_of_\S+ \S+ : 0x/.test(text));
    const known = marked ? [] : [`no element of exit_of_${iif} has ${world.format(arrived)} on ${at}`];
    arrived = sent;
    return world.hosts.get(at)?.interfaces.has(iif) === true ? [...known, ...chosen] : [];
  });
  return found.length === 0 ? "" : `; its way there: ${found.join(", ")}`;
}

function whatHappens({ there, back }: RoundTrip, world: World): string {
  if (there.verdict.end !== "left") return `leaves nowhere`;
  const as = `leaves at ${there.verdict.at} as ${world.format(there.packet.source)}`;
  return back?.verdict.end === "delivered" ? as : `${as} and gets no answer`;
}

/** With any one tunnel of its way down a source leaves nowhere. */
export const closedWithoutTunnel: Obligation = (of, fail) => {
  of.ways.forEach((way, index) => {
    for (const { tunnel, exit } of way.down) {
      const source = of.sources[index];
      if (exit === null || source === undefined) continue;
      const ends = of.trace.joints.find((joint) => joint.tunnel.id === tunnel)?.ends ?? [];
      const [told] = ends.flatMap((end) => {
        const world = of.trace.without(end);
        const { there } = of.trace.roundTrip(source, somewhere, world);
        return there.verdict.end === "left" ? [story(world, there)] : [];
      });
      const message = `with tunnel ${tunnel} down ${shown(way)} should reach nothing, but leaves at ${exit}; ${told ?? ""}`;
      fail({ code: "proof-tunnel-down", node: way.node, client: way.client, message });
    }
  });
};

/** With a host's nftables table or its rules flushed nothing leaves that should not. */
export const closedWhenFlushed: Obligation = (of, fail) => {
  const { world, stack } = of.trace;
  const layers = {
    "nftables table": ["etc/wgchain/nftables.nft", "etc/wgchain/elements"],
    "ip rules": ["etc/wgchain/rules"],
  };
  for (const [what, gone] of Object.entries(layers)) {
    for (const host of world.hosts.values()) {
      const files = { ...stack.files[host.name], ...Object.fromEntries(gone.map((name) => [name, ""])) };
      const flushed = world.with({ files: { [host.name]: files } });
      for (const source of of.kinds) {
        const { there } = of.trace.roundTrip(source, somewhere, flushed);
        const declared = of.exitFor(source);
        if (there.verdict.end !== "left" || leavesAsExit(there, flushed, declared)) continue;
        // What leaves there anyway is told elsewhere.
        const before = of.trace.roundTrip(source, somewhere).there;
        if (
          before.verdict.end === "left" &&
          before.verdict.at === there.verdict.at &&
          before.packet.source === there.packet.source
        )
          continue;
        const message = `with the ${what} of ${host.name} flushed ${shown(source)} should leave at ${declared ?? "no host"} with that exit's address, or nowhere; ${story(flushed, there)}`;
        fail({ code: "proof-flushed", node: host.name, client: null, message });
      }
    }
  }
};

const leavesAsExit = ({ verdict, packet }: Walked, world: World, exit: string | undefined): boolean =>
  verdict.at === exit && world.hosts.get(verdict.at)?.publicAddress === packet.source;

/** Whatever a peer may send that nobody declared reaches no exit: one address of every range that some line tells apart. */
export const undeclaredReachesNothing: Obligation = (of, fail) => {
  const { world } = of.trace;
  const others = [...world.hosts.values()].map((host) => host.publicAddress);
  for (const host of world.hosts.values()) {
    for (const [name, iface] of host.interfaces) {
      const declared = of.declared.get(`${host.name}/${name}`);
      // A peer with everything allowed is an exit's, whose packets are answers.
      if (iface.allowed.inUse().every((length) => length === 0)) continue;
      for (const ip of representatives(host, iface.allowed, declared)) {
        if (declared?.get(ip) !== undefined || iface.allowed.get(ip) === undefined) continue;
        for (const destination of [somewhere, ...others.filter((one) => one !== host.publicAddress)]) {
          const { there } = walkBoth(world, packetTo(ip, destination), { host, iif: name });
          const { end, at } = there.verdict;
          if (end !== "left" && (end !== "delivered" || at === host.name)) continue;
          const message = `${world.format(ip)} on ${name} of ${host.name} is declared for no exit and should reach nothing; ${story(world, there)}`;
          fail({ code: "proof-undeclared", node: host.name, client: null, message });
          break;
        }
      }
    }
  }
};

/** First address of every range between two boundaries. */
function representatives(host: TraceHost, ...maps: readonly (PrefixMap<unknown> | undefined)[]): Uint32Array {
  const cuts = new Set<Ip>();
  for (const map of maps) map?.addBoundaries(cuts);
  host.nft.addBoundaries(cuts);
  for (const prefix of host.routing.sourcePrefixes()) addBoundaries(prefix, cuts);
  return Uint32Array.from(cuts).sort();
}

/** Google's metadata server, and other link-local neighbours of an exit, answer no client. */
export const noMetadataServer: Obligation = (of, fail) => {
  for (const source of of.kinds) {
    const { there } = of.trace.roundTrip(source, metadataServer);
    if (there.verdict.end !== "left") continue;
    const message = `${shown(source)} should not reach a metadata server (169.254.169.254); ${story(of.trace.world, there)}`;
    fail({ code: "proof-metadata", node: there.verdict.at, client: null, message });
  }
};

/** A client's packet to another of its entry goes there directly. */
export const clientsStayLocal: Obligation = (of, fail) => {
  const { world } = of.trace;
  const lastOf = new Map<string, EntrySource>();
  const held = new Set<string>();
  for (const now of of.sources) {
    if (now.client === null) continue;
    const key = `${now.node}/${now.interface}`;
    const before = lastOf.get(key);
    lastOf.set(key, now);
    if (before === undefined || before.client === now.client) continue;
    const [from, to] = [of.trace.signature(before), of.trace.signature(now)];
    const pair = from === undefined || to === undefined ? undefined : `${from} to ${to}`;
    if (pair !== undefined && held.has(pair)) continue;
    const { there } = of.trace.roundTrip(before, now.ip);
    if (there.verdict.end === "delivered" && there.verdict.at === now.client && there.hops.length === 3) {
      if (pair !== undefined) held.add(pair);
      continue;
    }
    const message = `${shown(before)} should reach ${shown(now)} by ${now.node} alone; ${story(world, there)}`;
    fail({ code: "proof-clients", node: now.node, client: before.client, message });
  }
};

/** A host's own packets leave by its own uplink as they are; those from its inner addresses do not leave. */
export const ownTrafficUntouched: Obligation = (of, fail) => {
  const { world } = of.trace;
  for (const host of world.hosts.values()) {
    const elsewhere = outsideOwnRoutes(of.trace, host);
    const own = walkBoth(world, packetTo(host.publicAddress, elsewhere), { host, iif: "lo" });
    const { verdict, packet } = own.there;
    if (
      verdict.end !== "left" ||
      verdict.at !== host.name ||
      packet.source !== host.publicAddress ||
      own.back?.verdict.end !== "delivered"
    ) {
      const lost = verdict.end === "left" && own.back !== undefined ? own.back : own.there;
      const message = `the own traffic of ${host.name} should leave by its uplink and be answered; ${story(world, lost)}`;
      fail({ code: "proof-own-traffic", node: host.name, client: null, message });
    }
    for (const iface of host.interfaces.values()) {
      for (const { address } of iface.addresses) {
        const { there } = walkBoth(world, packetTo(address.value, elsewhere), { host, iif: "lo" });
        if (there.verdict.end !== "left" && there.hops.length === 1) continue;
        const message = `what ${host.name} itself sends from ${address.toString()} should not leave the host; ${story(world, there)}`;
        fail({ code: "proof-own-address", node: host.name, client: null, message });
      }
    }
  }
};

/** What comes in by an uplink enters no tunnel, and is not taken for a client's. */
export const nothingEntersFromOutside: Obligation = (of, fail) => {
  const { world } = of.trace;
  const inner: Ip[] = [...world.hosts.values()].flatMap((host) =>
    [...host.interfaces.values()].flatMap((iface) => iface.addresses.map(({ address }) => address.value)),
  );
  const targets = new Set([...inner, ...of.kinds.map(({ ip }) => ip)]);
  for (const host of world.hosts.values()) {
    for (const target of targets) {
      const pairs = [
        [somewhere, target, "should not be let in by the uplink"],
        [target, somewhere, "as a source should not be taken from the uplink"],
      ] as const;
      for (const [source, destination, what] of pairs) {
        const { there } = walkBoth(world, packetTo(source, destination), { host, iif: uplink });
        if (there.verdict.end !== "left" && there.verdict.end !== "delivered") continue;
        const message = `${world.format(target)} ${what} of ${host.name}; ${story(world, there)}`;
        fail({ code: "proof-outside", node: host.name, client: null, message });
      }
    }
  }
};

/** Both ends have one MTU, no packet that fits the tunnel is cut on its link, and clients send none that does not fit their way. */
export const nothingFragments: Obligation = (of, fail) => {
  for (const { tunnel } of of.trace.joints) {
    const { client, server } = tunnel;
    if (client.mtuBytes === server.mtuBytes) continue;
    const message = `tunnel ${tunnel.id}: MTU ${client.mtuBytes} at ${client.node} and ${server.mtuBytes} at ${server.node}; packets of the larger are cut or lost`;
    fail({ code: "proof-mtu", node: client.node, client: null, message });
  }
  for (const source of of.kinds) {
    const { there, back } = of.trace.roundTrip(source, somewhere);
    for (const { at, oif, mtuBytes = 0, linkMtuBytes } of [...there.hops, ...(back?.hops ?? [])]) {
      if (linkMtuBytes === undefined || mtuBytes <= linkMtuBytes) continue;
      const message = `${oif ?? ""} of ${at} has MTU ${mtuBytes}, but its link carries ${linkMtuBytes} bytes of it whole: WireGuard's packets would be cut`;
      fail({ code: "proof-mtu", node: at, client: null, message });
    }
  }
  of.ways.forEach((way) => {
    const client = way.client === null ? undefined : of.trace.world.clients.get(way.client);
    if (client === undefined || way.exit === null || client.wired.mtuBytes <= way.mtuBytes) return;
    const message = `${shown(way)} has MTU ${client.wired.mtuBytes}, but its way carries ${way.mtuBytes} bytes`;
    fail({ code: "proof-mtu", node: way.node, client: way.client, message });
  });
};

/** WireGuard gives a prefix to the peer that asked last, in silence. */
export const allowedIpsAreDisjoint: Obligation = (of, fail) => {
  for (const host of of.trace.world.hosts.values()) {
    for (const { from, to, prefix } of host.takenOver) {
      const message = `AllowedIPs ${prefix} belongs to peers ${from.name} and ${to.name}; WireGuard would give it to one of them: ${formatLine(to.line)}`;
      fail({ code: "proof-allowed-ips", node: host.name, client: null, message });
    }
  }
};
