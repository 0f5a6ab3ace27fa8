import { join } from "node:path";
import { Lab, type Host } from "../lab";
import { handMade, type HandMade } from "./hand-chain";
import { kept } from "./kept";
import { median, ratioOf, sample, type Part, type Plot, type Result, type Row, type Sample } from "./part";
import { echoes, fragments, latency, mtuOf, tcp, type Path } from "./path";

/*
 * main.ts as the lab deploys it, and the same chain made by hand (hand-chain.ts), each with hosts of its own; one of them works at a time.
 */
const limits: Record<Path["name"], string> = {
  ours: "wgchain",
  hand: "by hand, wg-quick's own MTU",
  one: "one tunnel",
  plain: "no tunnel",
};
const sizes = ["64 bytes", "512 bytes", "MTU"] as const;
const ways = ["up", "down"] as const;
const bytesOf = (size: (typeof sizes)[number], { mtuBytes }: Path): number => (size === "MTU" ? mtuBytes : parseInt(size, 10));

class Found {
  private readonly values = new Map<string, number[]>();
  add(path: Path["name"], what: string, value: number): void {
    this.values.set(`${path} ${what}`, [...this.of(path, what), value]);
  }
  of(path: Path["name"], what: string): readonly number[] {
    return this.values.get(`${path} ${what}`) ?? [];
  }
}

async function pathsOf(lab: Lab, hand: HandMade): Promise<readonly Path[]> {
  const chain = ["client", "sz", "hk", "gcp", "internet"] as const;
  const path = async (
    name: Path["name"],
    hosts: readonly Host[],
    device: string,
    source: string,
    to: Host,
    port: number,
  ): Promise<Path> => {
    const [from] = hosts;
    if (from === undefined) throw new Error(`${name}: a path begins somewhere`);
    return { name, from, source, mtuBytes: await mtuOf(from, device), hosts, to, port };
  };
  const [deployed, byHand] = [lab.host("internet"), hand.host("internet")];
  return [
    await path(
      "ours",
      chain.map((name) => lab.host(name)),
      "wg0",
      "10.66.224.2",
      deployed,
      5200,
    ),
    await path(
      "hand",
      chain.map((name) => hand.host(name)),
      "wg0",
      "10.66.224.2",
      byHand,
      5200,
    ),
    await path("one", [hand.host("one"), hand.host("one-exit")], "wg0", "10.1.1.2", byHand, 5300),
    await path("plain", [hand.host("plain")], "eth0", "198.18.0.3", byHand, 5400),
  ];
}

/** Everything over each path, in an order that turns with the round. */
async function measure(paths: readonly Path[], found: Found, round: number, quick: boolean): Promise<void> {
  const [turns, count, pings] = quick ? [1, 1000, 200] : [4, 4000, 400];
  const turned = paths.map((_, index) => paths[(index + round) % paths.length] ?? paths[0]).filter((path) => path !== undefined);
  // Turns of a second, each chain as often first as second: what else the machine does in that time meets both.
  for (const way of ways)
    for (let turn = 0; turn < turns; turn += 1) {
      const order = turn % 2 === 0 ? turned : [...turned].reverse();
      const chains = order.filter(({ name }) => name === "ours" || name === "hand");
      for (const path of turn === 0 ? order : chains) found.add(path.name, `tcp 1 ${way}`, await tcp(path, 1, 1, way));
      for (const path of chains) found.add(path.name, `tcp 4 ${way}`, await tcp(path, 1, 4, way));
    }
  for (const size of sizes)
    for (const path of turned) {
      found.add(path.name, `echoes ${size}`, await echoes(path, bytesOf(size, path), count));
      const times = await latency(path, bytesOf(size, path), pings);
      found.add(path.name, `median ${size}`, times.median);
      found.add(path.name, `p99 ${size}`, times.p99);
    }
}

export const chain: Part = {
  name: "chain",
  about: "throughput and latency from a client to the internet through the three hops of main.ts",
  run: async ({ quick, say }) => {
    const [deployed, byHand] = [`bench-chain-${process.pid}`, `bench-hand-${process.pid}`];
    const remove = await kept([deployed, byHand]);
    try {
      const lab = new Lab({ instance: deployed });
      await lab.up({ app: join(__dirname, "..") });
      say("main.ts: deployed");
      const hand = await handMade(byHand, lab);
      say("by hand: up");
      const paths = await pathsOf(lab, hand);
      const found = new Found();
      // Tunnels shake hands, and each way learns its MTU, before it counts.
      for (const path of paths) for (const way of ways) await tcp(path, 1, 1, way);
      const before = await Promise.all(paths.map(fragments));
      const rounds = quick ? 3 : 5;
      for (let round = 0; round < rounds; round += 1) {
        await measure(paths, found, round, quick);
        say(`round ${round + 1} of ${rounds}`);
      }
      const after = await Promise.all(paths.map(fragments));
      for (const { name, mtuBytes } of paths) found.add(name, "mtu", mtuBytes);
      paths.forEach(({ name }, index) => found.add(name, "fragments", (after[index] ?? NaN) - (before[index] ?? NaN)));
      return resultOf(found);
    } finally {
      await remove();
    }
  },
};

