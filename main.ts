import { App, TerraformStack } from "cdktf";
import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import type { Construct } from "constructs";
import { Host, SnatLabel, SourcePolicy, WgNode, WgTunnel } from "./constructs";

/** Clients enter at Shenzhen, cross a private line to Hong Kong, and leave at Google Cloud or at HKT, depending on their source address. */
class ReferenceNetwork extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new GoogleProvider(this, "google", { project: "wgchain-reference", region: "asia-east2", zone: "asia-east2-a" });

    // Hosts. SZ and HK share a private line, the IPLC.
    const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10" }), privateAddress: "172.16.0.1/30" });
    const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20" }), privateAddress: "172.16.0.2/30" });
    const gcp = new WgNode(this, "gcp", {
      host: Host.gce({ zone: "asia-east2-a", networkMtuBytes: 1460, sshFrom: ["198.51.100.200/32"] }),
      exit: true,
    });
    const hkt = new WgNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30" }), exit: true });

    // Tunnels.
    const wgp = new WgTunnel(this, "wgp", {
      server: hk,
      client: sz,
      over: "private",
      network: "10.66.220.0/24",
      serverAddress: "10.66.220.200",
    });
    const wg6 = new WgTunnel(this, "wg6", {
      server: gcp,
      client: hk,
      network: "10.66.6.0/24",
      serverAddress: "10.66.6.6",
      clientAddress: "10.66.6.250",
    });
    const wg7 = new WgTunnel(this, "wg7", {
      server: hkt,
      client: hk,
      network: "10.66.7.0/24",
      serverAddress: "10.66.7.7",
      clientAddress: "10.66.7.250",
    });

    // People. The first has two addresses, and chooses the exit by the one that it sends from.
    const wgs = sz.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820 });
    wgs.addClient("client", { addresses: ["10.66.224.2", "10.66.225.2"] });
    wgs.addClient("client2", { addresses: ["10.66.224.3"] });

    // Who leaves where: SZ maps each choice onto a label, HK routes by it.
    const viaGcp = new SnatLabel(this, "via-gcp", { tunnel: wgp, address: "10.66.220.224" });
    const viaHkt = new SnatLabel(this, "via-hkt", { tunnel: wgp, address: "10.66.220.225" });
    new SourcePolicy(this, "sz-gcp", { on: sz, from: ["10.66.224.2/32", "10.66.224.3/32"], via: wgp, snat: viaGcp });
    new SourcePolicy(this, "sz-hkt", { on: sz, from: ["10.66.225.2/32"], via: wgp, snat: viaHkt });
    new SourcePolicy(this, "hk-gcp", { on: hk, from: [viaGcp], via: wg6 });
    new SourcePolicy(this, "hk-hkt", { on: hk, from: [viaHkt], via: wg7 });
  }
}

const app = new App();
new ReferenceNetwork(app, "reference");
app.synth();
