import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, WgNode, WgTunnel } from "../../constructs";

/** The article's basic pair: a server and a client, whose many hops between become one. */
class BasicPair extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    // S3: WireGuard is installed where it is missing; keys are made by `wgchain keys`.
    const server = new WgNode(this, "server", { host: Host.ssh({ address: "198.51.100.10" }) });
    const client = new WgNode(this, "client", { host: Host.ssh({ address: "198.51.100.20" }) });

    // S4: the client lets only the server's network into its tunnel, and its routes stay as they are.
    new WgTunnel(this, "wg", {
      server,
      client,
      network: "10.1.1.0/24",
      serverAddress: "10.1.1.1",
      clientAddress: "10.1.1.2",
      allowedIps: ["10.1.1.0/24"],
    });
  }
}

const app = new App();
new BasicPair(app, "basic-pair");
app.synth();
