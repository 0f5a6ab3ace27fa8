import { PrefixMap, parsePrefix } from "../trace/ip";
import { UnknownLine } from "../trace/line";
import { NetworkTrace, type EntrySource } from "../trace/network";
import type { TracedNetwork } from "../trace/traced";
import type { SynthesizedStack } from "../trace/world";
import type { Failure } from "./failure";
import { failoverLeavesAtTakenExit, failoverMeasuresItsExits } from "./failover";
import { filtersStand, mssIsClamped, onlyMarkedIsMasqueraded } from "./filters";
import * as gateways from "./gateways";
import { everyHostAnswers, labelsLeaveWhereDeclared, labelsTellExitsApart } from "./labels";
import * as layers from "./layers";
import * as obligations from "./obligations";
import { othersAreAnsweredByTheResolver, queriesInsideStayInside, queriesReachTheirResolver } from "./resolvers";
import { ownRoutesLeaveAtTheirExit } from "./own-routes";
import { wgQuickAgrees } from "./wg-quick";

export interface Proof {
  readonly network: TracedNetwork;
  /** Empty: proved. Alike ones are named a few times and then counted. */
  readonly failures: readonly Failure[];
}

const all: readonly obligations.Obligation[] = [
  obligations.allowedIpsAreDisjoint,
  labelsTellExitsApart,
  obligations.leavesWhereDeclared,
  obligations.nothingFragments,
  obligations.closedWithoutTunnel,
  obligations.closedWhenFlushed,
  obligations.undeclaredReachesNothing,
  obligations.noMetadataServer,
  obligations.clientsStayLocal,
  obligations.ownTrafficUntouched,
  ownRoutesLeaveAtTheirExit,
  obligations.nothingEntersFromOutside,
  layers.tablesAreWhole,
  layers.rulesClose,
  filtersStand,
  onlyMarkedIsMasqueraded,
  mssIsClamped,
  layers.noReversePathFilter,
  labelsLeaveWhereDeclared,
  everyHostAnswers,
  wgQuickAgrees,
  failoverLeavesAtTakenExit,
  failoverMeasuresItsExits,
  gateways.lansLeaveAsTheirGateway,
  gateways.lansStayInside,
  gateways.forwardsArrive,
  gateways.onlyForwardsAreForwarded,
  queriesReachTheirResolver,
  othersAreAnsweredByTheResolver,
  queriesInsideStayInside,
];

/** For `summaryOf`. */
export const obligationNames: readonly string[] = all.map(({ name }) => name);

/** As many of one code and host are told. */
const told = 3;

/** Walks packets through the files that the hosts get, for all that every network of ours promises. */
export function prove(stack: SynthesizedStack): Proof {
  try {
    return proofOf(stack);
  } catch (error) {
    if (!(error instanceof UnknownLine)) throw error;
    // What cannot be read is not proved.
    const failure = { code: "proof-unreadable", node: error.line.host, client: null, message: error.message };
    return { network: { version: 1, stack: stack.stack, hosts: [], tunnels: [], ways: [] }, failures: [failure] };
  }
}

function proofOf(stack: SynthesizedStack): Proof {
  const trace = new NetworkTrace(stack);
  const network = trace.network();
  const sources = trace.sources();
  const declared = declaredOf(stack);
  const exitFor = (source: EntrySource): string | undefined => declared.get(`${source.node}/${source.interface}`)?.get(source.ip);
  const collected = new Collected();
  const of = { trace, sources, ways: network.ways, declared, exitFor, kinds: kindsOf(sources, network) };
  for (const obligation of all) obligation(of, (failure) => collected.add(failure));
  return { network, failures: collected.failures };
}

/** One source of every kind: same interface, exit and labels. */
function kindsOf(sources: readonly EntrySource[], { ways }: TracedNetwork): EntrySource[] {
  const kinds = new Map<string, EntrySource>();
  sources.forEach((source, index) => {
    const way = ways[index];
    const instead = (way?.instead ?? []).map(({ exit, labels }) => `${exit.node} ${labels.join(" ")}`);
    const kind = `${source.node} ${source.interface} ${way?.exit?.node ?? ""} ${way?.labels.join(" ") ?? ""} ${instead.join(" ")}`;
    if (!kinds.has(kind)) kinds.set(kind, source);
  });
  return [...kinds.values()];
}

class Collected {
  private readonly found = new Map<string, { readonly first: Failure[]; count: number }>();

  add(failure: Failure): void {
    const key = `${failure.code} ${failure.node}`;
    const known = this.found.get(key) ?? { first: [], count: 0 };
    if (known.count++ < told) known.first.push(failure);
    this.found.set(key, known);
  }

  get failures(): readonly Failure[] {
    return [...this.found.values()].flatMap(({ first, count }) => {
      const [last] = first.slice(-1);
      if (last === undefined || count <= first.length) return first;
      return [...first.slice(0, -1), { ...last, message: `${last.message} (and ${count - first.length} more like it)` }];
    });
  }
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
