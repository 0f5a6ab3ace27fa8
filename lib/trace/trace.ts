import { lanDevice, uplink } from "./host";
import { contains, type Ip } from "./ip";
import { formatLine } from "./line";
import type { Flow, Packet } from "./packet";
import { Walk, type Hop, type Verdict } from "./walk";
import type { World } from "./world";

/** A packet to trace. */
export interface Question {
  /** Who sends it: a client, a node (its own traffic), "internet" (it comes in by the uplink of whom it is for), or "node/iface" (it came in there; "node/uplink", too). */
  readonly at: string;
  readonly source: string;
  readonly destination: string;
  /** Its protocol. @default "icmp" */
  readonly protocol?: Packet["protocol"];
  /** Destination port, of TCP or UDP. @default none */
  readonly port?: number;
  /** Size in bytes, whole, with its IP header. @default 84, as ping sends */
  readonly sizeBytes?: number;
  /** Its time to live, in hops. @default 64 */
  readonly ttl?: number;
  /** Whether it may not be cut on its way. @default false */
  readonly dontFragment?: boolean;
}

/** One packet's way. */
export interface Trace {
  /** The hosts that it came to, in order. */
  readonly hops: readonly TraceHop[];
  /** How it ended. */
  readonly verdict: TraceVerdict;
  /** The way of an answer, where the packet came somewhere. */
  readonly reply?: {
    /** The hosts that it came to, in order. */
    readonly hops: readonly TraceHop[];
    /** How it ended. */
    readonly verdict: TraceVerdict;
  };
  /** The largest packet that goes this way whole, bytes; with the reply's way. */
  readonly mtuBytes: number;
}

/** One host on a packet's way. */
export interface TraceHop extends Omit<Hop, "source" | "destination" | "answers" | "lines"> {
  /** The packet's source as it leaves the host. */
  readonly source: string;
  /** The packet's destination as it leaves the host. */
  readonly destination: string;
  /** What a traceroute shows; undefined: nothing. */
  readonly answers?: string;
  /** Lines of the hosts' files that decided something, in their order. */
  readonly lines: readonly string[];
}

/** How a packet's way ended. */
export interface TraceVerdict extends Omit<Verdict, "answers" | "line"> {
  /** "expired", "unreachable", "too-big": from which address the host says so; absent: it cannot. */
  readonly answers?: string;
  /** The line of a file that decided it. */
  readonly line?: string;
  /** "left": the address that the world sees. */
  readonly address?: string;
}

/** Sends one packet, and its answer. */
export function trace(world: World, question: Question): Trace {
  const { there, back } = walkBoth(world, packetOf(world, question), placeOf(world, question), true);
  const told = (walked: Walked) => ({ hops: walked.hops.map((hop) => hopIn(world, hop)), verdict: verdictIn(world, walked) });
  return { ...told(there), ...(back === undefined ? {} : { reply: told(back) }), mtuBytes: mtuOf(there, back) };
}

export interface Walked {
  readonly hops: readonly Hop[];
  readonly verdict: Verdict;
  /** As it ended. */
  readonly packet: Packet;
}

export interface RoundTrip {
  readonly there: Walked;
  /** Absent where nobody could answer. */
  readonly back?: Walked;
}

type Place = Parameters<Walk["run"]>[0];

/** The walk itself, without words: what the proof runs by the thousand. */
export function walkBoth(world: World, packet: Packet, from: Place, noted = false): RoundTrip {
  const flows: Flow[] = [];
  const { sizeBytes, dontFragment, protocol } = packet;
  const walk = new Walk(world, packet, flows, false, noted);
  const verdict = walk.run(from);
  // A forward has changed it on the way.
  const source = packet.destination;
  const there = { hops: walk.hops, verdict, packet };
  const place = answerFrom(world, there);
  if (place === undefined) return { there };
  const answer: Packet = {
    ...{ source, destination: packet.source, protocol, sizeBytes, ttl: 64, dontFragment, mark: 0 },
    ...(packet.destinationPort === undefined ? {} : { sourcePort: packet.destinationPort }),
  };
  const way = new Walk(world, answer, flows, true, noted);
  const end = way.run(place);
  return { there, back: { hops: way.hops, verdict: end, packet: answer } };
}

