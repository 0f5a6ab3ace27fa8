import { App, TerraformStack } from "cdktf";
import { ExitNetwork, Host, WgNode } from "../../../constructs";

/** Exits and clients by name; everything else is allocated. One client has a label of its own, one exit stands at the relay itself, tunnels have pre-shared keys. */
const app = new App();
const stack = new TerraformStack(app, "by-name");
const sz = new WgNode(stack, "sz", { host: Host.ssh({ address: "198.51.100.10" }), privateAddress: "172.16.0.1/30" });
const hk = new WgNode(stack, "hk", { host: Host.ssh({ address: "198.51.100.20" }), privateAddress: "172.16.0.2/30", exit: true });
const tokyo = new WgNode(stack, "tokyo", { host: Host.ssh({ address: "198.51.100.40" }), exit: true, mtuBytes: 1460 });
new ExitNetwork(stack, "net", {
  entry: sz,
  exits: { hk: { through: [hk] }, tokyo: { through: [hk, tokyo] } },
  clients: { phone: { exit: "hk" }, laptop: { exit: "tokyo" }, tv: { exit: "tokyo", ownLabel: true } },
  links: { "sz-hk": { over: "private" } },
  presharedKeys: true,
});
app.synth();
