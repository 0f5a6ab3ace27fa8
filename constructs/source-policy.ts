import { Construct } from "constructs";
import type { SourceIntent } from "../lib/intent";
import type { WgClient } from "./client-interface";
import { WgNetwork } from "./network";
import { SnatLabel } from "./snat-label";
import type { WgNode } from "./wg-node";
import { WgTunnel } from "./wg-tunnel";
import { choicesOf, type FailoverProps } from "./failover";

/** A prefix or address as text, all addresses of a client, a label that arrives, or all that arrives by a tunnel. */
export type PolicySource = string | WgClient | SnatLabel | WgTunnel;

/** What a `SourcePolicy` is made of. */
export interface SourcePolicyProps {
  /** The node that decides. */
  readonly on: WgNode;
  /**
   * What it decides for. A source may be claimed by one policy of a node only, and lies in a network that arrives there: a wider one would catch the
   * host's own traffic.
   */
  readonly from: readonly PolicySource[];
  /**
   * A tunnel whose client end the node is, or its own way out (the node must be an exit). Several tunnels: choices in order. The node then measures
   * them by itself, sends by the first that is alive, and nowhere when none is.
   */
  readonly via: WgTunnel | "uplink" | readonly WgTunnel[];
  /**
   * The label to leave with, of the tunnel in `via`; of several tunnels, labels of these in any order.
   * @default the tunnel's `clientAddress`; a tunnel that has none needs a label
   */
  readonly snat?: SnatLabel | readonly SnatLabel[];
  /** How several tunnels in `via` are measured; with one it is an error. @default as `FailoverProps` has it */
  readonly failover?: FailoverProps;
  /** Number of the routing table, below 100000 and none of Linux's (253 to 255) or 7700. @default allocated from the names of node, exit and interface */
  readonly routeTable?: number;
  /** Priority of the rule, 11000 to 18999. @default 11000 (selectors are disjoint, so they share it) */
  readonly priority?: number;
}

/** On a node, what comes from some sources goes one way. Sources that go the same way to the same exit share one table and one rule. */
export class SourcePolicy extends Construct {
  constructor(scope: Construct, id: string, props: SourcePolicyProps) {
    super(scope, id);
    const { routeTable, priority } = props;
    const network = WgNetwork.of(this);
    const { intent, problem } = choicesOf(props);
    if (problem !== undefined) network.addProblem({ ...problem, path: this.node.path });
    if (intent === undefined) return;
    network.addPolicy({
      path: this.node.path,
      name: id,
      node: props.on.node.path,
      from: props.from.flatMap(sourceIntents),
      ...intent,
      ...(routeTable === undefined ? {} : { routeTable }),
      ...(priority === undefined ? {} : { priority }),
    });
  }
}

function sourceIntents(source: PolicySource): SourceIntent[] {
  if (typeof source === "string") return [{ prefix: source }];
  if (source instanceof SnatLabel) return [{ label: source.node.path }];
  if (source instanceof WgTunnel) return [{ tunnel: source.node.path }];
  return source.addresses.map((prefix) => ({ prefix }));
}
