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

/** Answers which policy takes what arrives at a node; one index for the whole network. */
export class Policies {
  private readonly byInterface = new Map<Interface, { prefix: Ipv4Prefix; policy: Policy }[]>();

  constructor(network: Network) {
    for (const policy of network.policies) {
      for (const { prefix, incoming } of policy.sources) {
        const list = this.byInterface.get(incoming) ?? [];
        list.push({ prefix, policy });
        this.byInterface.set(incoming, list);
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

  /** The way of what a policy selects. */
  follow({ node, via, snat }: Policy): Path {
    return this.walk(node, via, snat);
  }

  /** The way of what a tunnel's client end itself sends through it. */
  followOwn(tunnel: Tunnel): Path {
    return this.walk(tunnel.client.node, tunnel, tunnel.clientAddress);
  }

  private walk(start: Node, first: Tunnel | "uplink", firstSource?: Ipv4Address): Path {
    const tunnels: Tunnel[] = [];
    const seen = new Set<Node>([start]);
    let [node, via, sent] = [start, first, firstSource];
    let arrival: Arrival | undefined;
    for (;;) {
      if (via === "uplink") return { tunnels, end: { kind: "exit", node, source: arrival } };
      tunnels.push(via);
      node = via.server.node;
      if (seen.has(node)) return { tunnels, end: { kind: "loop", node } };
      seen.add(node);
      const source: Ipv4Address = sent ?? via.serverAddress;
      arrival = { source, incoming: via.server };
      const next = this.selecting(source, via.server);
      if (next === undefined) {
        return { tunnels, end: node.exit ? { kind: "exit", node, source: arrival } : { kind: "no-policy", node, source } };
      }
      [via, sent] = [next.via, next.snat];
    }
  }
}

/** Least MTU of the tunnels and of the interface it comes in by: what clients of this way may send. */
export function pathMtuBytes(path: Path, incoming: Interface): number {
  return Math.min(incoming.mtuBytes, ...path.tunnels.map((tunnel) => tunnel.mtuBytes));
}
