import { parseIp, type Ip } from "../trace/ip";
import { packetTo, walkBoth, type RoundTrip } from "../trace/trace";
import type { EntrySource, NetworkTrace } from "../trace/network";
import type { Packet } from "../trace/packet";
import type { WiredResolvers } from "../trace/wiring";
import { shown, story, type Case, type Obligation } from "./obligations";

const port = 53;
const dnsOverTls = 853;
/** Resolvers that people write into devices; more than a network names. The first is where other walks go to. */
const wellKnown: readonly Ip[] = ["1.1.1.1", "8.8.8.8", "9.9.9.9", "208.67.222.222"].map(parseIp);

interface Query {
  readonly source: EntrySource;
  readonly destination: Ip;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

function asked({ world }: NetworkTrace, query: Query): RoundTrip {
  const { source, destination, protocol, port: destinationPort } = query;
  const packet: Packet = { ...packetTo(source.ip, destination), protocol, destinationPort };
  const client = source.client === null ? undefined : world.clients.get(source.client);
  if (client !== undefined) return walkBoth(world, packet, { client, sends: true });
  const host = world.hosts.get(source.node);
  if (host === undefined) throw new Error(`there is no node ${source.node}`);
  return walkBoth(world, packet, { host, iif: source.interface });
}

/** What is wrong with a query that `resolver` should get from the source's own exit, and answer as whom was asked. */
function wrongWith(of: Case, query: Query, resolver: Ip): string | undefined {
  const { trace } = of;
  const { world } = trace;
  const trip = asked(trace, query);
  const { packet, verdict } = trip.there;
  const exit = of.exitFor(query.source) ?? "";
  const told = story(world, trip.there);
  if (verdict.end !== "left" || verdict.at !== exit) return `but does not leave there; ${told}`;
  if (world.hosts.get(exit)?.publicAddress !== packet.source) return `but not with that exit's address; ${told}`;
  if (packet.destination !== resolver || packet.destinationPort !== query.port)
    return `but goes to ${world.format(packet.destination)}:${String(packet.destinationPort)}; ${told}`;
  const { back } = trip;
  const { client, node, interface: one } = query.source;
  const last = back?.hops.at(-1);
  const came = client === null ? last?.at === node && last.oif === one : back?.verdict.end === "delivered";
  if (back === undefined || !came) return `but the answer does not come back; ${back === undefined ? told : story(world, back)}`;
  if (back.packet.source !== query.destination || back.packet.sourcePort !== query.port)
    return `but the answer is from ${world.format(back.packet.source)}, who was not asked`;
  return undefined;
}

function* queriesTo(
  { source, port: one }: { readonly source: EntrySource; readonly port: number },
  destinations: Iterable<Ip>,
): Generator<Query> {
  for (const destination of destinations)
    for (const protocol of ["udp", "tcp"] as const) yield { source, destination, protocol, port: one };
}

/** Those that leave where they should; what is wrong with the others is told elsewhere. */
const sound = (of: Case): readonly EntrySource[] =>
  of.sources.filter((source, index) => {
    const exit = of.exitFor(source);
    return exit !== undefined && of.ways[index]?.exit?.node === exit;
  });

const resolversOf = ({ trace }: Case, { node, interface: one }: EntrySource): WiredResolvers | undefined =>
  trace.stack.wiring.resolvers?.find((each) => each.node === node && each.interface === one);

/** What a client asks a resolver of the network leaves at the client's own exit, is that resolver's, and is answered. */
export const queriesReachTheirResolver: Obligation = (of, fail) => {
  const { world } = of.trace;
  const kinds = new Set(of.kinds);
  for (const source of sound(of).filter((one) => kinds.has(one))) {
    const servers = resolversOf(of, source)?.servers ?? [];
    for (const query of queriesTo({ source, port }, servers.map(parseIp))) {
      const wrong = wrongWith(of, query, query.destination);
      if (wrong === undefined) continue;
      const message = `what ${shown(source)} asks its resolver ${world.format(query.destination)} (${query.protocol} ${port}) should leave at ${of.exitFor(source) ?? ""}, ${wrong}`;
      fail({ code: "proof-resolver", node: source.node, client: source.client, message });
    }
  }
};

/** One source of every interface, for what no rule tells sources apart by. */
const firsts = (sources: readonly EntrySource[]): ReadonlySet<EntrySource> =>
  new Set(new Map([...sources].reverse().map((source) => [`${source.node}/${source.interface}`, source])).values());

/** A client that is a resolver for others, at its address in the tunnel, goes on being asked. */
export const queriesInsideStayInside: Obligation = (of, fail) => {
  const { world, joints } = of.trace;
  const far = joints.flatMap(({ tunnel }) => tunnel.server.addresses.map(parseIp));
  for (const source of firsts(sound(of))) {
    if (resolversOf(of, source)?.enforce !== true) continue;
    const own =
      world.hosts
        .get(source.node)
        ?.interfaces.get(source.interface)
        ?.addresses.map(({ address }) => address.value) ?? [];
    const other = of.sources.find(({ ip, client }) => ip !== source.ip && client !== null);
    for (const query of queriesTo({ source, port }, [...own, ...(other === undefined ? [] : [other.ip]), ...far])) {
      const { there } = asked(of.trace, query);
      if (there.verdict.end !== "left" && there.packet.destination === query.destination) continue;
      const to = `${world.format(query.destination)} (${query.protocol} ${port})`;
      const message = `what ${shown(source)} sends to ${to} should stay inside, but is changed or leaves; ${story(world, there)}`;
      fail({ code: "proof-resolver", node: source.node, client: source.client, message });
    }
  }
};

/** Where resolvers are enforced the first of them answers what anybody else is asked, wherever; where they are not, and on other ports, nothing is touched. */
export const othersAreAnsweredByTheResolver: Obligation = (of, fail) => {
  const { world, stack } = of.trace;
  const hosts = [...world.hosts.values()].map(({ publicAddress }) => publicAddress);
  const kinds = new Set(of.kinds);
  const sources = sound(of);
  const first = firsts(sources);
  for (const source of stack.wiring.resolvers === undefined ? first : sources) {
    const { servers: texts = [], enforce = false } = resolversOf(of, source) ?? {};
    const servers = texts.map(parseIp);
    const others = wellKnown.filter((ip) => !servers.includes(ip));
    const one = others.slice(0, 1);
    // Of each one query, lest some rule be for some; of every kind both protocols, of every interface all that there is to ask.
    const queries = first.has(source)
      ? [
          ...queriesTo({ source, port }, enforce ? [...others, ...hosts] : one),
          ...[port - 1, port + 1, dnsOverTls].flatMap((other) => [...queriesTo({ source, port: other }, one)]),
        ]
      : kinds.has(source)
        ? [...queriesTo({ source, port }, one)]
        : one.map((destination) => ({ source, destination, protocol: "udp", port }) as const);
    for (const query of queries) {
      const wanted = enforce && servers[0] !== undefined && query.port === port ? servers[0] : query.destination;
      const wrong = wrongWith(of, query, wanted);
      if (wrong === undefined) continue;
      const to = `${world.format(query.destination)} (${query.protocol} ${query.port})`;
      const message = `what ${shown(source)} sends to ${to} should leave at ${of.exitFor(source) ?? ""} for ${world.format(wanted)}, ${wrong}`;
      fail({ code: "proof-resolver", node: source.node, client: source.client, message });
    }
  }
};
