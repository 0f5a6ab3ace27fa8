import type { TracedNetwork, TracedTunnel } from "../trace";
import { hostId, type Cable } from "./drawing";
import { compared, marks } from "./marks";
import type { Group, State } from "./routes";
import { endLines, labelText, spareLines, tunnelLines, tunnelName } from "./words";

interface Crossing {
  readonly tunnel: TracedTunnel;
  readonly words: readonly string[];
  readonly state: State;
  readonly strands: { readonly way: number; readonly state: State; readonly backwards: boolean; readonly labels: Set<string> }[];
}

/** The tunnels of both sides. One that leads elsewhere now is another, since both may have ways to be drawn. */
export class Tunnels {
  private readonly drawn: ReadonlyMap<string, Crossing>;
  private readonly now: ReadonlyMap<string, TracedTunnel>;
  private readonly before: ReadonlyMap<string, TracedTunnel>;

  constructor(network: TracedNetwork, base: TracedNetwork | undefined) {
    const byId = (tunnels: readonly TracedTunnel[]): ReadonlyMap<string, TracedTunnel> =>
      new Map(tunnels.map((one) => [one.id, one]));
    this.now = byId(network.tunnels);
    this.before = byId(base?.tunnels ?? []);
    const crossing = (tunnel: TracedTunnel): Crossing => ({ tunnel, words: [], state: "same", strands: [] });
    const all = compared(
      network.tunnels.map(crossing),
      base?.tunnels.map(crossing),
      ({ tunnel }) => Tunnels.keyOf(tunnel),
      ({ tunnel }) => [...tunnelLines(tunnel), ...endLines(tunnel), ...tunnel.client.addresses],
      (one, state, was) => ({ ...one, state, words: marks(state, was) }),
    );
    this.drawn = new Map(all.map((one) => [Tunnels.keyOf(one.tunnel), one]));
  }

  private static keyOf({ id, client, server }: TracedTunnel): string {
    return JSON.stringify([id, client.node, server.node]);
  }

  /** Lays a group's strand on every tunnel of its way. Returns the node where that ends. */
  walk({ route, state, members }: Group): string {
    const side = state === "gone" ? this.before : this.now;
    let at = route.node;
    for (const id of route.tunnels) {
      const tunnel = side.get(id);
      const crossing = tunnel === undefined ? undefined : this.drawn.get(Tunnels.keyOf(tunnel));
      if (tunnel === undefined || crossing === undefined) continue;
      const backwards = at === tunnel.server.node;
      at = backwards ? tunnel.client.node : tunnel.server.node;
      const same = crossing.strands.find((one) => one.way === route.number && one.state === state && one.backwards === backwards);
      const strand = same ?? { way: route.number, state, backwards, labels: new Set<string>() };
      if (same === undefined) crossing.strands.push(strand);
      for (const way of members) for (const label of labelOn(way, id)) strand.labels.add(label);
    }
    return at;
  }

  cables(): Cable[] {
    return [...this.drawn.values()].map(({ tunnel, words, state, strands }) => {
      const used = new Set(strands.flatMap(({ labels }) => [...labels]));
      const idle = strands.length === 0 ? ["no way takes it"] : [];
      return {
        id: tunnel.id,
        from: hostId(tunnel.client.node),
        to: hostId(tunnel.server.node),
        tunnel: {
          name: tunnelName(tunnel),
          above: tunnelLines(tunnel),
          below: [...endLines(tunnel), ...spareLines(tunnel, used), ...idle, ...words],
        },
        strands: strands.map(({ labels, ...strand }) => ({ ...strand, label: labelText(labels) })).sort((a, b) => a.way - b.way),
        state,
      };
    });
  }
}

const labelOn = (
  { tunnels, labels }: { readonly tunnels: readonly string[]; readonly labels: readonly string[] },
  id: string,
): string[] => {
  const label = labels[tunnels.indexOf(id)];
  return label === undefined ? [] : [label];
};
