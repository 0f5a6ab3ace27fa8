import * as fc from "fast-check";
import { largeIntent } from "../__tests__/support/large";
import { intentOf, shapes } from "../__tests__/support/random-network";
import { compile } from "../lib/compile";
import type { NetworkIntent } from "../lib/intent";
import { prove } from "../lib/prove/prove";
import { trace, World, type SynthesizedStack } from "../lib/trace";
import { median, ratioOf, sample, type Part, type Row, type Sample } from "./part";

/* What it costs to know, in this process: CPU time, since nothing here waits. */

const cpuMilliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
function spent(work: () => unknown): number {
  const from = cpuMilliseconds();
  work();
  return cpuMilliseconds() - from;
}

type What = "write" | "prove" | "trace";
type Found = Map<string, number[]>;
const note = (found: Found, key: string, value: number): void => void found.set(key, [...(found.get(key) ?? []), value]);

function stackOf(intent: NetworkIntent): SynthesizedStack | undefined {
  const { hosts, wiring, problems } = compile(intent);
  if (problems.length > 0) return undefined;
  return { stack: "bench", wiring, files: Object.fromEntries(hosts.map(({ node, files }) => [node, files])) };
}

/** Compiling proves, too: what proving the same alone takes is taken off. */
function measure(found: Found, size: string, intent: NetworkIntent): boolean {
  let stack: SynthesizedStack | undefined;
  const whole = spent(() => (stack = stackOf(intent)));
  if (stack === undefined) return false;
  const made = stack;
  const proving = spent(() => {
    if (prove(made).failures.length > 0) throw new Error("a network of the bench's own is refused");
  });
  note(found, `write ${size}`, Math.max(whole - proving, 0));
  note(found, `prove ${size}`, proving);
  const world = World.of(made);
  const client = made.wiring.clients.at(-1);
  const packet = { at: client?.name ?? "", source: client?.addresses[0] ?? "", destination: "203.0.113.1" };
  const times = 200;
  const tracing = spent(() => {
    for (let i = 0; i < times; i += 1) {
      const { verdict } = trace(world, packet);
      if (verdict.end !== "left") throw new Error(`a packet of ${packet.source} should leave, and is ${verdict.end}`);
    }
  });
  note(found, `trace ${size}`, (tracing / times) * 1000);
  return true;
}

export const proof: Part = {
  name: "proof",
  about: "writing all hosts' files for a network, proving them, and following a packet through them",
  run: ({ quick, say }) => {
    const sizes = quick ? [10, 100, 1000] : [10, 100, 1000, 10_000];
    const rounds = quick ? 2 : 7;
    const found: Found = new Map();
    // The first run of anything is the compiler's of JavaScript.
    for (let i = 0; i < 3; i += 1) measure(new Map(), "", largeIntent(1000));
    for (let round = 0; round < rounds; round += 1) {
      for (const clients of sizes) measure(found, String(clients), largeIntent(clients));
      const networks = fc.sample(shapes, { numRuns: quick ? 50 : 300, seed: 8 + round }).map(intentOf);
      // Some have two names with one table number, which `wgchain keys` would record: nothing is written for them.
      let [done, milliseconds] = [0, 0];
      for (const intent of networks) milliseconds += spent(() => (done += stackOf(intent) === undefined ? 0 : 1));
      note(found, "random", (done / milliseconds) * 1000);
      say(`round ${round + 1} of ${rounds}`);
    }
    const of = (what: What, clients: number): Sample =>
      sample(found.get(`${what} ${clients}`) ?? [], what === "trace" ? "us" : "ms");
    const [most = 1, before = 1] = [sizes.at(-1), sizes.at(-2)];
    const row = (what: string, ours: Sample, peer: Sample, against: string): Row => ({
      what,
      ours,
      peer,
      against,
      ratio: ratioOf(ours, peer),
    });
    const random = sample(found.get("random") ?? [], "/s");
    return Promise.resolve({
      rows: [
        row(`write the files of ${most} clients`, of("write", most), of("write", before), `the same with ${before}`),
        row(`prove them, ${most} clients`, of("prove", most), of("prove", before), `the same with ${before}`),
        row(`prove them, ${most} clients`, of("prove", most), of("write", most), "writing them"),
        row(
          `trace a packet there and back, ${most} clients`,
          of("trace", most),
          of("trace", sizes[0] ?? 1),
          `the same with ${sizes[0]}`,
        ),
      ],
      plots: [
        {
          name: "proof",
          title: "A network's files: CPU time of this process",
          x: "clients",
          y: "ms",
          series: (["write", "prove"] as const).map((what) => ({
            name: what === "write" ? "writing all files" : "proving them",
            points: sizes.map((clients) => [clients, median(of(what, clients).values)] as const),
          })),
        },
      ],
      notes: [
        `Random networks of 2 to 8 nodes and 1 to 5 exits, written and proved: ${Math.round(median(random.values))} a second of CPU time (${Math.round(Math.min(...random.values))} to ${Math.round(Math.max(...random.values))}).`,
        "The files of the hosts, without cdktf's part of a synth.",
      ],
    });
  },
};
