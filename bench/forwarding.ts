import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { largeIntent } from "../__tests__/support/large";
import { compile } from "../lib/compile";
import { Namespace } from "./namespace";
import { median, ratioOf, sample, type Part, type Result, type Row } from "./part";

/*
 * One entry between somebody who sends and somebody who counts, on plain veth pairs that carry its interfaces' names: WireGuard itself costs the same for
 * each packet however many clients there are, and in user space so much that it would hide what is asked. What the entry does to a packet is what it is
 * given on a host: the rendered rules, routes and nftables table.
 */
type Way = "ours" | "article";

const target = "203.0.113.1";
const nobody = "02:00:00:00:00:99";
const last = (clients: number): string => `10.64.${(clients + 1) >> 8}.${(clients + 1) & 255}`;

interface Bench {
  readonly sender: Namespace;
  readonly entry: Namespace;
  readonly sink: Namespace;
  readonly source: string;
}

function build(clients: number, way: Way): Bench {
  const [sender, entry, sink] = [Namespace.start(), Namespace.start(), Namespace.start()];
  entry.run(`
    ip link add clients type veth peer name here netns ${sender.pid}
    ip link add t0 type veth peer name there netns ${sink.pid}
    for one in clients t0; do ip link set $one up; done
    ip address add 10.64.0.1/16 dev clients; ip address add 10.1.0.10/32 dev t0
    sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.clients.rp_filter=0
    ip neighbour replace ${target} lladdr ${nobody} dev t0`);
  // Nobody takes the packets at the far end: its interface counts them, and IP drops what is for another's address at once.
  sink.run("ip link set there up");
  sender.run(`ip link set lo up; ip link set here up; ip address add 10.64.255.254/16 dev here
    ip neighbour replace 10.64.0.1 lladdr ${macOf(entry, "clients")} dev here; ip route add default via 10.64.0.1`);
  if (way === "ours") loadOurs(entry, clients);
  else loadArticle(entry, clients);
  return { sender, entry, sink, source: last(clients) };
}

const macOf = (namespace: Namespace, dev: string): string =>
  /link\/ether (\S+)/.exec(namespace.run(`ip link show dev ${dev}`))?.[1] ?? "";

/** The entry's files as a host gets them. */
function loadOurs(entry: Namespace, clients: number): void {
  const all = largeIntent(clients);
  // A single client leaves at one of the three exits.
  const { hosts, problems } = compile({ ...all, policies: all.policies.filter(({ from }) => from.length > 0) });
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join("\n"));
  const files = hosts.find(({ node }) => node === "e")?.files ?? {};
  const lines = (name: string): string[] => (files[`etc/wgchain/${name}`] ?? "").split("\n").filter((line) => line !== "");
  entry.run(
    "ip -batch -",
    lines("routes")
      .map((line) => `route add ${line}\n`)
      .join(""),
  );
  entry.run(
    "ip -batch -",
    lines("rules")
      .map((line) => `rule add ${line}\n`)
      .join(""),
  );
  const sets = new Map<string, string[]>();
  for (const line of lines("elements")) {
    const space = line.indexOf(" ");
    sets.set(line.slice(0, space), [...(sets.get(line.slice(0, space)) ?? []), line.slice(space + 1)]);
  }
  const elements = [...sets].map(([name, all]) => `add element ip wgchain ${name} { ${all.join(", ")} }\n`);
  entry.run("nft -f -", `${files["etc/wgchain/nftables.nft"] ?? ""}${elements.join("")}`);
}

/** A rule and a SNAT rule a client, a table an exit. */
function loadArticle(entry: Namespace, clients: number): void {
  const all = Array.from({ length: clients }, (_, index) => ({ address: last(index + 1), exit: index % 3 }));
  const tables = [0, 1, 2].flatMap((exit) => [
    `route add 10.64.0.0/16 dev clients table ${1000 + exit}\n`,
    `route add default dev t0 table ${1000 + exit}\n`,
  ]);
  entry.run("ip -batch -", tables.join(""));
  entry.run("ip -batch -", all.map(({ address, exit }) => `rule add from ${address} lookup ${1000 + exit}\n`).join(""));
  const snat = all.map(
    ({ address, exit }) => `add rule ip article leave ip saddr ${address} oifname "t0" snat to 10.1.0.${10 + exit}\n`,
  );
  entry.run(
    "nft -f -",
    `table ip article {\n chain leave { type nat hook postrouting priority srcnat; policy accept; }\n}\n${snat.join("")}`,
  );
}

