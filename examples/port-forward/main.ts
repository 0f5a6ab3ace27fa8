import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, NatGateway, PortForward, WgNode } from "../../constructs";

/** The article's second system: ports of a gateway that lead on to somebody else. */
class PortForwardExample extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const gw = new WgNode(this, "gw", { host: Host.ssh({ address: "1.2.3.4" }) });
    new NatGateway(this, "lan", { on: gw, inside: "192.168.1.1/24" });

    // The article's: 192.168.1.1:443 reaches 1.1.1.1:443, which sees the gateway's public address.
    new PortForward(this, "https", {
      on: gw,
      protocol: "tcp",
      address: "192.168.1.1",
      port: 443,
      to: "1.1.1.1",
      source: "1.2.3.4",
    });

    // A server behind the gateway. It sees who calls, since it answers by the gateway anyway.
    new PortForward(this, "web", { on: gw, protocol: "tcp", port: 8080, to: "192.168.1.10", toPort: 80, source: "keep" });

    // A range of ports, each to its own.
    new PortForward(this, "voice", { on: gw, protocol: "udp", port: "10000-10010", to: "192.168.1.10" });
  }
}

const app = new App();
new PortForwardExample(app, "port-forward");
app.synth();
