import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { ExitNetwork, Host, WgNode } from "../../constructs";

/** A dead exit is no dead network: who names several exits leaves at the first of them that is alive, and nowhere when none is. */
class Failover extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10" }), privateAddress: "172.16.0.1/30" });
    const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20" }), privateAddress: "172.16.0.2/30" });
    const gcp = new WgNode(this, "gcp", { host: Host.ssh({ address: "198.51.100.40" }), mtuBytes: 1460, exit: true });
    const hkt = new WgNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30" }), exit: true });

    new ExitNetwork(this, "net", {
      entry: sz,
      exits: { gcp: { through: [hk, gcp] }, hkt: { through: [hk, hkt] } },
      clients: {
        phone: { exit: ["gcp", "hkt"], address: "10.77.0.11" },
        laptop: { exit: "hkt", address: "10.77.0.12" },
        tablet: { exit: "gcp", address: "10.77.0.13" },
      },
      // HK, where the ways part, asks through each exit every second.
      failover: { failures: 3, successes: 3, holdSeconds: 10 },
      links: { "sz-hk": { over: "private" } },
    });
  }
}

const app = new App();
new Failover(app, "failover");
app.synth();
