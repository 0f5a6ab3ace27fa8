import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DeployLab, type Deployed } from "./deploy-lab";
import { Distance } from "./distance";
import { Found } from "./found";
import { grown, measureMany, treeOf } from "./many";
import { median, ratioOf, sample, type Options, type Part, type Row } from "./part";

/*
 * What a deploy takes beyond what cdktf takes for itself, beside the least that any deploy over SSH must do: log in to each host at once and write there what it
 * is sent. The reference network of four hosts, with the operator at several distances; then networks of more and more hosts.
 */
type Change = "one client added" | "all new" | "nothing changed";

const reference = readFileSync(join(__dirname, "../main.ts"), "utf8");

/** The reference network with this many clients more. */
function withMore(clients: number): string {
  const hosts = Array.from({ length: clients }, (_, index) => `10.66.224.${index + 10}`);
  const keyOf = (index: number): string => Buffer.alloc(32, index + 1).toString("base64");
  const made = hosts.map(
    (address, index) => `    wgs.addClient("more${index}", { addresses: ["${address}"], publicKey: "${keyOf(index)}" });\n`,
  );
  const edits = [
    [`    // Who leaves where`, `${made.join("")}    // Who leaves where`],
    [`"10.66.224.3/32"], via: wgp`, `"10.66.224.3/32"${hosts.map((one) => `, "${one}/32"`).join("")}], via: wgp`],
  ] as const;
  return edits.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`main.ts has no '${from}' to replace`);
    return text.replace(from, to);
  }, reference);
}

const total = (sessions: ReadonlyMap<string, number>): number => [...sessions.values()].reduce((sum, one) => sum + one, 0);

