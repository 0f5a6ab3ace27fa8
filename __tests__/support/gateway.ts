import type { TerraformStack } from "cdktf";
import {
  Host,
  NatGateway,
  PortForward,
  SourcePolicy,
  WgNode,
  WgTunnel,
  type NatGatewayProps,
  type PortForwardProps,
} from "../../constructs";

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

export const servingKeys = ["gw.wgs", "gw.wgp", "far.wgp", "client.phone"] as const;

/** A gateway that serves a client, too, whose own traffic goes to an exit far away, or leaves at the gateway itself. */
export const servingGateway =
  (via: "far" | "uplink", { lan = {}, forwards = {} }: GatewayChange) =>
  (stack: TerraformStack): void => {
    const gw = new WgNode(stack, "gw", { host: Host.ssh({ address: "198.51.100.20" }), exit: via === "uplink" });
    const far = new WgNode(stack, "far", { host: Host.ssh({ address: "198.51.100.30" }), exit: true });
    new NatGateway(stack, "lan", { on: gw, inside: "192.168.1.1/24", ...lan });
    const wgp = new WgTunnel(stack, "wgp", {
      ...{ server: far, client: gw, network: "10.66.6.0/24" },
      ...{ serverAddress: "10.66.6.6", clientAddress: "10.66.6.250" },
    });
    const wgs = gw.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820 });
    const phone = wgs.addClient("phone", { addresses: ["10.66.224.2"] });
    new SourcePolicy(stack, "out", { on: gw, from: [phone], via: via === "far" ? wgp : "uplink" });
    for (const [id, props] of Object.entries(forwards)) new PortForward(stack, id, { on: gw, ...props });
  };
