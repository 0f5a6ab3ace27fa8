import { arrivesAs, callerIs, type Probe, type Scenario } from "../../lab";

const gcp = "198.51.100.40";
const hkt = "198.51.100.30";

/** One label and one port of two people at once: only the replies' way back tells them apart. */
const samePort: Probe = {
  name: "ann and bob, with one label and from one source port, are both answered at the same time",
  run: async (lab) => {
    const asked = ["ann", "bob"].map((name) =>
      lab
        .host(name)
        .exec(["curl", "-s", "--max-time", "30", "--local-port", "40000", "http://192.0.2.1/bytes/1000000", "-o", "/dev/null"]),
    );
    const results = await Promise.allSettled(asked);
    return results.every(({ status }) => status === "fulfilled") ? undefined : JSON.stringify(results);
  },
};

const scenario: Scenario = {
  probes: [
    ...["ann", "bob", "cas", "dan", "eve"].map((name) => callerIs(name, gcp)),
    ...["fay", "gus", "hal"].map((name) => callerIs(name, hkt)),
    ...["ann", "bob", "cas", "dan", "eve"].map((name) => arrivesAs(name, "hk", "wg-sz", "10.66.220.224")),
    ...["fay", "gus", "hal"].map((name) => arrivesAs(name, "hk", "wg-sz", "10.66.220.225")),
    samePort,
  ],
  without: [
    { what: "that bob shares the label", replace: '"10.77.0.12" }', by: '"10.77.0.12", ownLabel: true }' },
    { what: "hal's choice", replace: 'hal: { exit: "hkt" }', by: 'hal: { exit: "gcp" }' },
  ],
};

export default scenario;