/**
 * Turn by turn, since both of a turn meet the same machine. A median a little under 1 is equal where the middle half of the turns' ratios reaches 1;
 * a noisy machine may hide no more than that little.
 */
function atLeastEqual(ours: Sample, peer: Sample): NonNullable<Row["reach"]> {
  const ratios = ours.values.map((value, turn) => value / (peer.values[turn] ?? NaN)).sort((a, b) => a - b);
  const upper = ratios[Math.ceil(ratios.length * 0.75) - 1] ?? NaN;
  const ratio = ratioOf(ours, peer);
  return {
    text: "at least 1 (0.97 where 1 is within the turns' middle half)",
    holds: ratio >= 1 || (ratio >= 0.97 && upper >= 1),
  };
}

function resultOf(found: Found): Result {
  const row = (words: string, what: string, unit: string, against: Path["name"], reach = false): Row => {
    const [ours, peer] = [sample(found.of("ours", what), unit), sample(found.of(against, what), unit)];
    const goal = reach ? { reach: atLeastEqual(ours, peer) } : {};
    return { what: words, ours, peer, against: limits[against], ratio: ratioOf(ours, peer), ...goal };
  };
  const streams = (count: number): string => (count === 1 ? "1 TCP stream" : `${count} TCP streams`);
  const [none, theirs] = [sample(found.of("ours", "fragments"), "fragments"), sample(found.of("hand", "fragments"), "fragments")];
  return {
    rows: [
      ...[1, 4].flatMap((count) =>
        ways.map((way) => row(`${streams(count)}, ${way}`, `tcp ${count} ${way}`, "Mbit/s", "hand", true)),
      ),
      {
        what: "IP fragments on all hosts, in all that is measured here",
        ours: none,
        peer: theirs,
        against: limits.hand,
        ratio: median(none.values) / Math.max(1, median(theirs.values)),
        reach: { text: "0", holds: none.values.every((count) => count === 0) },
      },
      ...sizes.map((size) => row(`echoes a second, 32 under way, ${size}`, `echoes ${size}`, "/s", "hand")),
      ...sizes.map((size) => row(`there and back, median, ${size} (less is better)`, `median ${size}`, "ms", "hand")),
      ...sizes.map((size) => row(`there and back, 99 of 100, ${size} (less is better)`, `p99 ${size}`, "ms", "hand")),
      ...(["one", "plain"] as const).flatMap((against) => [
        ...ways.map((way) => row(`1 TCP stream, ${way}`, `tcp 1 ${way}`, "Mbit/s", against)),
        row("echoes a second, 32 under way, 64 bytes", "echoes 64 bytes", "/s", against),
        row("there and back, median, 64 bytes (less is better)", "median 64 bytes", "ms", against),
      ]),
    ],
    plots: [plotOf(found)],
    notes: [
      "Up is from the client to the internet. MTU is the largest packet of each way's own first interface.",
      "The hops are wireguard-go, all on one machine's processors: what is measured is what a packet costs there at all its six ends, not what a line carries. A path without a tunnel hands over packets of up to 64 KiB within the kernel.",
      "Where the processor's time goes, sampled once with perf over one TCP stream: 7 of 100 into the rules of wgchain's hosts (sources checked, nothing of inside left out by an uplink, marks remembered for the way back), 1 into those made by hand, which check nothing; and by hand, up, 12 into fragments made and put together. Down, the sender learns the smaller MTU and sends 1380 bytes in place of wgchain's 1400: there are no fragments on either, and the rules remain.",
    ],
  };
}

const plotOf = (found: Found): Plot => ({
  name: "chain-echoes",
  title: "Echoes a second through the chain, 32 under way",
  x: "bytes of a packet",
  y: "a second",
  // No tunnel would flatten the rest.
  series: (["ours", "hand", "one"] as const).map((name) => ({
    name: limits[name],
    points: sizes.map(
      (size) =>
        [size === "MTU" ? median(found.of(name, "mtu")) : parseInt(size, 10), median(found.of(name, `echoes ${size}`))] as const,
    ),
  })),
});
