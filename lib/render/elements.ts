import type { Ipv4Address, Ipv4Prefix } from "../address";
import type { HostPlan, SourcePlan } from "../plan/host-plan";
import { gatewayElements } from "./gateway";
import { resolverElements } from "./resolvers";
import { setNames } from "./nftables";

/** What is in the sets and maps of our nftables table: lines `SET KEY` or `MAP KEY : VALUE`, as nft takes and lists them, sorted. */
export function elementLines(plan: HostPlan): string[] {
  return [
    ...setElements(plan),
    ...plan.sources.flatMap(mapElements),
    ...gatewayElements(plan),
    ...plan.interfaces.flatMap(resolverElements),
  ].sort();
}

function setElements({ interfaces, networks, exits }: HostPlan): string[] {
  const marks = new Set(exits.filter(({ via }) => via === "uplink").map(({ table }) => markOf(table)));
  return [
    ...interfaces.flatMap(({ name, network }) => [`own "${name}"`, `${setNames.network(name)} ${network.brief}`]),
    ...networks.map((network) => `networks ${network.brief}`),
    ...[...marks].map((mark) => `exits ${mark}`),
  ];
}

function mapElements({ iif, prefix, exit, snat, others = [] }: SourcePlan): string[] {
  const marks = prefix.isHost ? setNames.exit(iif) : setNames.exitOfNetworks(iif);
  const marked = `${marks} ${prefix.brief} : ${markOf(exit.table)}`;
  if (exit.via === "uplink" || snat === undefined) return [marked];
  // By every choice: the route alone says which is taken.
  return [marked, label(prefix, exit.via.interface, snat), ...others.map((other) => label(prefix, other.interface, other.snat))];
}

const label = (prefix: Ipv4Prefix, oif: string, address: Ipv4Address): string =>
  `${prefix.isHost ? setNames.label(oif) : setNames.labelOfNetworks(oif)} ${prefix.brief} : ${address.toString()}`;

const markOf = (table: number): string => `0x${table.toString(16)}`;
