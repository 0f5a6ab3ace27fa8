import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, SourcePolicy, WgNode, WgTunnel } from "../../constructs";

/** The article's chain, before it chooses exits: all clients of Shenzhen go on to Hong Kong, from there to Google Cloud, and leave. */
class Chain extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    // SZ and HK share a private line, the IPLC. The virtual machine at Google is there already; its network carries 1460 bytes.
    const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10" }), privateAddress: "172.16.0.1/30" });
    const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20" }), privateAddress: "172.16.0.2/30" });
    const gcp = new WgNode(this, "gcp", { host: Host.ssh({ address: "198.51.100.40" }), mtuBytes: 1460, exit: true });

    const wgp = new WgTunnel(this, "wgp", {
      server: hk,
      client: sz,
      over: "private",
      network: "10.66.220.0/24",
      serverAddress: "10.66.220.200",
      clientAddress: "10.66.220.1",
    });
    const wg6 = new WgTunnel(this, "wg6", {
      server: gcp,
      client: hk,
      network: "10.66.6.0/24",
      serverAddress: "10.66.6.6",
      clientAddress: "10.66.6.250",
    });

    const wgs = sz.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820 });
    wgs.addClient("phone", { addresses: ["10.66.224.2"] });
    wgs.addClient("laptop", { addresses: ["10.66.255.254"] });

    // S6: what comes from the clients' network goes on to HK, where SZ's NAT makes it 10.66.220.1. The table's second route, by which clients
    // reach each other at SZ and are not dragged to HK, is always there.
    new SourcePolicy(this, "sz-on", { on: sz, from: ["10.66.224.0/19"], via: wgp });
    // S7: the same, one hop on.
    new SourcePolicy(this, "hk-on", { on: hk, from: [wgp], via: wg6 });
  }
}

const app = new App();
new Chain(app, "chain");
app.synth();