/** Arrived, of what was sent in that time. */
function measure({ sender, entry, sink, source }: Bench, program: string, kind: "one" | "new", amount: number): number {
  entry.try("conntrack -F >/dev/null 2>&1");
  const arrived = (): number => Number(/RX:.*\n\s*\d+\s+(\d+)/.exec(sink.run("ip -s link show dev there"))?.[1] ?? NaN);
  const before = arrived();
  const [sent = NaN, nanoseconds = NaN] = sender
    .run(`${program} ${source} ${target} ${kind} ${amount}`)
    .trim()
    .split(" ")
    .map(Number);
  spawnSync("sleep", ["0.05"]);
  const got = arrived() - before;
  if (got < sent * 0.9 || got > sent * 1.01)
    throw new Error(`${source}: ${got} of ${sent} packets arrived, the bench does not measure what it should`);
  return got / (nanoseconds / 1e9);
}

export const forwarding: Part = {
  name: "forwarding",
  about: "packets and new flows a second through an entry, from the last of its clients",
  run: ({ quick, say }) => {
    const directory = mkdtempSync(join(tmpdir(), "wgchain-bench-"));
    const program = join(directory, "send");
    const compiled = spawnSync("cc", ["-O2", "-o", program, join(__dirname, "send.c")], { encoding: "utf8" });
    if (compiled.status !== 0) throw new Error(`cc: ${compiled.stderr}`);
    const sizes = quick ? [1, 1000] : [1, 100, 1000, 10_000];
    const [rounds, seconds, flows] = quick ? [3, 0.3, 10_000] : [7, 1, 30_000];
    const benches = new Map<string, Bench>();
    const found = new Map<string, number[]>();
    try {
      for (const clients of sizes) {
        for (const way of ["ours", "article"] as const) {
          benches.set(`${way} ${clients}`, build(clients, way));
          say(`${way}, ${clients} clients: loaded`);
        }
      }
      for (let round = 0; round < rounds; round += 1) {
        for (const [key, bench] of benches) {
          for (const kind of ["one", "new"] as const) {
            const value = measure(bench, program, kind, kind === "one" ? seconds : flows);
            found.set(`${key} ${kind}`, [...(found.get(`${key} ${kind}`) ?? []), value]);
          }
        }
        say(`round ${round + 1} of ${rounds}`);
      }
      return Promise.resolve(resultOf(found, sizes));
    } finally {
      for (const { sender, entry, sink } of benches.values()) for (const one of [sender, entry, sink]) one.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

function resultOf(found: ReadonlyMap<string, readonly number[]>, sizes: readonly number[]): Result {
  const of = (way: Way, clients: number, kind: string) => sample(found.get(`${way} ${clients} ${kind}`) ?? [], "/s");
  const most = sizes.at(-1) ?? 1;
  const kinds = { one: "64-byte packets of one flow", new: "new flows" } as const;
  const rows = (["one", "new"] as const).flatMap((kind): Row[] => {
    const flat = ratioOf(of("ours", most, kind), of("ours", 1, kind));
    const [article, one] = [of("article", most, kind), of("article", 1, kind)];
    return [
      {
        what: `${kinds[kind]}, ${most} clients`,
        ours: of("ours", most, kind),
        peer: of("ours", 1, kind),
        against: "the same with 1 client",
        ratio: flat,
        reach: { text: "at least 0.95", holds: flat >= 0.95 },
      },
      {
        what: `${kinds[kind]}, the article's way, ${most} clients`,
        ours: article,
        peer: one,
        against: "the same with 1 client",
        ratio: ratioOf(article, one),
      },
      ...sizes.map((clients) => ({
        what: `${kinds[kind]}, ${clients} clients`,
        ours: of("ours", clients, kind),
        peer: of("article", clients, kind),
        against: "the article's way",
        ratio: ratioOf(of("ours", clients, kind), of("article", clients, kind)),
      })),
    ];
  });
  return {
    rows,
    plots: (["one", "new"] as const).map((kind) => ({
      name: `forwarding-${kind}`,
      title: `Forwarding at an entry: ${kinds[kind]} a second`,
      x: "clients",
      y: "a second",
      series: (["ours", "article"] as const).map((way) => ({
        name: way === "ours" ? "wgchain" : "a rule and a SNAT rule a client",
        points: sizes.map((clients) => [clients, median(of(way, clients, kind).values)] as const),
      })),
    })),
    notes: [
      "The sender is on the same core as the entry: veth hands a packet over within the sender's own call, so the figure is that of one core with everything that it does, the sender's own part included.",
      "Plain veth pairs in the place of WireGuard interfaces, whose cost does not depend on how many clients there are.",
    ],
  };
}
