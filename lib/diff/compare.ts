import { traceNetwork, type SynthesizedStack, type TracedNetwork } from "../trace";
import { Transition } from "./affected";
import { compareFiles } from "./files";
import { interruptsOf } from "./interrupts";
import { compareKeys } from "./keys";
import type { NetworkDiff, Side } from "./network-diff";
import { compareObjects } from "./objects";
import { compareWays, pairWays } from "./ways";

/** Value of a Terraform address, where it is known. */
export type ValueOf = (terraformAddress: string) => string | undefined;

/** What comes out of a synthesis, with its packets walked. */
export const sideOf = (stack: SynthesizedStack): Side => ({ stack, network: traceNetwork(stack) });

export function compareStacks(base: Side, head: Side, valueOf: ValueOf = () => undefined): NetworkDiff {
  const [one, two] = [base, head].map(({ stack, network }) => ({ stack, network: withValues(network, valueOf) })) as [Side, Side];
  const pairs = pairWays(one.network, two.network);
  const keys = compareKeys(base.stack, head.stack);
  const found = {
    ...compareWays(pairs),
    ...compareObjects(one.network, two.network),
    keys,
    interrupts: interruptsOf(new Transition(one, two, pairs, keys)),
    files: compareFiles(base.stack.files, head.stack.files),
  };
  const { moved, clients, nowhere, mtu, hops, failover, instead, labels, exits, hosts, interfaces, tunnels, interrupts, files } =
    found;
  return {
    version: 1,
    stack: { before: base.stack.stack, after: head.stack.stack },
    verdict: verdictOf(found),
    ...{
      moved,
      clients,
      nowhere,
      exits,
      hosts,
      interfaces,
      tunnels,
      mtu,
      hops,
      failover,
      instead,
      labels,
      keys,
      interrupts,
      files,
    },
  };
}

function verdictOf(found: Omit<NetworkDiff, "version" | "stack" | "verdict" | "interrupts">): NetworkDiff["verdict"] {
  const { moved, clients, nowhere, exits, hops, failover, instead, hosts, interfaces, tunnels, mtu, labels, keys, files } = found;
  const any = (...lists: readonly (readonly unknown[])[]): boolean => lists.some(({ length }) => length > 0);
  if (any(moved, clients.added, clients.gone, nowhere.now, nowhere.formerly, exits.added, exits.gone, hops, failover, instead))
    return "ways";
  const objects = [hosts, interfaces, tunnels].flatMap(({ added, gone, changed }) => [added, gone, changed]);
  return any(...objects, mtu, labels, keys, files) ? "files" : "nothing";
}

/** With addresses in the place of names that somebody knows the value of. */
export function withValues(network: TracedNetwork, valueOf: ValueOf): TracedNetwork {
  const exitValue = (exit: TracedNetwork["ways"][number]["exit"]): typeof exit => {
    const value = exit?.deferred === true ? valueOf(exit.address) : undefined;
    return exit === null || value === undefined ? exit : { ...exit, address: value, deferred: false };
  };
  return {
    ...network,
    hosts: network.hosts.map((host) => ({ ...host, address: valueOf(host.address) ?? host.address })),
    ways: network.ways.map((way) => ({ ...way, exit: exitValue(way.exit) })),
  };
}
