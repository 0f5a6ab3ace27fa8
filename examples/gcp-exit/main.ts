import { App, TerraformStack } from "cdktf";
import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import type { Construct } from "constructs";
import { Host, SourcePolicy, WgNode, WgTunnel } from "../../constructs";

/** The article's exit at Google Cloud: a virtual machine that the deploy makes, whose network carries less than 1500 bytes. */
class GcpExit extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new GoogleProvider(this, "google", { project: "my-project", region: "asia-east2", zone: "asia-east2-a" });

    const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20" }) });
    const gcp = new WgNode(this, "gcp", {
      host: Host.gce({
        zone: "asia-east2-a",
        // S8: what Google's networks carry by default. Both ends of the tunnel get 60 bytes less, 1400.
        networkMtuBytes: 1460,
        sshFrom: ["198.51.100.200/32"],
      }),
      exit: true,
    });

    const wg6 = new WgTunnel(this, "wg6", {
      server: gcp,
      client: hk,
      network: "10.66.6.0/24",
      serverAddress: "10.66.6.6",
      clientAddress: "10.66.6.250",
    });

    const wgs = hk.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820 });
    const phone = wgs.addClient("phone", { addresses: ["10.66.224.2"] });
    new SourcePolicy(this, "hk-gcp", { on: hk, from: [phone], via: wg6 });
  }
}

const app = new App();
new GcpExit(app, "gcp-exit");
app.synth();
