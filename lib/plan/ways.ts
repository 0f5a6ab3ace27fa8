import { allocate } from "../allocate";
import { Ipv4Prefix, type Ipv4Address } from "../address";
import type { Interface, Network, Node, Policy, Probing, Tunnel } from "../model/model";
import { exitTables } from "../model/numbers";
import { Policies, choicesName, type PathEnd } from "../model/path";
import { unrecorded } from "../model/ports";
import type { RecordedAllocations } from "../intent";
import type { Problems } from "../problem";

/** One way out of a node: all sources that go by the same tunnel to the same exit share a table and a rule. */
export interface Way {
  readonly node: Node;
  readonly exit: Node;
  readonly via: Tunnel | "uplink";
  /** "gcp:wg6", under which its table is allocated on the node. */
  readonly name: string;
  readonly table: number;
  readonly priority?: number;
  readonly sources: readonly WaySource[];
  /** Where it goes, in order, by what is measured. Absent: by `via`, always. */
  readonly failover?: WayFailover;
}

export interface WaySource {
  readonly prefix: Ipv4Prefix;
  readonly incoming: Interface;
  readonly snat?: Ipv4Address;
  /** By the further choices of its way, in their order. */
  readonly otherSnats?: readonly Ipv4Address[];
}

export interface WayFailover {
  readonly probing: Probing;
  /** `via` first. Each has a way of its own, for what measures it. */
  readonly choices: readonly { readonly exit: Node; readonly via: Tunnel; readonly snat: Ipv4Address; readonly table: number }[];
}

interface Draft {
  readonly node: Node;
  readonly exit: Node;
  readonly via: Tunnel | "uplink";
  readonly name: string;
  readonly path: string;
  readonly routeTable?: number;
  readonly priority?: number;
  readonly sources: WaySource[];
  readonly failover?: DraftFailover;
}

interface DraftFailover {
  readonly name: string;
  readonly probing: Probing;
  readonly choices: readonly { readonly exit: Node; readonly via: Tunnel; readonly snat: Ipv4Address }[];
}

export class Ways {
  constructor(
    private readonly byNode: ReadonlyMap<Node, readonly Way[]>,
    /** Tables by "node/exit:interface", for the record. */
    readonly tables: ReadonlyMap<string, number>,
  ) {}

  of(node: Node): readonly Way[] {
    return this.byNode.get(node) ?? [];
  }

  static find(network: Network, recorded: RecordedAllocations, problems: Problems): Ways {
    const drafts = new Map<string, Draft>();
    const add = (draft: Omit<Draft, "sources" | "name">, sources: readonly WaySource[]): void => {
      const name = draft.failover?.name ?? nameOf(draft.exit, draft.via);
      const key = `${draft.node.name}/${name}/${draft.routeTable ?? ""}/${draft.priority ?? ""}`;
      const existing = drafts.get(key) ?? { ...draft, name, sources: [] };
      existing.sources.push(...sources);
      drafts.set(key, { ...existing, ...measuredBy(existing, draft) });
    };
    collect(network, add);
    return settle([...drafts.values()], recorded, problems);
  }
}

/** Of labels that are moved together the least is the one that measures, in whichever order they were declared. */
function measuredBy(one: Pick<Draft, "failover">, other: Pick<Draft, "failover">): Pick<Draft, "failover"> {
  const least = ({ failover }: Pick<Draft, "failover">): number => failover?.choices[0]?.snat.value ?? Infinity;
  const { failover } = least(other) < least(one) ? other : one;
  return failover === undefined ? {} : { failover };
}

type Add = (draft: Omit<Draft, "sources" | "name">, sources: readonly WaySource[]) => void;

function collect(network: Network, add: Add): void {
  const policies = Policies.of(network);
  for (const policy of network.policies) {
    const { node, via, path } = policy;
    const { end } = policies.follow(policy);
    if (end.kind !== "exit") continue;
    const failover = failoverOf(policy, policies);
    const more = failover === undefined ? {} : { failover };
    add({ ...numbersOf(policy), node, exit: end.node, via, path, ...more }, sourcesOf(policy));
    // What measures a choice goes by it whichever is taken.
    for (const choice of failover?.choices ?? []) add({ node, exit: choice.exit, via: choice.via, path }, []);
    for (const one of policies.all(policy)) letOut(one.end, policies, add);
  }
  for (const tunnel of network.tunnels) {
    if (tunnel.ownRoutes.length === 0) continue;
    for (const { end } of policies.allOwn(tunnel)) letOut(end, policies, add);
  }
}

