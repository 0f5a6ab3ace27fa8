import { arrivesAs, callerIs, fragmentsNothing, traceIs, type Probe, type Scenario, type ScenarioLab } from "../../lab";

const target = "192.0.2.1";
const hops = ["10.66.224.1", "10.66.1.1", "10.66.2.1", "10.66.3.1", "10.66.4.1", "10.66.5.1"];
const hosts = ["shenzhen", "hongkong", "taipei", "tokyo", "seattle", "dublin"];

const ping = async (lab: ScenarioLab, ...options: string[]): Promise<string> =>
  (await lab.host("phone").exec(["ping", "-c1", "-W2", ...options, target], { check: false })).stdout;

/** Every host takes one off, and says so when none is left. */
const timeToLive: Probe = {
  name: `a packet's time to live ends at each of ${hops.length} hosts in turn, and one more arrives`,
  run: async (lab) => {
    for (const [index, hop] of hops.entries()) {
      const out = await ping(lab, "-t", String(index + 1));
      if (!out.includes(`From ${hop} `) || !out.includes("Time to live exceeded")) return `with ${index + 1}: ${out}`;
    }
    const out = await ping(lab, "-t", String(hops.length + 1));
    // 64 is what the other end sends with; it comes back by as many hosts.
    return out.includes(`ttl=${64 - hops.length} `) ? undefined : `with ${hops.length + 1}: ${out}`;
  },
};

/** A client that does not know of it is told, by the host before each narrower tunnel, how much that one carries. */
const pathMtu: Probe = {
  name: "a client with a larger MTU is told 1432 by Hong Kong, 1340 by Taipei, and 1340 passes",
  run: async (lab) => {
    const whole = (bytes: number): Promise<string> => ping(lab, "-M", "do", "-s", String(bytes - 28));
    const phone = lab.host("phone");
    const before = (await phone.sh("cat /sys/class/net/wg0/mtu")).stdout.trim();
    await phone.sh("ip link set wg0 mtu 1440");
    try {
      const said = [await whole(1440), await whole(1432), await whole(1340)];
      const expected = [/From 10\.66\.1\.1 .*mtu = 1432/, /From 10\.66\.2\.1 .*mtu = 1340/, / 0% packet loss/];
      const wrong = expected.findIndex((one, index) => !one.test(said[index] ?? ""));
      return wrong < 0 ? undefined : (said[wrong] ?? "");
    } finally {
      await phone.sh(`ip link set wg0 mtu ${before}; ip route flush cache`);
    }
  },
};

const scenario: Scenario = {
  probes: [
    callerIs("phone", "198.51.100.15"),
    traceIs("phone", "10.66.224.2", [...hops, target]),
    arrivesAs("phone", "dublin", "wg5", "10.66.5.250"),
    timeToLive,
    pathMtu,
    fragmentsNothing("phone", ["phone", ...hosts]),
  ],
  without: [
    { what: "the last host", replace: '{ name: "dublin", mtuBytes: 1500 },', by: "" },
    { what: "Tokyo's narrow line", replace: "mtuBytes: 1400", by: "mtuBytes: 1500" },
    { what: "policies on the relays", replace: "from: [from], via", by: 'from: [hop === 1 ? "10.66.224.9/32" : from], via' },
  ],
};

export default scenario;
