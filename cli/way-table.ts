import type { TracedWay } from "../lib/trace";
import { table } from "./table";

/** From so many on, addresses that go alike are one line. */
const oneByOne = 5;

/** A line for every way, in their order; many alike are one, at the place of their first, unless `all` are wanted. */
export function wayLines(ways: readonly TracedWay[], all: boolean, width?: number): string[] {
  const groups = new Map<string, TracedWay[]>();
  for (const way of ways) {
    const group = groups.get(kindOf(way));
    if (group === undefined) groups.set(kindOf(way), [way]);
    else group.push(way);
  }
  const rows = ways.flatMap((way) => {
    const group = groups.get(kindOf(way)) ?? [];
    if (all || group.length <= oneByOne) return [rowOf(way)];
    return group[0] === way ? [rowOfMany(group)] : [];
  });
  const head = ["CLIENT", "ADDRESS", "HOPS", "LEAVES AT", "AS", "MTU", "WITH A TUNNEL DOWN"];
  return table([head, ...rows], width);
}

/** Alike but for client, address and labels. */
const kindOf = ({ node, interface: one, hops, exit, mtuBytes, tunnels, down, instead = [] }: TracedWay): string =>
  JSON.stringify([node, one, hops, exit, mtuBytes, tunnels, down, instead.map((other) => [other.exit, other.tunnels])]);

const rowOf = (way: TracedWay): string[] => [way.client ?? "(declared)", way.address, ...restOf(way)];

function rowOfMany(group: readonly TracedWay[]): string[] {
  const [first, last] = [group[0], group.at(-1)];
  if (first === undefined || last === undefined) return [];
  const clients = [...new Set(group.map(({ client }) => client ?? "(declared)"))];
  const [one = "", ...more] = clients;
  const names = more.length === 0 ? one : `${one} and ${more.length} more`;
  return [names, `${first.address} ... ${last.address} (${group.length})`, ...restOf(first)];
}

function restOf({ hops, exit, mtuBytes, down, tunnels, instead = [], why = "" }: TracedWay): string[] {
  const open = down.flatMap(({ tunnel, exit: other }) => (other === null ? [] : [`${tunnel}: leaves at ${other}`]));
  const closed = tunnels.length === 0 ? "" : "reaches nothing";
  return [
    hops.join(" > "),
    exit === null ? "nowhere" : [exit.node, ...new Set(instead.map((other) => other.exit.node))].join(", else "),
    exit?.address ?? "",
    exit === null ? "" : String(mtuBytes),
    exit === null ? why : open.length === 0 ? closed : open.join(", "),
  ];
}
