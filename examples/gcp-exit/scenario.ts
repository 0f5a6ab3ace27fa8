import { fragmentsNothing, type Probe, type Scenario } from "../../lab";

/** Both ends, as they stand. */
const mtuAtBothEnds: Probe = {
  name: "wg6 has an MTU of 1400 at both ends",
  run: async (lab) => {
    const mtus = await Promise.all(
      ["hk", "gcp"].map(async (host) => (await lab.host(host).sh("cat /sys/class/net/wg6/mtu")).stdout.trim()),
    );
    return mtus.join() === "1400,1400" ? undefined : `${mtus.join(" at hk, ")} at gcp`;
  },
};

/** The lab's wire carries what the network in main.ts says. Google's default carries 1460 whatever was said, and so does this from here on. */
const googlesDefault: Probe = {
  name: "the VM's line carries 1460 bytes, as Google's networks do by default",
  run: async (lab) => {
    await lab.host("gcp").sh("ip link set ens4 mtu 1460");
    await lab.host("internet").sh("ip link set to-gcp mtu 1460");
    return undefined;
  },
};

const passes = (bytes: number, expected: boolean): Probe => ({
  name: `a packet of ${bytes} bytes ${expected ? "passes whole" : "is refused at the phone"}`,
  run: async (lab) => {
    const argv = ["ping", "-M", "do", "-c1", "-W2", "-q", "-s", String(bytes - 28), "192.0.2.1"];
    const { status } = await lab.host("phone").exec(argv, { check: false });
    return (status === 0) === expected ? undefined : `it ${expected ? "does not pass" : "passes"}`;
  },
});

const scenario: Scenario = {
  probes: [
    googlesDefault,
    fragmentsNothing("phone", ["phone", "hk", "gcp", "internet"]),
    mtuAtBothEnds,
    passes(1400, true),
    passes(1401, false),
  ],
  without: [{ what: "the MTU of Google's network", replace: "networkMtuBytes: 1460", by: "networkMtuBytes: 1500" }],
};

export default scenario;
