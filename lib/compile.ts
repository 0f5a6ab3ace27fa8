import { checkNetwork } from "./check";
import { interfacesOf } from "./check/names";
import { checkGce } from "./check/gce";
import { checkReferences } from "./check/references";
import { checkRemoved } from "./check/removed";
import type { NetworkIntent } from "./intent";
import type { Interface, Network, Node } from "./model/model";
import { parseNetwork } from "./model/parse";
import { planNetwork } from "./plan/plan";
import { Ways } from "./plan/ways";
import type { Problem, Problems } from "./problem";
import type { Failure } from "./prove/failure";
import { prove } from "./prove/prove";
import { renderHost, type RenderedHost } from "./render/host";
import { wiringOf } from "./render/wiring";
import type { TracedNetwork } from "./trace/traced";
import type { Wiring } from "./trace/wiring";
import type { SynthesizedStack } from "./trace/world";

export interface Compiled {
  readonly network: Network;
  readonly problems: readonly Problem[];
  /** What `allocations.json` should hold: kind to name to number. */
  readonly allocations: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Every host's files and objects; empty while there is a problem, so that nothing half-valid is ever rendered. */
  readonly hosts: readonly RenderedHost[];
  /** What packets do in it, walked through those files; undefined while there is a problem. */
  readonly traced?: TracedNetwork;
  /** What stands beside the hosts' files, so that a packet can be traced through them. */
  readonly wiring: Wiring;
  /** Nodes by depth: exits first, entries last; each node comes after all that it sends to. */
  readonly order: readonly Node[];
}

/** The one way through the code: parse, check, plan, render, prove. */
export function compile(intent: NetworkIntent, stack = "network"): Compiled {
  const { network, problems, incomplete, ports } = parseNetwork(intent);
  checkReferences(intent, problems);
  checkGce(intent, problems);
  checkRemoved(intent, problems);
  checkNetwork(network, problems, incomplete);
  const ways = Ways.find(network, intent.recorded, problems);
  const wiring = wiringOf(network);
  const hosts = problems.any ? [] : planNetwork(network, ways).map(renderHost);
  const traced = problems.any ? undefined : proved({ stack, wiring, files: filesOf(hosts) }, network, problems);
  return {
    network,
    problems: problems.all,
    allocations: { port: sorted(ports), table: sorted(ways.tables) },
    hosts: problems.any ? [] : hosts,
    ...(traced === undefined ? {} : { traced }),
    wiring,
    order: exitsFirst(network),
  };
}

const filesOf = (hosts: readonly RenderedHost[]): SynthesizedStack["files"] =>
  Object.fromEntries(hosts.map(({ node, files }) => [node, files]));

/** A network whose packets do not do what was declared is a network with problems. */
function proved(stack: SynthesizedStack, network: Network, problems: Problems): TracedNetwork | undefined {
  const { network: traced, failures } = prove(stack);
  const pathOf = ({ node, client }: Failure): string =>
    [...network.clients.filter(({ name }) => name === client), ...network.nodes.filter(({ name }) => name === node)][0]?.path ??
    node;
  for (const failure of failures) problems.report(failure.code, pathOf(failure), failure.message);
  return failures.length === 0 ? traced : undefined;
}

const sorted = (map: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Depth-first along the tunnels, from client end to server end; a loop (its own problem) is cut where it closes. */
function exitsFirst(network: Network): readonly Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const tunnel of network.tunnels) if (tunnel.client.node === node) visit(tunnel.server.node);
    order.push(node);
  };
  network.nodes.forEach(visit);
  return order;
}

export function interfacesByNode(network: Network, node: Node): readonly Interface[] {
  return interfacesOf(network)
    .filter((one) => one.node === node)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