async function referenceRows({ quick, say }: Options): Promise<{ rows: Row[]; notes: string[] }> {
  const delays = quick ? [0, 50] : [0, 50, 200];
  const rounds = quick ? 1 : 3;
  const found = new Found();
  const steps = new Map<string, Deployed>();
  const pings: string[] = [];
  const lab = new DeployLab(`bench-${process.pid}`);
  let distance: Distance | undefined;
  try {
    await lab.start(reference);
    for (let more = 0; more <= rounds; more += 1) await lab.synthesize(`more${more}`, withMore(more));
    distance = new Distance(lab.lab, lab.app);
    const rank = { "one client added": 1, "all new": lab.nodes.length, "nothing changed": 0 } as const;
    for (const delay of delays) {
      pings.push(`${(await distance.add(delay, lab.lab.publicAddress("sz") ?? "")).toFixed(1)} ms`);
      say(`${delay} ms more: ping sees ${pings.at(-1)}`);
      await lab.deploy("more0", "ours");
      const measure = async (change: Change, version: string): Promise<void> => {
        const key = `${change} ${delay}`;
        const alone = change === "nothing changed" ? undefined : await lab.deploy(version, "cdktf alone");
        const before = total(await lab.sessions());
        const ours = await lab.deploy(version, "ours");
        const sessions = total(await lab.sessions()) - before;
        if (sessions !== 2 * rank[change] || ours.nodes.length !== rank[change])
          throw new Error(`${change}: ${sessions} SSH sessions to ${ours.nodes.join(" ")}, not ${2 * rank[change]}`);
        if (alone === undefined) return found.add(key, ours.seconds);
        found.add(key, ours.seconds - alone.seconds);
        found.add(`${key} whole`, ours.seconds);
        found.add(`${key} alone`, alone.seconds);
        found.add(`${key} floor`, await lab.floor(version, ours.nodes));
        steps.set(key, ours);
      };
      for (let round = 1; round <= rounds; round += 1) {
        await measure("nothing changed", `more${round - 1}`);
        await measure("one client added", `more${round}`);
      }
      for (let round = 0; round < rounds; round += 1) {
        await lab.wipe();
        await measure("all new", "more0");
      }
      say(`${delay} ms more: ${rounds} of each`);
    }
  } finally {
    await distance?.end();
    await lab.stop();
  }
  const s = (key: string) => sample(found.of(key), "s");
  const rows = delays.flatMap((delay): Row[] => {
    const beyond = (["one client added", "all new"] as const).map((change): Row => {
      const key = `${change} ${delay}`;
      const ratio = ratioOf(s(key), s(`${key} floor`));
      return {
        what: `${change}, ${delay} ms of round trip, beyond cdktf`,
        ours: s(key),
        peer: s(`${key} floor`),
        against: "a bare parallel ssh that writes the same",
        ratio,
        reach: { text: "at most 2", holds: ratio <= 2 },
      };
    });
    const nothing = `nothing changed ${delay}`;
    const alone = s(`one client added ${delay} alone`);
    return [
      ...beyond,
      {
        what: `nothing changed, ${delay} ms of round trip, in 0 SSH sessions`,
        ours: s(nothing),
        peer: alone,
        against: "cdktf alone, with resources to replace",
        ratio: ratioOf(s(nothing), alone),
      },
      {
        what: `all new, ${delay} ms of round trip, the whole of it`,
        ours: s(`all new ${delay} whole`),
        peer: s(`all new ${delay} alone`),
        against: "cdktf alone",
        ratio: ratioOf(s(`all new ${delay} whole`), s(`all new ${delay} alone`)),
      },
    ];
  });
  const far = delays.at(-1) ?? 0;
  // What is added by the distance, in units of it.
  const trips = (key: (delay: number) => string) =>
    sample(
      found.of(key(far)).map((seconds) => (seconds - median(found.of(key(0)))) / (far / 1000)),
      "round trips",
    );
  // Of one run each it would be noise.
  for (const change of quick ? [] : (["one client added", "all new"] as const)) {
    const [ours, peer] = [trips((delay) => `${change} ${delay}`), trips((delay) => `${change} ${delay} floor`)];
    const ratio = ratioOf(ours, peer);
    const what = `${change}, what ${far} ms of round trip add to it`;
    rows.push({ what, ours, peer, against: "a bare parallel ssh that writes the same", ratio });
  }
  const near = ["one client added", "all new"].map((change) => {
    const [ours, floor] = [median(found.of(`${change} 0`)), median(found.of(`${change} 0 floor`))];
    return `${change}: ${Math.round((200 * floor) / ours)} %`;
  });
  const last = [...steps].map(([key, one]) => `${key} ms: ${one.steps}`);
  return {
    rows,
    notes: [
      `Round trips from the operator to a host as ping saw them: ${pings.join(", ")}. Packets are held by a process between two tun devices (bench/delay.c).`,
      '"Beyond cdktf" is the time of `cdktf deploy` less that of the same deploy whose program ends at once, taken just before it. The floor is sent the same bytes, packed alike.',
      "Two SSH sessions a host that changes and none to any other, counted in the sshds' logs; a run that had others would fail.",
      `The share of two floors in what a deploy takes beyond cdktf at no distance: ${near.join(", ")}. About a tenth of a second is the operator's own programs; what is left is the host program at its steps (looking at the host, nft, wg, interfaces that come up), and does not grow with the distance. Ranks of hosts add and commit one after the other, three times each in this network, since the order is what keeps packets from being lost.`,
      "What the distance adds: two logins of about 13 round trips each, one for the payload's second flight, one until the first order where a secret is sent before it, one a rank to add and to commit, one for the end. The second login begins when all hosts hold what is new, never sooner: it is the proof that they can still be reached.",
      `Where the time went in the last run of each: ${last.join("; ")}.`,
    ],
  };
}

export const deploying: Part = {
  name: "deploying",
  about: "a deploy beside the least that one over SSH can take, by distance and by the number of hosts",
  run: async (options) => {
    const near = await referenceRows(options);
    const sizes = options.quick ? [2, 8] : [2, 8, 32];
    const many = await measureMany(sizes, options);
    return {
      rows: [...near.rows, ...grown(sizes, many)],
      plots: [
        {
          name: "deploying-hosts",
          title: "A deploy to more and more hosts",
          x: "hosts",
          y: "seconds",
          series: ["all new", "a setting of all", "floor"].map((name) => ({
            name: name === "floor" ? "a bare parallel ssh that writes the same" : `wgchain: ${name}`,
            points: sizes.map((size) => [size, median(many.of(`${name} ${size}`))] as const),
          })),
        },
      ],
      notes: [...near.notes, treeOf, ...many.notes],
    };
  },
};
