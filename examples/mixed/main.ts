import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, SourcePolicy, WgNode, WgTunnel } from "../../constructs";

/** The exit is a friend's: a host with plain wg-quick, written by hand, which this app knows and does not manage. */
class Mixed extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10" }) });
    // What is declared of it is what the friend has set up: its address, its end of the tunnel, and that it lets out what comes by it.
    const friend = new WgNode(this, "friend", { host: Host.unmanaged({ address: "198.51.100.20" }), exit: true });

    const wg6 = new WgTunnel(this, "wg6", {
      server: friend,
      client: sz,
      network: "10.66.6.0/24",
      serverAddress: "10.66.6.6",
      clientAddress: "10.66.6.250",
      serverEnd: { listenPort: 51866 },
    });

    const wgs = sz.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820 });
    const phone = wgs.addClient("phone", { addresses: ["10.66.224.2"] });
    wgs.addClient("printer", { addresses: ["10.66.224.3"] });
    new SourcePolicy(this, "sz-friend", { on: sz, from: [phone], via: wg6 });
  }
}

const app = new App();
new Mixed(app, "mixed");
app.synth();
