import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { ExitNetwork, Host, WgNode } from "../../constructs";

/** A family or a team: many clients, few exits. All who leave at one exit share its label, so HK is as it is however many there are. */
class SharedLabel extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10" }), privateAddress: "172.16.0.1/30" });
    const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20" }), privateAddress: "172.16.0.2/30" });
    const gcp = new WgNode(this, "gcp", { host: Host.ssh({ address: "198.51.100.40" }), mtuBytes: 1460, exit: true });
    const hkt = new WgNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30" }), exit: true });

    // Tunnels, networks, addresses, labels, policies: all follow from names. What others must know is set: two addresses, and the labels.
    new ExitNetwork(this, "net", {
      entry: sz,
      exits: { gcp: { through: [hk, gcp] }, hkt: { through: [hk, hkt] } },
      clients: {
        ann: { exit: "gcp", address: "10.77.0.11" },
        bob: { exit: "gcp", address: "10.77.0.12" },
        cas: { exit: "gcp" },
        dan: { exit: "gcp" },
        eve: { exit: "gcp" },
        fay: { exit: "hkt" },
        gus: { exit: "hkt" },
        hal: { exit: "hkt" },
      },
      links: { "sz-hk": { over: "private", network: "10.66.220.0/24", labels: { gcp: "10.66.220.224", hkt: "10.66.220.225" } } },
    });
  }
}

const app = new App();
new SharedLabel(app, "shared-label");
app.synth();
