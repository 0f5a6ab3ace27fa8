import { privateLink, uplink, type Peer, type TraceHost } from "../trace/host";
import { contains, parseIp, parsePrefix, type Ip, type Prefix } from "../trace/ip";
import type { Line } from "../trace/line";
import { somewhere, type NetworkTrace } from "../trace/network";
import type { OwnRoute } from "../trace/wiring";

/** Networks of a host's own interfaces. */
export function ownNetworks({ joints }: NetworkTrace, host: TraceHost): ReadonlyMap<string, Prefix> {
  const inwards = arrivals(host);
  const tunnels = new Map(joints.flatMap(({ tunnel, ends }) => ends.map((end) => [end, tunnel.network] as const)));
  return new Map(
    [...host.interfaces.values()].flatMap(({ name, addresses }) => {
      const network = tunnels.get(`${host.name}/${name}`) ?? (inwards.has(name) ? addresses[0]?.network.toString() : "");
      return network === undefined || network === "" ? [] : [[name, parsePrefix(network)] as const];
    }),
  );
}

/** Interfaces by which sources of exits come in: clients' own, and the server ends of tunnels. */
export const arrivals = (host: TraceHost): ReadonlySet<string> =>
  new Set([...host.interfaces.values()].filter(({ peers }) => ![...peers.values()].some(dials)).map(({ name }) => name));

const dials = ({ endpoint }: Peer): boolean => endpoint !== undefined;

export const outsideOf = (host: TraceHost): string[] => [uplink, ...(host.privateAddress === undefined ? [] : [privateLink])];

export const ownRoutesOf = ({ stack }: NetworkTrace, host: TraceHost): readonly OwnRoute[] =>
  (stack.wiring.ownRoutes ?? []).filter(({ node }) => node === host.name);

export const isSame = (one: Prefix, other: Prefix): boolean => one.base === other.base && one.length === other.length;

/** Lines of the rules by which what the host itself begins takes an own route: of it alone, and without another of its addresses. */
export function ownRouteRules(trace: NetworkTrace, host: TraceHost): ReadonlySet<Line> {
  const own = ownRoutesOf(trace, host);
  const rules = host.routing
    .destinationRules()
    .filter(({ to, from, iif }) =>
      own.some(
        ({ source, destination }) =>
          iif === "lo" &&
          isSame(to, parsePrefix(destination)) &&
          from?.length === 32 &&
          (from.base === 0 || from.base === parseIp(source)),
      ),
    );
  return new Set(rules.map(({ line }) => line));
}

/** Addresses in the internet, of which an own route may hold some. */
const places: readonly Ip[] = [somewhere, ...["8.8.8.8", "9.9.9.9", "208.67.222.222", "64.6.64.6"].map(parseIp)];

/** Somewhere in the internet that none of a host's own routes leads to. */
export function outsideOwnRoutes(trace: NetworkTrace, host: TraceHost): Ip {
  const own = ownRoutesOf(trace, host);
  return places.find((ip) => !own.some(({ destination }) => contains(parsePrefix(destination), ip))) ?? somewhere;
}
