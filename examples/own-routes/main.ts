import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, WgNode, WgTunnel } from "../../constructs";

/** The article's "route on your own": of what the client sends itself, exactly one address goes through the server. */
class OwnRoutes extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    // The server lets out what comes by its tunnels, with its own address.
    const server = new WgNode(this, "server", { host: Host.ssh({ address: "198.51.100.10" }), exit: true });
    const client = new WgNode(this, "client", { host: Host.ssh({ address: "198.51.100.20" }) });

    new WgTunnel(this, "wg", {
      server,
      client,
      network: "10.1.1.0/24",
      serverAddress: "10.1.1.1",
      clientAddress: "10.1.1.2",
      // S5: with allowedIps: ["10.1.1.0/24"] WireGuard would drop 1.1.1.1 in silence, although there is a route. That is refused.
      ownRoutes: ["1.1.1.1/32"],
    });
  }
}

const app = new App();
new OwnRoutes(app, "own-routes");
app.synth();
