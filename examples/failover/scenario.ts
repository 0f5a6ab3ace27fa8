import { callerIs, silent, watch, type Probe, type Scenario, type ScenarioLab } from "../../lab";

/** Whom each client asks, so that an uplink shows whose packet it is; and where that may leave. */
const asked = { phone: "203.0.113.11", laptop: "203.0.113.12", tablet: "203.0.113.13" } as const;
const mayLeaveAt: Readonly<Record<string, readonly string[]>> = {
  [asked.phone]: ["gcp", "hkt"],
  [asked.laptop]: ["hkt"],
  [asked.tablet]: ["gcp"],
};
type Client = keyof typeof asked;

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** What an exit can die of: its tunnel stays up and shakes hands, but nothing gets out; or the whole host is gone. */
const deaths = {
  uplink: "chain out { type filter hook forward priority 0; oifname eth0 drop; }",
  host: "chain in { type filter hook prerouting priority -500; iifname eth0 drop; }; chain out { type filter hook output priority -500; oifname eth0 drop; }",
} as const;
const cut = (lab: ScenarioLab, exit: string, of: keyof typeof deaths): Promise<unknown> =>
  lab.host(exit).sh(`nft 'table inet cut { ${deaths[of]}; }'`);
const mend = (lab: ScenarioLab, exit: string): Promise<unknown> =>
  lab.host(exit).sh("nft delete table inet cut 2>/dev/null || true");

/** Lost of 100 packets a second, each answer having a second. */
async function lost(lab: ScenarioLab, client: Client, seconds: number): Promise<number> {
  const argv = ["ping", "-n", "-q", "-i", "0.01", "-c", String(seconds * 100), "-W", "1", asked[client]];
  const { stdout } = await lab.host(client).exec(argv, { check: false, timeoutMs: (seconds + 20) * 1000 });
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
  if (sent === undefined || received === undefined) throw new Error(`ping counted nothing: ${stdout}`);
  return Number(sent) - Number(received);
}

/** What was on an uplink and must not be: inner addresses, and what a client asks at a host that is none of its exits. */
async function leaksWhile(lab: ScenarioLab, action: () => Promise<void>): Promise<string[]> {
  const filter = "net 10.77.0.0/16 or (inbound and dst net 203.0.113.0/24)";
  const { packets } = await watch(lab.host("internet"), { device: "any", filter }, action);
  return packets.flatMap((text) => {
    const [, host = "", from = "", to = ""] = /^\S+ to-(sz|hk|gcp|hkt) .*?IP (\S+) > (\S+?):/.exec(text) ?? [];
    if (host === "") return [];
    const exits = mayLeaveAt[to];
    return exits?.includes(host) === true && !from.startsWith("10.77.") ? [] : [`${host}: ${from} > ${to}`];
  });
}

const moves = async (lab: ScenarioLab): Promise<string[]> =>
  (await lab.host("hk").sh("cat /run/wgchain/failover.log 2>/dev/null || true")).stdout
    .split("\n")
    .filter((line) => line.includes(" goes "));

/** Packets of all three while `change` is made a second after they began; what is wrong with them. */
async function counted(
  lab: ScenarioLab,
  seconds: number,
  most: Readonly<Record<Client, number>>,
  change: () => Promise<unknown>,
): Promise<string | undefined> {
  const all: Partial<Record<Client, number>> = {};
  const leaks = await leaksWhile(lab, async () => {
    const counts = (Object.keys(asked) as Client[]).map(async (client) => void (all[client] = await lost(lab, client, seconds)));
    await pause(1);
    await Promise.all([...counts, change()]);
  });
  const tooMany = Object.entries(most).filter(([client, bound]) => (all[client as Client] ?? 0) > bound);
  if (leaks.length > 0) return `${leaks.length} packets where none may be, e.g. ${leaks[0] ?? ""}`;
  return tooMany.length === 0
    ? undefined
    : tooMany
        .map(([client, bound]) => `${client} lost ${all[client as Client] ?? "?"} of ${seconds * 100}, over ${bound}`)
        .join("; ");
}

/** Until HK sends by the exit; false when it does not within 30 seconds. */
async function taken(lab: ScenarioLab, exit: string): Promise<boolean> {
  const script = `for i in $(seq 60); do
    /usr/local/lib/wgchain/wgchain-host report | grep "^failover.*\t${exit}\twg-${exit}\t.*measured" >/dev/null && exit 0; sleep 0.5; done; exit 1`;
  return (await lab.host("hk").sh(script, { check: false })).status === 0;
}

/** Three seconds without an answer and the fourth in which the first of them fell, and what a loaded machine adds. */
const boundPackets = 550;

