import { answers, arrivesAs, callerIs, seesNothing, traceIs, type Probe, type Scenario, type ScenarioLab } from "../../lab";

const clientToClient = answers("phone", "10.66.255.254");

/** The article's failure: a table with a default route only. It shows that the probe above it would see a packet dragged to HK. */
const withoutDirectRoute: Probe = {
  name: "without the table's second route, and the rule before it, client-to-client is dragged to HK",
  run: async (lab) => {
    const sz = lab.host("sz");
    const { stdout } = await sz.sh("ip rule list to 10.66.224.0/19; ip route show table all 10.66.224.0/19");
    const lines = (test: RegExp): string[] => stdout.split("\n").filter((line) => test.test(line));
    const table = /lookup (\d+)/.exec((await sz.sh("ip rule list iif wgs priority 11000")).stdout)?.[1] ?? "";
    const rules = lines(/lookup 7700/).map((line) => line.replace(/^(\d+):\s*/, "pref $1 ").replace("lookup", "table"));
    const routes = lines(new RegExp(`table ${table}\\b`));
    if (rules.length !== 1 || routes.length !== 1) return `sz has no such rule and route: ${stdout}`;
    const all = (verb: "add" | "del"): Promise<unknown> =>
      sz.sh([...rules.map((one) => `ip rule ${verb} ${one}`), ...routes.map((one) => `ip route ${verb} ${one}`)].join("\n"));
    await all("del");
    try {
      return (await staysAtSz.run(lab)) === undefined ? "HK sees nothing of it all the same" : undefined;
    } finally {
      await all("add");
    }
  },
};

const staysAtSz = seesNothing("hk", "host 10.66.255.254", {
  name: "phone pings laptop",
  run: async (lab: ScenarioLab) => {
    await lab.host("phone").exec(["ping", "-c3", "-i0.2", "-W1", "-q", "10.66.255.254"], { check: false });
    return undefined;
  },
});

const scenario: Scenario = {
  probes: [
    callerIs("phone", "198.51.100.40"),
    callerIs("laptop", "198.51.100.40", { withinSeconds: 5 }),
    traceIs("laptop", "10.66.255.254", ["10.66.224.1", "10.66.220.200", "10.66.6.6", "192.0.2.1"]),
    // NAT makes one address of all clients, at each host.
    arrivesAs("phone", "hk", "wgp", "10.66.220.1"),
    arrivesAs("laptop", "hk", "wgp", "10.66.220.1"),
    arrivesAs("laptop", "gcp", "wg6", "10.66.6.250"),
    clientToClient,
    traceIs("phone", "10.66.224.2", ["10.66.224.1", "10.66.255.254"], "10.66.255.254"),
    staysAtSz,
    withoutDirectRoute,
    staysAtSz,
  ],
  without: [
    {
      what: "SZ's policy",
      replace: 'new SourcePolicy(this, "sz-on", { on: sz, from: ["10.66.224.0/19"], via: wgp });',
      by: "",
    },
    { what: "most of the clients' network in it", replace: 'from: ["10.66.224.0/19"]', by: 'from: ["10.66.224.0/24"]' },
  ],
};

export default scenario;
