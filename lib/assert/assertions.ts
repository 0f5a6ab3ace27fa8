import { formatIp } from "../trace/ip";
import { somewhere, type EntrySource } from "../trace/network";
import { trace, type Trace } from "../trace/trace";
import type { TracedWay } from "../trace/traced";
import type { World } from "../trace/world";
import { placeOf, type ProvenNetwork } from "./proven-network";

/** What was found of one source address. */
export interface Finding {
  readonly holds: boolean;
  /** e.g. "10.66.224.2 (phone)". */
  readonly who: string;
  /** What it does, e.g. "leaves at gcp as 203.0.113.7". */
  readonly seen: string;
  /** The packet that shows it. */
  readonly trace: () => Trace;
}

export interface Assertion {
  /** Behind "should" or "should not". */
  readonly what: string;
  readonly findings: (network: ProvenNetwork) => readonly Finding[];
}

const internet = formatIp(somewhere);
const metadataServer = "169.254.169.254";

/** Every address of the source leaves there (with this address), and is answered. */
export const toExit = (source: string, node: string, as?: string): Assertion => ({
  what: `exit at ${node}${as === undefined ? "" : ` as ${as}`}`,
  findings: (network) => {
    network.hostOf(node);
    return ofWays(network, source, ({ exit }) => exit?.node === node && (as === undefined || as === exit.address));
  },
});

/** A traceroute of it shows these before the target, and the target answers. */
export const toTakeHops = (source: string, hops: readonly string[]): Assertion => ({
  what: `take the hops ${hops.join(" > ")}`,
  findings: (network) =>
    ofWays(
      network,
      source,
      (way) => way.exit !== null && way.hops.join(" ") === hops.join(" "),
      ({ hops: taken, ...way }) => `takes the hops ${taken.join(" > ") || "(none)"} and ${whereTo(way)}`,
    ),
});

/** It comes neither to the internet, nor to another host of the network, nor to an exit's metadata server. */
export const toReachNothing = (source: string): Assertion => ({
  what: "reach nothing",
  findings: (network) =>
    network.sourcesOf(source).map((one) => {
      const { world, networkTrace } = network;
      const others = [...world.hosts.values()].filter(({ name }) => name !== one.node);
      const targets = [internet, metadataServer, ...others.map(({ wired }) => wired.address)];
      const reached = targets.find((target) => {
        const { verdict } = networkTrace.roundTrip(one, world.resolve(target)).there;
        return verdict.end === "left" || (verdict.end === "delivered" && verdict.at !== one.node);
      });
      const shown = (): Trace => traced(network, one, world, reached);
      const seen = `${reached === undefined ? "reaches nothing" : `reaches ${network.named(reached)}`}: ${endOf(shown())}`;
      return { holds: reached === undefined, who: whoIs(one), seen, trace: shown };
    }),
});

/** It leaves with the tunnel, and nowhere without either end of it. */
export const toStayClosedWithout = (source: string, tunnel: string): Assertion => ({
  what: `stay closed without ${tunnel}`,
  findings: (network) => {
    const without = network.tunnelOf(tunnel).ends.map((end) => network.networkTrace.without(end));
    return network.sourcesOf(source).map((one) => {
      const { networkTrace, world } = network;
      const { exit, why = "" } = networkTrace.way(one);
      const open = without.find((down) => networkTrace.roundTrip(one, somewhere, down).there.verdict.end === "left");
      const shown = (): Trace => traced(network, one, open ?? (exit === null ? world : (without[0] ?? world)));
      const closed =
        exit === null ? `leaves nowhere with it up either: ${network.named(why)}` : "leaves with it, and nowhere without";
      const seen = open === undefined ? closed : `${endOf(shown())} all the same`;
      return { holds: open === undefined && exit !== null, who: whoIs(one), seen, trace: shown };
    });
  },
});

function ofWays(
  network: ProvenNetwork,
  source: string,
  holds: (way: TracedWay) => boolean,
  seen: (way: TracedWay) => string = whereTo,
): readonly Finding[] {
  return network.sourcesOf(source).map((one) => {
    const way = network.named(network.networkTrace.way(one));
    return { holds: holds(way), who: whoIs(one), seen: seen(way), trace: () => traced(network, one, network.world) };
  });
}

function whereTo({ exit, why = "" }: Pick<TracedWay, "exit" | "why">): string {
  if (exit !== null) return `leaves at ${exit.node} as ${exit.address}`;
  // What leaves without an answer says so itself.
  return why.startsWith("leaves ") ? why : `leaves nowhere: ${why}`;
}

const endOf = ({ verdict }: Trace): string =>
  verdict.end === "left" ? `leaves at ${verdict.at} as ${verdict.address ?? ""}` : `${verdict.end} at ${verdict.at}`;

const traced = (network: ProvenNetwork, from: EntrySource, world: World, destination = internet): Trace =>
  network.named(trace(world, { at: placeOf(from), source: world.format(from.ip), destination }));

const whoIs = ({ client, address, node, interface: one }: EntrySource): string =>
  client === null ? `${address} (coming in by ${node}/${one})` : `${address} (${client})`;
