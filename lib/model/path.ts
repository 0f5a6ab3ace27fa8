import type { Ipv4Prefix } from "../address";
import { type Ipv4Address } from "../address";
import type { Interface, Network, Node, Policy, Tunnel } from "./model";

/** The declared way of what a policy selects: tunnels in order, and where it ends. */
export interface Path {
  readonly policy: Policy;
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

  follow(first: Policy): Path {
    const tunnels: Tunnel[] = [];
    const seen = new Set<Node>([first.node]);
    let policy = first;
    let arrival: Arrival | undefined;
    for (;;) {
      if (policy.via === "uplink") {
        return { policy: first, tunnels, end: { kind: "exit", node: policy.node, source: arrival } };
      }
      const tunnel = policy.via;
      tunnels.push(tunnel);
      const node = tunnel.server.node;
      if (seen.has(node)) return { policy: first, tunnels, end: { kind: "loop", node } };
      seen.add(node);
      const source = policy.snat ?? tunnel.serverAddress;
      arrival = { source, incoming: tunnel.server };
      const next = this.selecting(source, tunnel.server);
      if (next === undefined) {
        const end: PathEnd = node.exit ? { kind: "exit", node, source: arrival } : { kind: "no-policy", node, source };
        return { policy: first, tunnels, end };
      }
      policy = next;
    }
  }
}

/** Least MTU of the tunnels and of the interface it comes in by: what clients of this way may send. */
export function pathMtuBytes(path: Path, incoming: Interface): number {
  return Math.min(incoming.mtuBytes, ...path.tunnels.map((tunnel) => tunnel.mtuBytes));
}
