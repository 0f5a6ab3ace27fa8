import { privateLink, uplink, type Peer, type TraceHost } from "../trace/host";
import { parsePrefix, type Prefix } from "../trace/ip";
import type { NetworkTrace } from "../trace/network";

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
