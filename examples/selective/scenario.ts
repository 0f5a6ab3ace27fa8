import { arrivesAs, callerIs, silent, traceIs, type Scenario } from "../../lab";

const target = "1.1.1.1";

const scenario: Scenario = {
  internet: [target],
  probes: [
    callerIs("client", "198.51.100.40", { source: "10.66.224.2", target }),
    callerIs("client", "198.51.100.30", { source: "10.66.225.2", target }),
    // S11, as the article shows it.
    traceIs("client", "10.66.224.2", ["10.66.224.1", "10.66.220.200", "10.66.6.6", target], target),
    traceIs("client", "10.66.225.2", ["10.66.224.1", "10.66.220.200", "10.66.7.7", target], target),
    arrivesAs("client", "hk", "wgp", "10.66.220.224", { source: "10.66.224.2" }),
    arrivesAs("client", "hk", "wgp", "10.66.220.225", { source: "10.66.225.2" }),
    arrivesAs("client", "gcp", "wg6", "10.66.6.250", { source: "10.66.224.2" }),
    arrivesAs("client", "hkt", "wg7", "10.66.7.250", { source: "10.66.225.2" }),
    // Neither exit is open to the other's tunnel.
    silent("gcp", "10.66.7.7"),
  ],
  without: [
    { what: "HK's choice by label", replace: "from: [viaHkt], via: wg7", by: "from: [viaHkt], via: wg6" },
    { what: "the label of HKT's clients", replace: "via: wgp, snat: viaHkt", by: "via: wgp, snat: viaGcp" },
    {
      what: "SZ's choice by source",
      replace: 'new SourcePolicy(this, "sz-hkt", { on: sz, from: ["10.66.225.2/32"], via: wgp, snat: viaHkt });',
      by: "",
    },
    { what: "the article's address of a label", replace: '"10.66.220.225"', by: '"10.66.220.226"' },
  ],
};

export default scenario;