/** Where an answer sets out; an address that is nobody's gets none. */
function answerFrom(world: World, { verdict, packet }: Walked): Place | undefined {
  if (verdict.end === "left") {
    const host = world.hostAtPublic(packet.source);
    return host === undefined ? undefined : { host, iif: uplink };
  }
  if (verdict.end !== "delivered") return undefined;
  if (verdict.lan !== undefined) return fromLan(world, verdict.at, verdict.lan, packet);
  const client = world.clients.get(verdict.at);
  if (client !== undefined) return { client, sends: true };
  const host = world.hosts.get(verdict.at);
  return host === undefined ? undefined : { host, iif: "lo" };
}

/** A machine answers its neighbours itself, and everybody else by its gateway. */
function fromLan(world: World, node: string, iif: string, { source }: Packet): Place | undefined {
  const host = world.hosts.get(node);
  const own = host?.lans.get(iif);
  if (host === undefined || own === undefined) return undefined;
  return contains(own.network, source) && own.address.value !== source ? undefined : { host, iif };
}

export function mtuOf(...ways: readonly (Walked | undefined)[]): number {
  const hops = ways.flatMap((way) => way?.hops ?? []);
  return Math.min(...hops.flatMap(({ mtuBytes, linkMtuBytes }) => [mtuBytes ?? Infinity, linkMtuBytes ?? Infinity]));
}

export const packetTo = (source: Ip, destination: Ip): Packet => ({
  source,
  destination,
  protocol: "icmp",
  sizeBytes: 84,
  ttl: 64,
  dontFragment: false,
  mark: 0,
});

function packetOf(world: World, question: Question): Packet {
  const packet = packetTo(world.resolve(question.source), world.resolve(question.destination));
  const { protocol = "icmp", sizeBytes = 84, ttl = 64, dontFragment = false, port } = question;
  return { ...packet, protocol, sizeBytes, ttl, dontFragment, ...(port === undefined ? {} : { destinationPort: port }) };
}

/** Nobody of that name: an Error that says who there is. */
export function placeOf(world: World, { at, destination }: Pick<Question, "at" | "destination">): Place {
  const client = world.clients.get(at);
  if (client !== undefined) return { client, sends: true };
  const [name = "", iif = "lo"] = at.split("/");
  const host = at === "internet" ? world.hostAtPublic(world.resolve(destination)) : world.hosts.get(name);
  const lan = host?.lans.has(lanDevice(iif)) === true ? lanDevice(iif) : iif;
  const came = at === "internet" || iif === "uplink" ? uplink : lan;
  const has = host !== undefined && (host.interfaces.has(came) || host.lans.has(came));
  if (host !== undefined && (came === "lo" || came === uplink || has)) return { host, iif: came };
  const known = [...world.clients.keys(), ...world.hosts.keys()];
  const some = `${known.slice(0, 12).join(", ")}${known.length > 12 ? ` and ${known.length - 12} more` : ""}`;
  throw new Error(`there is no '${at}' in the network; it has ${some}`);
}

function hopIn(world: World, { source, destination, answers, lines, ...rest }: Hop): TraceHop {
  return {
    ...rest,
    source: world.format(source),
    destination: world.format(destination),
    ...(answers === undefined ? {} : { answers: world.format(answers) }),
    lines: lines.map(formatLine),
  };
}

function verdictIn(world: World, { verdict, packet }: Walked): TraceVerdict {
  const { answers, line, ...rest } = verdict;
  return {
    ...rest,
    ...(answers === undefined ? {} : { answers: world.format(answers) }),
    ...(line === undefined ? {} : { line: formatLine(line) }),
    ...(verdict.end === "left" ? { address: world.format(packet.source) } : {}),
  };
}
