import { App, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { Host, SourcePolicy, WgNode, WgTunnel } from "../../constructs";

/** Where a chain goes from Shenzhen, and how many bytes each host's line carries. The last one is the exit. */
const relays = [
  { name: "hongkong", mtuBytes: 1500 },
  { name: "taipei", mtuBytes: 1492 }, // by PPPoE
  { name: "tokyo", mtuBytes: 1400 }, // by somebody else's tunnel
  { name: "seattle", mtuBytes: 1500 },
  { name: "dublin", mtuBytes: 1500 },
];

/** The article's chain made longer: five tunnels, each as large as its own two lines allow, to one exit. */
class FiveHops extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    let here = new WgNode(this, "shenzhen", { host: Host.ssh({ address: "198.51.100.10" }) });
    const wgs = here.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820 });
    wgs.addClient("phone", { addresses: ["10.66.224.2"] });

    let from: string | WgTunnel = "10.66.224.0/19";
    for (const [index, { name, mtuBytes }] of relays.entries()) {
      const hop = index + 1;
      const address = `198.51.100.${10 + hop}`;
      const next = new WgNode(this, name, { host: Host.ssh({ address }), mtuBytes, exit: hop === relays.length });
      const tunnel: WgTunnel = new WgTunnel(this, `wg${hop}`, {
        server: next,
        client: here,
        network: `10.66.${hop}.0/24`,
        serverAddress: `10.66.${hop}.1`,
        clientAddress: `10.66.${hop}.250`,
      });
      new SourcePolicy(this, `${here.name}-on`, { on: here, from: [from], via: tunnel });
      [here, from] = [next, tunnel];
    }
  }
}

const app = new App();
new FiveHops(app, "five-hops");
app.synth();
