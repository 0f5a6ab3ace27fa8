import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, SnatLabel, SourcePolicy, WgNode, WgTunnel } from "../../constructs";

/**
 * The article's labels, one a client, for 50 clients and three exits: beyond SZ a client can still be told from the others, so HK could count, limit or
 * log each of them, which it cannot where clients share a label.
 */
class ExitPerClient extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10" }) });
    const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20" }) });

    const wgp = new WgTunnel(this, "wgp", { server: hk, client: sz, network: "10.66.220.0/24", serverAddress: "10.66.220.200" });
    const exits = ["tokyo", "paris", "lima"].map((name, index) => {
      const node = new WgNode(this, name, { host: Host.ssh({ address: `198.51.100.${30 + index}` }), exit: true });
      return new WgTunnel(this, `wg-${name}`, {
        server: node,
        client: hk,
        network: `10.66.${6 + index}.0/24`,
        serverAddress: `10.66.${6 + index}.6`,
        clientAddress: `10.66.${6 + index}.250`,
      });
    });

    // 10.66.224.N becomes 10.66.220.N, for N from 2 to 51; exits take turns.
    const wgs = sz.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820 });
    const labels = Array.from({ length: 50 }, (_, index) => {
      const n = index + 2;
      const client = wgs.addClient(`client${n}`, { addresses: [`10.66.224.${n}`] });
      const label = new SnatLabel(this, `label${n}`, { tunnel: wgp, address: `10.66.220.${n}` });
      new SourcePolicy(this, `sz-client${n}`, { on: sz, from: [client], via: wgp, snat: label });
      return label;
    });
    for (const [index, via] of exits.entries()) {
      const from = labels.filter((_, n) => n % exits.length === index);
      new SourcePolicy(this, `hk-${via.server.name}`, { on: hk, from, via });
    }
  }
}

const app = new App();
new ExitPerClient(app, "exit-per-client");
app.synth();
