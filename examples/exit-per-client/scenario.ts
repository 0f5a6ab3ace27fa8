import { arrivesAs, callerIs, type Probe, type Scenario } from "../../lab";

const tokyo = "198.51.100.30";
const paris = "198.51.100.31";
const lima = "198.51.100.32";

/** 10.66.224.N is 10.66.220.N at HK, and who leaves where goes in turn. */
const labels = [2, 3, 4, 26, 50, 51].map((n) => arrivesAs(`client${n}`, "hk", "wgp", `10.66.220.${n}`));

const turns: Probe = {
  name: "of all 50 clients 17 leave at Tokyo, 17 at Paris, 16 at Lima",
  run: async (lab) => {
    const names = lab.inventory.clients.map(({ name }) => name);
    const seen = await Promise.all(
      names.map(async (name) => {
        const { stdout } = await lab.host(name).exec(["curl", "-s", "--max-time", "10", "http://192.0.2.1/"], { check: false });
        return stdout.trim();
      }),
    );
    const counts = [tokyo, paris, lima].map((exit) => seen.filter((one) => one === exit).length);
    return names.length === 50 && counts.join() === "17,17,16" ? undefined : `of ${names.length}: ${counts.join(", ")}`;
  },
};

const scenario: Scenario = {
  probes: [callerIs("client2", tokyo), callerIs("client3", paris), callerIs("client4", lima), ...labels, turns],
  without: [
    { what: "the exits' turns", replace: "n % exits.length === index", by: "(n < 40 ? 0 : n % exits.length) === index" },
    { what: "the labels' order", replace: "`10.66.220.${n}`", by: "`10.66.220.${n + 100}`" },
  ],
};

export default scenario;
