import { Construct } from "constructs";
import { WgNetwork } from "./network";
import type { WgTunnel } from "./wg-tunnel";

/** What a `SnatLabel` is made of. */
export interface SnatLabelProps {
  /** The tunnel that carries it; the label is an address of its client end. */
  readonly tunnel: WgTunnel;
  /** An address in the tunnel's network, e.g. "10.66.220.224"; no end's, and no other label's. */
  readonly address: string;
}

/**
 * An address that stands for a choice: a policy maps sources onto it (SNAT), and the tunnel's far end routes by it. So the choice made from the
 * client's own address survives NAT. Many clients may share one.
 */
export class SnatLabel extends Construct {
  /** The tunnel that carries it. */
  readonly tunnel: WgTunnel;
  /** The address in the tunnel's network. */
  readonly address: string;

  constructor(scope: Construct, id: string, props: SnatLabelProps) {
    super(scope, id);
    this.tunnel = props.tunnel;
    this.address = props.address;
    WgNetwork.of(this).addLabel({ path: this.node.path, name: id, tunnel: props.tunnel.node.path, address: props.address });
  }
}
