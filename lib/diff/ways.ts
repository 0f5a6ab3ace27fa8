import type { TracedExit, TracedNetwork, TracedWay } from "../trace";
import type { Moved, NetworkDiff, Nowhere, Placed, Source, Way } from "./network-diff";

/** A source that both networks have. */
export interface Pair {
  readonly before: TracedWay;
  readonly after: TracedWay;
}

export interface PairedWays {
  readonly both: readonly Pair[];
  readonly added: readonly TracedWay[];
  readonly gone: readonly TracedWay[];
}

/** By client and address, so that a client which comes in elsewhere stays the same client; what has no client, by its entry. */
export function pairWays(before: TracedNetwork, after: TracedNetwork): PairedWays {
  const keyOf = ({ client, address, node, interface: one }: TracedWay): string =>
    client === null ? `\0${address}\0${node}\0${one}` : `${client}\0${address}`;
  const old = new Map(before.ways.map((way) => [keyOf(way), way]));
  const now = new Map(after.ways.map((way) => [keyOf(way), way]));
  const both = [...now].flatMap(([key, after]) => {
    const before = old.get(key);
    return before === undefined ? [] : [{ before, after }];
  });
  return {
    both: both.sort((a, b) => byPlace(a.after, b.after)),
    added: [...now].flatMap(([key, way]) => (old.has(key) ? [] : [way])).sort(byPlace),
    gone: [...old].flatMap(([key, way]) => (now.has(key) ? [] : [way])).sort(byPlace),
  };
}

function byPlace(a: TracedWay, b: TracedWay): number {
  const byAddress = numberOf(a.address) - numberOf(b.address);
  if (byAddress !== 0) return byAddress;
  const [one, two] = [a, b].map(({ address, client, node, interface: name }) => `${address} ${client ?? ""} ${node}/${name}`) as [
    string,
    string,
  ];
  return one < two ? -1 : one > two ? 1 : 0;
}

const numberOf = (address: string): number =>
  (address.split("/")[0] ?? "").split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

export const sourceOf = ({ client, address, node, interface: one }: TracedWay): Source => ({
  client,
  address,
  entry: `${node}/${one}`,
});

/** Ways of one side alone; `other` is what the other side has. */
function placed(ways: readonly TracedWay[], other: readonly TracedWay[]): Placed[] {
  const clients = new Set(other.map(({ client }) => client));
  return ways.map((way) => ({
    ...sourceOf(way),
    exit: way.exit,
    known: way.client !== null && clients.has(way.client),
    ...(way.why === undefined ? {} : { why: way.why }),
  }));
}

const sameExit = (a: TracedExit, b: TracedExit): boolean => a.node === b.node && a.address === b.address;
const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);

export function compareWays({
  both,
  added,
  gone,
}: PairedWays): Pick<NetworkDiff, "moved" | "clients" | "nowhere" | "mtu" | "hops" | "failover" | "instead" | "labels"> {
  // Somebody who leaves nowhere has no way to compare.
  const leaving = both.flatMap(({ before, after }) =>
    before.exit === null || after.exit === null
      ? []
      : [{ before, after, from: before.exit, to: after.exit, source: sourceOf(after) }],
  );
  const staying = leaving.filter(({ from, to }) => sameExit(from, to));
  return {
    moved: leaving.flatMap(({ from, to, source }): Moved[] =>
      sameExit(from, to) ? [] : [{ ...source, before: from, after: to }],
    ),
    clients: {
      added: placed(added, [...both.map(({ before }) => before), ...gone]),
      gone: placed(gone, [...both.map(({ after }) => after), ...added]),
    },
    nowhere: {
      now: both.flatMap(({ before, after }) => nowhere(after, before.exit, after)),
      formerly: both.flatMap(({ before, after }) => nowhere(after, after.exit, before)),
    },
    mtu: leaving.flatMap(({ before, after, source }) =>
      before.mtuBytes === after.mtuBytes ? [] : [{ ...source, before: before.mtuBytes, after: after.mtuBytes }],
    ),
    hops: staying.flatMap(({ before, after, source }) => {
      const [one, two] = [wayOf(before), wayOf(after)];
      const same = one.entry === two.entry && sameList(one.tunnels, two.tunnels) && sameList(one.hops, two.hops);
      return same ? [] : [{ ...source, before: one, after: two }];
    }),
    failover: both.flatMap(({ before, after }) => {
      const [old, now] = [exitsDown(before), exitsDown(after)];
      // A tunnel that is not on the way leads nowhere when it is down.
      const tunnels = [...new Set([...old.keys(), ...now.keys()])].sort();
      return tunnels.flatMap((tunnel) => {
        const [one, two] = [old.get(tunnel) ?? null, now.get(tunnel) ?? null];
        return one === two ? [] : [{ ...sourceOf(after), tunnel, before: one, after: two }];
      });
    }),
    instead: both.flatMap(({ before, after }) => {
      const [one, two] = [insteadOf(before), insteadOf(after)];
      return sameList(one, two) ? [] : [{ ...sourceOf(after), before: one, after: two }];
    }),
    labels: staying.flatMap(({ before, after, source }) =>
      [...before.tunnels].sort().flatMap((tunnel) => {
        const [one, two] = [labelOn(before, tunnel), labelOn(after, tunnel)];
        return one === undefined || two === undefined || one === two ? [] : [{ ...source, tunnel, before: one, after: two }];
      }),
    ),
  };
}

const nowhere = (way: TracedWay, exit: TracedExit | null, where: TracedWay): Nowhere[] =>
  exit === null || where.exit !== null ? [] : [{ ...sourceOf(way), exit, why: where.why ?? "" }];

const wayOf = (way: TracedWay): Way => ({ entry: sourceOf(way).entry, tunnels: way.tunnels, hops: way.hops });
const insteadOf = ({ instead = [] }: TracedWay): string[] => [...new Set(instead.map(({ exit }) => exit.node))];
const exitsDown = ({ down }: TracedWay): Map<string, string | null> => new Map(down.map(({ tunnel, exit }) => [tunnel, exit]));
const labelOn = ({ tunnels, labels }: TracedWay, tunnel: string): string | undefined => labels[tunnels.indexOf(tunnel)];
