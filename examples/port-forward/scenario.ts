import { answers, callerIs, silent, type Scenario } from "../../lab";

const scenario: Scenario = {
  internet: ["1.1.1.1"],
  machines: [
    { name: "pc", lan: { node: "gw", address: "192.168.1.2/24", gateway: "192.168.1.1" } },
    { name: "server", lan: { node: "gw", address: "192.168.1.10/24", gateway: "192.168.1.1" } },
    { name: "visitor", address: "203.0.113.7" },
  ],
  probes: [
    callerIs("pc", "1.2.3.4", { target: "192.168.1.1", port: 443 }),
    // That one is for the inside alone.
    silent("visitor", "1.2.3.4", { tcp: 443 }),
    callerIs("visitor", "203.0.113.7", { target: "1.2.3.4", port: 8080 }),
    // From inside by the outside address: the answer must come back by the gateway, so the server sees that.
    callerIs("pc", "192.168.1.1", { target: "1.2.3.4", port: 8080 }),
    answers("visitor", "1.2.3.4", { udp: 10000 }),
    answers("visitor", "1.2.3.4", { udp: 10010 }),
    silent("visitor", "1.2.3.4", { udp: 10011 }),
    silent("visitor", "1.2.3.4", { tcp: 10000 }),
  ],
  without: [
    { what: "the forward to 1.1.1.1", replace: 'to: "1.1.1.1"', by: 'to: "1.1.1.2"' },
    { what: "the caller's own address", replace: 'source: "keep"', by: 'source: "gateway"' },
    { what: "the range", replace: '"10000-10010"', by: "10000" },
  ],
};

export default scenario;
