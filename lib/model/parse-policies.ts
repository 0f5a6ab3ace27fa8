import { Ipv4Prefix } from "../address";
import type { PolicyIntent, SourceIntent } from "../intent";
import { parseInteger, parseName } from "../name";
import { onDemand } from "../on-demand";
import { ParseError } from "../problem";
import type { Interface, Node, Policy, PolicySource } from "./model";
import { priorities, reservedTables } from "./numbers";
import type { ParseContext } from "./context";
import { parseSnat } from "./parse-snat";

export function parsePolicies(intents: readonly PolicyIntent[], context: ParseContext): Policy[] {
  return intents.flatMap((intent) => parsePolicy(intent, context) ?? []);
}

function parsePolicy(intent: PolicyIntent, context: ParseContext): Policy | undefined {
  const { problems } = context;
  const node = context.nodes.get(intent.node);
  const via = intent.via === "uplink" ? intent.via : context.tunnels.get(intent.via.tunnel);
  if (intent.from.length === 0) problems.report("no-source", intent.path, "from is empty; name at least one source");
  const arriving = node === undefined ? [] : incomingOf(node, context);
  const sources = intent.from.map((source) => problems.attempt(intent.path, () => parseSource(source, node, arriving, context)));
  const fields = problems.attemptAll(intent.path, {
    name: () => parseName(intent.name, "policy name"),
    snat: () => (node === undefined || via === undefined ? undefined : parseSnat(intent.label, node, via, context)),
    routeTable: () => (intent.routeTable === undefined ? undefined : parseTable(intent.routeTable)),
    priority: () => (intent.priority === undefined ? undefined : parsePriority(intent.priority)),
    failover: () =>
      node === undefined || via === undefined || intent.failover === undefined
        ? undefined
        : onDemand.parseFailover().parseFailover(intent.failover, node, via, context),
  });
  const present = sources.filter((source) => source !== undefined);
  // What did not parse, here or at a partner, has its own problem already; what misses this policy has none.
  if (present.length < sources.length) context.incomplete.policies.add(intent.node);
  if (node === undefined || via === undefined || fields === undefined || !labelParsed(intent, context)) {
    context.incomplete.policies.add(intent.node);
    return undefined;
  }
  const { name, snat, routeTable, priority, failover } = fields;
  return {
    path: intent.path,
    name,
    node,
    sources: present,
    via,
    ...(snat === undefined ? {} : { snat }),
    ...(failover === undefined ? {} : { failover }),
    ...(routeTable === undefined ? {} : { routeTable }),
    ...(priority === undefined ? {} : { priority }),
  };
}

const labelParsed = ({ label, failover }: PolicyIntent, context: ParseContext): boolean =>
  [label, ...(failover?.others ?? []).map((other) => other.label)].every((one) => one === undefined || context.labels.has(one)) &&
  (failover?.others ?? []).every(({ tunnel }) => context.tunnels.has(tunnel));

function parseTable(table: number): number {
  if (reservedTables.has(table)) {
    throw new ParseError("table-reserved", `routeTable ${table} is reserved; take another number, e.g. 51820`);
  }
  return parseInteger(table, "routeTable", 1, 0xffffffff, "table-out-of-range");
}

function parsePriority(priority: number): number {
  return parseInteger(
    priority,
    "priority (rules before and behind this range are the fail-closed ones)",
    priorities.select,
    priorities.selectLast,
    "priority-out-of-range",
  );
}

function parseSource(
  source: SourceIntent,
  node: Node | undefined,
  arriving: readonly Interface[],
  context: ParseContext,
): PolicySource | undefined {
  if ("prefix" in source) {
    const prefix = Ipv4Prefix.parseSource(source.prefix);
    if (node === undefined) return undefined;
    const incoming = arriving.find((one) => one.network.contains(prefix));
    if (incoming === undefined) {
      if (context.incomplete.arrivals.has(node.path)) return undefined;
      throw new ParseError(
        "source-not-ours",
        `source ${prefix.toString()} lies in no network that arrives at '${node.name}'${listNetworks(arriving)}; a wider selector would catch the host's own traffic (underlay, endpoints, SSH)`,
      );
    }
    return { prefix, incoming };
  }
  const tunnel = "label" in source ? context.labels.get(source.label)?.tunnel : context.tunnels.get(source.tunnel);
  if (tunnel === undefined || node === undefined) return undefined;
  if (tunnel.server.node !== node) {
    throw new ParseError(
      "source-not-ours",
      `source is of tunnel '${tunnel.name}', which arrives at '${tunnel.server.node.name}' and not at '${node.name}'`,
    );
  }
  const prefix = "label" in source ? labelPrefix(source.label, context) : tunnel.network;
  return prefix === undefined ? undefined : { prefix, incoming: tunnel.server };
}

function labelPrefix(path: string, context: ParseContext): Ipv4Prefix | undefined {
  const label = context.labels.get(path);
  return label === undefined ? undefined : Ipv4Prefix.host(label.address);
}

function incomingOf(node: Node, context: ParseContext): Interface[] {
  return [...context.clientInterfaces.values(), ...[...context.tunnels.values()].map(({ server }) => server)].filter(
    (one) => one.node === node,
  );
}

function listNetworks(arriving: readonly Interface[]): string {
  const networks = arriving.map((one) => `${one.network.toString()} on ${one.name}`);
  return networks.length === 0 ? " (nothing arrives there)" : ` (${networks.join(", ")})`;
}
