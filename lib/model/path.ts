import type { Ipv4Prefix } from "../address";
import { type Ipv4Address } from "../address";
import type { Interface, Network, Node, Policy, Tunnel } from "./model";

/** A declared way: tunnels in order, and where it ends. */
export interface Path {
  /** Tunnels it crosses, first to last; none when it leaves at the policy's own node. */
  readonly tunnels: readonly Tunnel[];
  readonly end: PathEnd;
}

export type PathEnd =
  | { readonly kind: "exit"; readonly node: Node; readonly source: Arrival | undefined }
  | { readonly kind: "no-policy"; readonly node: Node; readonly source: Ipv4Address }
  | { readonly kind: "loop"; readonly node: Node };

/** With which address a flow arrives by which interface. */
export interface Arrival {
  readonly source: Ipv4Address;
  readonly incoming: Interface;
}

/** What a policy, or one of its further choices, sends by. */
interface AnyChoice {
  readonly via: Tunnel | "uplink";
  readonly snat?: Ipv4Address | undefined;
}

/** Answers which policy takes what arrives at a node; one index for the whole network. */
export class Policies {
  private static readonly known = new WeakMap<Network, Policies>();
  private readonly byInterface = new Map<Interface, { prefix: Ipv4Prefix; policy: Policy }[]>();

  static of(network: Network): Policies {
    const known = Policies.known.get(network) ?? new Policies(network);
    Policies.known.set(network, known);
    return known;
  }

  private constructor(network: Network) {
    for (const policy of network.policies) {
      for (const { prefix, incoming } of policy.sources) {
        const list = this.byInterface.get(incoming);
        if (list === undefined) this.byInterface.set(incoming, [{ prefix, policy }]);
        else list.push({ prefix, policy });
      }
    }
    for (const list of this.byInterface.values()) list.sort((a, b) => a.prefix.base - b.prefix.base);
  }

  /** The policy that selects `source` on `incoming`; sources of one node are disjoint, so at most one. */
  selecting(source: Ipv4Address, incoming: Interface): Policy | undefined {
    const list = this.byInterface.get(incoming) ?? [];
    let [low, high] = [0, list.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const entry = list[middle];
      if (entry === undefined) return undefined;
      if (entry.prefix.contains(source)) return entry.policy;
      if (entry.prefix.base > source.value) high = middle - 1;
      else low = middle + 1;
    }
    return undefined;
  }

  /** The way of what a policy selects, while every first choice is alive. */
  follow(policy: Policy): Path {
    return this.first(this.all(policy));
  }

  /** Every way that it may take, the first choices first: one for each choice at each policy that has several. */
  *all({ node, via, snat, failover }: Policy): Generator<Path> {
    const choices = [{ via, snat }, ...(failover?.others ?? [])];
    for (const choice of choices) yield* this.walk(node, choice.via, choice.snat);
  }

  /** The way by one of its choices, which is measured. */
  followChoice({ node }: Policy, { via, snat }: AnyChoice): Path {
    return this.first(this.walk(node, via, snat));
  }

  /** The way of what a tunnel's client end itself sends through it. */
  followOwn(tunnel: Tunnel): Path {
    return this.first(this.allOwn(tunnel));
  }

  *allOwn(tunnel: Tunnel): Generator<Path> {
    yield* this.walk(tunnel.client.node, tunnel, tunnel.clientAddress);
  }

  private first(paths: Generator<Path>): Path {
    const { value } = paths.next() as IteratorResult<Path, undefined>;
    if (value === undefined) throw new Error("a walk has no end");
    return value;
  }

  private *walk(
    start: Node,
    via: Tunnel | "uplink",
    sent: Ipv4Address | undefined,
    tunnels: readonly Tunnel[] = [],
    arrival?: Arrival,
  ): Generator<Path> {
    if (via === "uplink") {
      yield { tunnels, end: { kind: "exit", node: start, source: arrival } };
      return;
    }
    const crossed = [...tunnels, via];
    const node = via.server.node;
    if (crossed.some(({ client }) => client.node === node)) {
      yield { tunnels: crossed, end: { kind: "loop", node } };
      return;
    }
    const source: Ipv4Address = sent ?? via.serverAddress;
    const arrived = { source, incoming: via.server };
    const next = this.selecting(source, via.server);
    if (next === undefined) {
      const end = node.exit ? ({ kind: "exit", node, source: arrived } as const) : ({ kind: "no-policy", node, source } as const);
      yield { tunnels: crossed, end };
      return;
    }
    for (const choice of [next, ...(next.failover?.others ?? [])]) {
      yield* this.walk(node, choice.via, choice.snat, crossed, arrived);
    }
  }
}

/**
 * Name of a policy's choices at its node, e.g. "gcp:wg6,hkt:wg7": each by its exit and the tunnels on its way. Policies of one name share a routing
 * table, and are moved together.
 */
export function choicesName(policies: Policies, policy: Policy): string {
  const { via, snat, failover } = policy;
  return [{ via, snat }, ...(failover?.others ?? [])]
    .map((choice) => {
      const { end, tunnels } = policies.followChoice(policy, choice);
      return `${end.node.name}:${tunnels.map(({ client }) => client.name).join(".")}`;
    })
    .join(",");
}

/** Least MTU of the tunnels and of the interface it comes in by: what clients of this way may send. */
export function pathMtuBytes(path: Path, incoming: Interface): number {
  return Math.min(incoming.mtuBytes, ...path.tunnels.map((tunnel) => tunnel.mtuBytes));
}