const probes: Probe[] = [
  callerIs("phone", "198.51.100.40"),
  callerIs("laptop", "198.51.100.30"),
  callerIs("tablet", "198.51.100.40"),
  {
    name: `gcp loses its uplink: phone goes on at hkt within ${boundPackets / 100} s, laptop loses nothing, tablet leaves nowhere`,
    run: (lab) => counted(lab, 8, { phone: boundPackets, laptop: 0, tablet: 800 }, () => cut(lab, "gcp", "uplink")),
  },
  callerIs("phone", "198.51.100.30"),
  silent("tablet", asked.tablet),
  {
    name: "a repair, as a deploy, leaves phone where it is; the doctor says which exit is dead",
    run: async (lab) => {
      const program = "/usr/local/lib/wgchain/wgchain-host";
      const { stdout: repaired } = await lab.host("hk").sh(`${program} repair`);
      const { stdout: found } = await lab.host("hk").sh(`${program} doctor`);
      if (repaired !== "") return `the repair did: ${repaired}`;
      return /\texit-dead\texit gcp by wg-gcp /.test(found) && !found.includes("drift\t") ? undefined : found;
    },
  },
  {
    name: "gcp is back: phone returns after 10 s, with 20 packets lost at most, laptop loses nothing",
    run: async (lab) => {
      const before = (await moves(lab)).length;
      const wrong = await counted(lab, 18, { phone: 20, laptop: 0, tablet: 800 }, () => mend(lab, "gcp"));
      const made = (await moves(lab)).slice(before);
      if (wrong !== undefined) return wrong;
      return made.length === 1 && / to gcp by wg-gcp: .* alive for 1\d s$/.test(made[0] ?? "")
        ? undefined
        : made.join("; ") || "no move";
    },
  },
  callerIs("phone", "198.51.100.40"),
  {
    name: "gcp comes and goes every 4 s: phone is moved once, and returns when it stays",
    run: async (lab) => {
      const before = (await moves(lab)).length;
      for (let round = 0; round < 4; round += 1) {
        await cut(lab, "gcp", "host");
        await pause(4.5);
        await mend(lab, "gcp");
        await pause(4);
      }
      const made = (await moves(lab)).slice(before);
      if (made.length !== 1) return `${made.length} moves: ${made.join("; ")}`;
      await pause(14);
      const after = (await moves(lab)).slice(before);
      return after.length === 2 ? undefined : `${after.length} moves at the end: ${after.join("; ")}`;
    },
  },
  {
    name: "both exits die: nobody's packet is on any uplink, and phone is told at once; it is served again when one is back",
    run: async (lab) => {
      await Promise.all([cut(lab, "gcp", "host"), cut(lab, "hkt", "uplink")]);
      const wrong = await counted(lab, 7, { phone: 700, laptop: 700, tablet: 700 }, () => Promise.resolve());
      const { stdout } = await lab.host("phone").sh(`ping -c1 -W1 ${asked.phone} || true`);
      await mend(lab, "hkt");
      await pause(6);
      const back = await callerIs("phone", "198.51.100.30", { withinSeconds: 3 }).run(lab);
      await mend(lab, "gcp");
      if (!(await taken(lab, "gcp"))) return "phone does not come back to gcp";
      return wrong ?? (/Unreachable/i.test(stdout) ? back : `not told: ${stdout}`);
    },
  },
  {
    name: "what measures is killed: packets go on, and 3 seconds later it measures again",
    run: async (lab) => {
      if (!(await taken(lab, "gcp"))) return "phone does not come back to gcp";
      const wrong = await counted(lab, 4, { phone: 0, laptop: 0, tablet: 0 }, () =>
        lab.host("hk").sh('kill -9 "$(cat /run/wgchain/failover.pid)"'),
      );
      return wrong ?? ((await taken(lab, "gcp")) ? undefined : "it is not measured");
    },
  },
];

const scenario: Scenario = {
  internet: Object.values(asked),
  async start(lab) {
    // As a run before this one may have left it. An app that does not fail over has nothing to wait for.
    await Promise.all([mend(lab, "gcp"), mend(lab, "hkt")]);
    if ((await lab.host("hk").sh("ls /etc/wgchain/failover 2>/dev/null || true")).stdout !== "") await taken(lab, "gcp");
  },
  probes,
  without: [
    { what: "the second exit", replace: 'exit: ["gcp", "hkt"]', by: 'exit: "gcp"' },
    { what: "the number of failures", replace: "failures: 3", by: "failures: 30" },
    { what: "the time that an exit must stay", replace: "holdSeconds: 10", by: "holdSeconds: 0" },
  ],
};

export default scenario;
