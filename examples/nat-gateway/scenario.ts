import { answers, callerIs, seesNothing, silent, traceIs, type Scenario } from "../../lab";

const asGateway = callerIs("pc", "1.2.3.4", { source: "192.168.1.2", target: "1.1.1.1", port: 443 });

const scenario: Scenario = {
  internet: ["1.1.1.1"],
  machines: [
    { name: "pc", lan: { node: "gw", address: "192.168.1.2/24", gateway: "192.168.1.1" } },
    { name: "pc2", lan: { node: "gw", address: "192.168.1.3/24", gateway: "192.168.1.1" } },
  ],
  probes: [
    asGateway,
    callerIs("pc2", "1.2.3.4", { target: "1.1.1.1" }),
    answers("pc", "1.1.1.1", { udp: 53 }),
    traceIs("pc", "192.168.1.2", ["192.168.1.1", "1.1.1.1"], "1.1.1.1"),
    // Among themselves they keep their own addresses.
    callerIs("pc", "192.168.1.2", { target: "192.168.1.3" }),
    seesNothing("internet", "net 192.168.1.0/24", asGateway),
    silent("internet", "192.168.1.2"),
  ],
  without: [
    {
      what: "the NAT gateway",
      replace: 'new NatGateway(this, "lan", { on: gw, inside: "192.168.1.1/24" });',
      by: "void [gw, NatGateway];",
    },
  ],
};

export default scenario;
