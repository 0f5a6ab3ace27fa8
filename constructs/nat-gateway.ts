import { Construct } from "constructs";
import { WgNetwork } from "./network";
import type { WgNode } from "./wg-node";

/** What a NAT gateway is given. */
export interface NatGatewayProps {
  /** The node that stands between the private network and the internet. */
  readonly on: WgNode;
  /**
   * The node's own address in the private network with its prefix length, e.g. "192.168.1.1/24"; its machines have it for their default gateway. The node
   * has the address already: wgchain sets none on devices that are not its own.
   */
  readonly inside: string;
  /** The address that its machines leave as; the node must have it. @default the address of the device where they leave */
  readonly snat?: string;
}

/**
 * A private network whose machines reach the internet as the node (source NAT); replies find their way back. What they send to one another, or to other
 * private networks of the node, keeps its source.
 *
 * Closed are: what would leave with a private source after all, what comes in by the uplink with one, and what comes by a tunnel of the node for a
 * machine. From outside a machine is reached by a `PortForward`, or by something on the node that gives what it lets in a source of the node's.
 */
export class NatGateway extends Construct {
  constructor(scope: Construct, id: string, props: NatGatewayProps) {
    super(scope, id);
    const { on, inside, snat } = props;
    WgNetwork.of(this).addGateway({
      path: this.node.path,
      name: id,
      node: on.node.path,
      inside,
      ...(snat === undefined ? {} : { snat }),
    });
  }
}