const nameOf = (exit: Node, via: Tunnel | "uplink"): string => `${exit.name}:${via === "uplink" ? via : via.client.name}`;

function failoverOf(policy: Policy, policies: Policies): DraftFailover | undefined {
  const { via, snat, failover } = policy;
  if (failover === undefined || via === "uplink" || snat === undefined) return undefined;
  const choices = [{ via, snat }, ...failover.others].map((choice) => ({
    ...choice,
    exit: policies.followChoice(policy, choice).end.node,
  }));
  return { name: choicesName(policies, policy), probing: failover.probing, choices };
}

/** What an exit lets out without a policy of its own: exactly the addresses that declared ways arrive with. */
function letOut(end: PathEnd, policies: Policies, add: Add): void {
  if (end.kind !== "exit" || end.source === undefined) return;
  const { source, incoming } = end.source;
  if (policies.selecting(source, incoming) !== undefined) return;
  add({ node: end.node, exit: end.node, via: "uplink", path: end.node.path }, [{ prefix: Ipv4Prefix.host(source), incoming }]);
}

function numbersOf(policy: Policy): Pick<Draft, "routeTable" | "priority"> {
  return {
    ...(policy.routeTable === undefined ? {} : { routeTable: policy.routeTable }),
    ...(policy.priority === undefined ? {} : { priority: policy.priority }),
  };
}

function sourcesOf({ sources, snat, failover }: Policy): WaySource[] {
  return sources.map((source) => ({
    ...source,
    ...(snat === undefined ? {} : { snat }),
    ...(failover === undefined ? {} : { otherSnats: failover.others.map((choice) => choice.snat) }),
  }));
}

function settle(drafts: readonly Draft[], recorded: RecordedAllocations, problems: Problems): Ways {
  const byNode = new Map<Node, Draft[]>();
  for (const draft of drafts) byNode.set(draft.node, [...(byNode.get(draft.node) ?? []), draft]);
  const result = new Map<Node, Way[]>();
  const tables = new Map<string, number>();
  for (const [node, own] of byNode) {
    const { slots, collisions } = allocate({
      names: own.filter((draft) => draft.routeTable === undefined).map((draft) => `${node.name}/${draft.name}`),
      slots: exitTables.slots,
      recorded: recordedSlots(recorded["table"] ?? {}),
    });
    for (const name of collisions) problems.report(...unrecorded("table", name, node.path, "routeTable"));
    for (const [name, slot] of slots) tables.set(name, exitTables.first + slot);
    result.set(node, own.map((draft) => toWay(draft, tables)).sort(compareWays));
  }
  return new Ways(result, tables);
}

/** By name; of one name by what is set by hand, so that the order of declaration does not show. */
function compareWays(a: Way, b: Way): number {
  return (a.name < b.name ? -1 : a.name > b.name ? 1 : 0) || a.table - b.table || (a.priority ?? 0) - (b.priority ?? 0);
}

function recordedSlots(recorded: Readonly<Record<string, string | number>>): Map<string, number> {
  return new Map(
    Object.entries(recorded).flatMap(([name, table]) =>
      typeof table === "number" ? [[name, table - exitTables.first] as const] : [],
    ),
  );
}

function toWay(draft: Draft, tables: ReadonlyMap<string, number>): Way {
  const { node, exit, via, name, routeTable, priority, failover } = draft;
  const sources = distinct(draft.sources);
  const tableOf = (way: string): number => tables.get(`${node.name}/${way}`) ?? 0;
  return {
    node,
    exit,
    via,
    name,
    table: routeTable ?? tableOf(name),
    ...(priority === undefined ? {} : { priority }),
    sources,
    ...(failover === undefined
      ? {}
      : {
          failover: {
            probing: failover.probing,
            choices: failover.choices.map((choice) => ({ ...choice, table: tableOf(nameOf(choice.exit, choice.via)) })),
          },
        }),
  };
}

function distinct(sources: readonly WaySource[]): WaySource[] {
  const byKey = new Map(sources.map((source) => [`${source.incoming.name} ${source.prefix.toString()}`, source]));
  return [...byKey.values()].sort((a, b) => a.prefix.base - b.prefix.base || a.prefix.length - b.prefix.length);
}
