import type { TerraformStack } from "cdktf";
import { Host, NatGateway, PortForward, WgNode, type NatGatewayProps, type PortForwardProps } from "../../constructs";

/** The article's S1 and S2: a gateway with one private network and nothing of WireGuard. */
export function gatewayNode(stack: TerraformStack, host = Host.ssh({ address: "198.51.100.20" })): WgNode {
  return new WgNode(stack, "gw", { host });
}

export interface GatewayChange {
  readonly lan?: Partial<NatGatewayProps> | null;
  readonly forwards?: Readonly<Record<string, Omit<PortForwardProps, "on">>>;
}

export const gatewayNetwork =
  ({ lan = {}, forwards = {} }: GatewayChange = {}) =>
  (stack: TerraformStack): WgNode => {
    const on = gatewayNode(stack);
    if (lan !== null) new NatGateway(stack, "lan", { on, inside: "192.168.1.1/24", ...lan });
    for (const [id, props] of Object.entries(forwards)) new PortForward(stack, id, { on, ...props });
    return on;
  };
