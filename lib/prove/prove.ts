import { PrefixMap, parsePrefix } from "../trace/ip";
import { NetworkTrace } from "../trace/network";
import type { TracedNetwork } from "../trace/traced";
import type { SynthesizedStack } from "../trace/world";
import type { Failure } from "./failure";
import * as obligations from "./obligations";

export interface Proof {
  readonly network: TracedNetwork;
  /** Empty: proved. Alike ones are named a few times and then counted. */
  readonly failures: readonly Failure[];
}

const all: readonly obligations.Obligation[] = [
  obligations.allowedIpsAreDisjoint,
  obligations.leavesWhereDeclared,
  obligations.nothingFragments,
  obligations.closedWithoutTunnel,
  obligations.closedWhenFlushed,
  obligations.undeclaredReachesNothing,
  obligations.noMetadataServer,
  obligations.clientsStayLocal,
  obligations.ownTrafficUntouched,
  obligations.nothingEntersFromOutside,
];

/** As many of one code and host are told. */
const told = 3;

/** Walks packets through the files that the hosts get, for all that every network of ours promises. */
export function prove(stack: SynthesizedStack): Proof {
  const trace = new NetworkTrace(stack);
  const network = trace.network();
  const sources = trace.sources();
  const kinds = new Map<string, (typeof sources)[number]>();
  sources.forEach((source, index) => {
    const way = network.ways[index];
    const kind = `${source.node} ${source.interface} ${way?.exit?.node ?? ""} ${way?.labels.join(" ") ?? ""}`;
    if (!kinds.has(kind)) kinds.set(kind, source);
  });
  const failures = new Map<string, { readonly first: Failure[]; count: number }>();
  const fail = (failure: Failure): void => {
    const key = `${failure.code} ${failure.node}`;
    const known = failures.get(key) ?? { first: [], count: 0 };
    if (known.count++ < told) known.first.push(failure);
    failures.set(key, known);
  };
  const of = { trace, sources, ways: network.ways, declared: declaredOf(stack), kinds: [...kinds.values()] };
  for (const obligation of all) obligation(of, fail);
  return {
    network,
    failures: [...failures.values()].flatMap(({ first, count }) => {
      const [last] = first.slice(-1);
      if (last === undefined || count <= first.length) return first;
      return [...first.slice(0, -1), { ...last, message: `${last.message} (and ${count - first.length} more like it)` }];
    }),
  };
}

function declaredOf({ wiring }: SynthesizedStack): Map<string, PrefixMap<string>> {
  const found = new Map<string, PrefixMap<string>>();
  for (const { node, interface: one, source, exit } of wiring.declared) {
    const key = `${node}/${one}`;
    const map = found.get(key) ?? new PrefixMap<string>();
    map.add(parsePrefix(source), exit);
    found.set(key, map);
  }
  return found;
}
