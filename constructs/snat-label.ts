import { Construct } from "constructs";
import { WgNetwork } from "./network";
import type { WgTunnel } from "./wg-tunnel";

export interface SnatLabelProps {
  /** The tunnel that carries it; the label is an address of its client end. */
  readonly tunnel: WgTunnel;
  /** An address in the tunnel's network, e.g. "10.66.220.224". */
  readonly address: string;
}

/**
 * An address that stands for a choice: a policy maps sources onto it (SNAT), and the tunnel's far end routes by it. So the choice made from the
 * client's own address survives NAT. Many clients may share one.
 */
export class SnatLabel extends Construct {
  readonly tunnel: WgTunnel;
  readonly address: string;

  constructor(scope: Construct, id: string, props: SnatLabelProps) {
    super(scope, id);
    this.tunnel = props.tunnel;
    this.address = props.address;
    WgNetwork.of(this).addLabel({ path: this.node.path, name: id, tunnel: props.tunnel.node.path, address: props.address });
  }
}
