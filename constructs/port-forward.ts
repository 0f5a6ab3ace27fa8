import { Construct } from "constructs";
import { WgNetwork } from "./network";
import type { WgNode } from "./wg-node";

/** What a forward of ports is given. */
export interface PortForwardProps {
  /** The node whose ports these are. */
  readonly on: WgNode;
  /** What is forwarded. @default "tcp" */
  readonly protocol?: "tcp" | "udp" | "both";
  /** A port, or a range of 16,384 at most, e.g. "8000-8010". */
  readonly port: number | string;
  /** The only address of the node at which it answers, e.g. that of a private network. @default any address of the node */
  readonly address?: string;
  /**
   * Where it goes: a machine of a private network that the node is `NatGateway` of, a client of one of the node's own interfaces, or an address on
   * the internet. Nothing else can be reached.
   */
  readonly to: string;
  /** The target's port; of a range the first, and the others follow. @default the same */
  readonly toPort?: number;
  /**
   * What the target sees as source: "gateway", the address of the device where it leaves; "keep", the client's own, for targets whose answers come
   * back by the node (never one on the internet); or an address that the node has. A machine of the same private network as its target is always given
   * the gateway's, or the answer would not come back by it. @default "gateway"
   */
  readonly source?: string;
  /** Prefixes that may use it. At Google they are a firewall rule, too. @default ["0.0.0.0/0"] */
  readonly from?: readonly string[];
}

/**
 * Ports of a node that are another host's (destination NAT, and source NAT on the way on). Machines of the node's private networks reach them by
 * the same address. What comes by a tunnel of the node is never forwarded: it goes where its policy says.
 */
export class PortForward extends Construct {
  constructor(scope: Construct, id: string, props: PortForwardProps) {
    super(scope, id);
    const { on, protocol = "tcp", port, address, to, toPort, source = "gateway", from = ["0.0.0.0/0"] } = props;
    WgNetwork.of(this).addForward({
      path: this.node.path,
      name: id,
      node: on.node.path,
      protocol,
      port,
      to,
      source,
      from,
      ...(address === undefined ? {} : { address }),
      ...(toPort === undefined ? {} : { toPort }),
    });
    on.vm?.allowForward(id, protocol === "both" ? ["tcp", "udp"] : [protocol], String(port), from);
  }
}
