import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, NatGateway, WgNode } from "../../constructs";

/** The article's first system: machines of a private network reach the internet by a gateway, which lends them its address. */
class NatGatewayExample extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const gw = new WgNode(this, "gw", { host: Host.ssh({ address: "1.2.3.4" }) });

    // The gateway's own address on the private side, and with it the network behind it.
    new NatGateway(this, "lan", { on: gw, inside: "192.168.1.1/24" });
  }
}

const app = new App();
new NatGatewayExample(app, "nat-gateway");
app.synth();
