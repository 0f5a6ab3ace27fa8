import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, SnatLabel, SourcePolicy, WgNode, WgTunnel } from "../../constructs";

/** The article's selective routing: a client chooses the exit by the address that it sends from. */
class Selective extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10" }), privateAddress: "172.16.0.1/30" });
    const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20" }), privateAddress: "172.16.0.2/30" });
    const gcp = new WgNode(this, "gcp", { host: Host.ssh({ address: "198.51.100.40" }), mtuBytes: 1460, exit: true });
    // S10: a second exit, joined to HK as the first one is.
    const hkt = new WgNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30" }), exit: true });

    const wgp = new WgTunnel(this, "wgp", {
      server: hk,
      client: sz,
      over: "private",
      network: "10.66.220.0/24",
      serverAddress: "10.66.220.200",
    });
    const toGcp = { server: gcp, client: hk, network: "10.66.6.0/24", serverAddress: "10.66.6.6", clientAddress: "10.66.6.250" };
    const toHkt = { server: hkt, client: hk, network: "10.66.7.0/24", serverAddress: "10.66.7.7", clientAddress: "10.66.7.250" };
    const wg6 = new WgTunnel(this, "wg6", toGcp);
    const wg7 = new WgTunnel(this, "wg7", toHkt);

    const wgs = sz.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820 });
    wgs.addClient("client", { addresses: ["10.66.224.2", "10.66.225.2"] });

    // S9: NAT at SZ would make one address of both and so erase the choice; each becomes an address of its own on the tunnel, a label.
    const viaGcp = new SnatLabel(this, "via-gcp", { tunnel: wgp, address: "10.66.220.224" });
    const viaHkt = new SnatLabel(this, "via-hkt", { tunnel: wgp, address: "10.66.220.225" });
    new SourcePolicy(this, "sz-gcp", { on: sz, from: ["10.66.224.2/32"], via: wgp, snat: viaGcp });
    new SourcePolicy(this, "sz-hkt", { on: sz, from: ["10.66.225.2/32"], via: wgp, snat: viaHkt });

    // HK sees labels only, and goes by them.
    new SourcePolicy(this, "hk-gcp", { on: hk, from: [viaGcp], via: wg6 });
    new SourcePolicy(this, "hk-hkt", { on: hk, from: [viaHkt], via: wg7 });
  }
}

const app = new App();
new Selective(app, "selective");
app.synth();
