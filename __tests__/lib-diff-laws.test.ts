import * as fc from "fast-check";
import { compile } from "../lib/compile";
import { compareStacks, renderMarkdown, renderText, sideOf, type NetworkDiff, type Side } from "../lib/diff";
import { edits, unified } from "../lib/diff/lines";
import { intentOf, shapes, type Shape } from "./support/random-network";

jest.setTimeout(120_000);

function sideOfShape(shape: Shape): Side {
  const { hosts, wiring, problems } = compile(intentOf(shape));
  if (problems.length > 0) throw new Error(JSON.stringify(problems.slice(0, 3)));
  return sideOf({ stack: "n", wiring, files: Object.fromEntries(hosts.map(({ node, files }) => [node, files])) });
}

const sides = shapes.map(sideOfShape);
const lists = (diff: NetworkDiff): unknown[][] => {
  const { moved, clients, nowhere, exits, hosts, interfaces, tunnels, mtu, hops, failover, labels, keys, interrupts, files } =
    diff;
  const objects = [exits, hosts, interfaces, tunnels, clients].flatMap(({ added, gone }) => [[...added], [...gone]]);
  const flat = [moved, nowhere.now, nowhere.formerly, mtu, hops, failover, labels, keys, interrupts, files];
  return [...objects, ...flat.map((one) => [...one]), ...[hosts, interfaces, tunnels].map(({ changed }) => [...changed])];
};

test("a network is no other than itself", () => {
  fc.assert(
    fc.property(sides, (side) => {
      const diff = compareStacks(side, structuredClone(side));
      expect(lists(diff).flat()).toEqual([]);
      expect([diff.verdict, renderText(diff), renderMarkdown(diff)]).toEqual([
        "nothing",
        "nothing changes\n",
        "### Nothing changes\n",
      ]);
    }),
    { numRuns: 30 },
  );
});

/** The way back, as the way there says it. */
function mirrored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mirrored);
  if (typeof value !== "object" || value === null) return value;
  const { before, after, added, gone, now, formerly, removed, change, ...rest } = value as Record<string, unknown>;
  const swap = (one: string, first: unknown, two: string, second: unknown): object => ({
    ...(second === undefined ? {} : { [one]: mirrored(second) }),
    ...(first === undefined ? {} : { [two]: mirrored(first) }),
  });
  return {
    ...Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, mirrored(one)])),
    ...swap("before", before, "after", after),
    // Of a file these are counts of lines.
    ...(removed === undefined ? swap("added", added, "gone", gone) : { added: removed, removed: added }),
    ...swap("now", now, "formerly", formerly),
    ...(change === undefined ? {} : { change: change === "added" ? "gone" : change === "gone" ? "added" : change }),
  };
}

test("the way back mirrors the way there", () => {
  fc.assert(
    fc.property(sides, sides, (one, two) => {
      const { interrupts: _there, ...there } = compareStacks(one, two);
      const { interrupts: _back, ...back } = compareStacks(two, one);
      expect(mirrored(back)).toEqual(there);
    }),
    { numRuns: 40 },
  );
});

test("every address whose exit differs is told exactly once", () => {
  fc.assert(
    fc.property(sides, sides, (one, two) => {
      const exits = ({ network }: Side) =>
        new Map(
          network.ways.map(({ client, address, exit }) => [
            `${client ?? ""} ${address}`,
            exit === null ? "" : `${exit.node} ${exit.address}`,
          ]),
        );
      const [before, after] = [exits(one), exits(two)];
      const differ = [...new Set([...before.keys(), ...after.keys()])].filter((key) => before.get(key) !== after.get(key));
      const { moved, nowhere, clients } = compareStacks(one, two);
      const told = [...moved, ...nowhere.now, ...nowhere.formerly, ...clients.added, ...clients.gone];
      expect(told.map(({ client, address }) => `${client ?? ""} ${address}`).sort()).toEqual(differ.sort());
    }),
    { numRuns: 40 },
  );
});

describe("lines", () => {
  const texts = fc.array(fc.constantFrom<string>("a", "b", "c", "d", "e", "f", "", "[Peer]"), { maxLength: 30 });

  test("the edits lead from the one to the other, and touch nothing else", () => {
    fc.assert(
      fc.property(texts, texts, (before, after) => {
        const result = [...before];
        for (const { before: at, removed, added } of [...edits(before, after)].reverse()) {
          expect(result.slice(at, at + removed.length)).toEqual(removed);
          result.splice(at, removed.length, ...added);
        }
        expect(result).toEqual(after);
      }),
      { numRuns: 1000 },
    );
  });

  test("a line that comes or goes is one line, wherever it stands", () => {
    fc.assert(
      fc.property(texts, fc.nat(), (before, place) => {
        const at = place % (before.length + 1);
        const after = [...before.slice(0, at), "new", ...before.slice(at)];
        expect(edits(before, after).map(({ removed, added }) => [removed, added])).toEqual([[[], ["new"]]]);
        expect(edits(after, before).map(({ removed, added }) => [removed, added])).toEqual([[["new"], []]]);
      }),
    );
  });

  test("few changes among many lines stay few, and those that touch are one", () => {
    const before = Array.from({ length: 3000 }, (_, index) => `wgs 10.66.${index >> 8}.${index & 255}`);
    const after = before.flatMap((line, index) =>
      index % 1000 === 500 ? [`${line} moved`] : index % 1000 === 700 ? [] : [line],
    );
    expect(edits(before, after).map(({ removed, added }) => [removed.length, added.length])).toEqual(
      Array.from({ length: 3 }, () => [
        [1, 1],
        [1, 0],
      ]).flat(),
    );
    expect(edits(["a", "b", "same"], ["c", "d", "same"])).toEqual([
      { before: 0, removed: ["a", "b"], after: 0, added: ["c", "d"] },
    ]);
  });

  test("as diff -u has it", () => {
    const before = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
    expect(unified(before, ["1", "2", "three", "4", "5", "6", "7", "8", "9", "10"])).toEqual([
      "@@ -1,5 +1,5 @@",
      " 1",
      " 2",
      "-3",
      "+three",
      " 4",
      " 5",
      "@@ -8,2 +8,3 @@",
      " 8",
      " 9",
      "+10",
    ]);
    expect(unified([], ["a"])).toEqual(["@@ -0,0 +1,1 @@", "+a"]);
  });
});

test("10,000 clients that move are compared and told in a second, and in a few lines", () => {
  const exit = (node: number, clients: number) => ({ through: [1, node], clients, own: 0 });
  const shape: Shape = {
    nodes: 4,
    exits: [exit(2, 3700), exit(3, 3700), { through: [1], clients: 2700, own: 0 }],
    clientAddresses: true,
    prefix: false,
  };
  const intent = intentOf(shape);
  const [to2, to3] = intent.policies.filter(({ node, via }) => node === "n0" && via !== "uplink").map(({ from }) => from);
  const policies = intent.policies.map((one) => {
    const from = one.from === to2 ? to3 : one.from === to3 ? to2 : one.from;
    return { ...one, from: from ?? [] };
  });
  const [before, after] = [intent, { ...intent, policies }].map((one) => {
    const { hosts, wiring, problems } = compile(one);
    expect(problems).toEqual([]);
    return sideOf({ stack: "n", wiring, files: Object.fromEntries(hosts.map(({ node, files }) => [node, files])) });
  }) as [Side, Side];
  // The processor's time, since others may be at work beside this.
  const start = process.cpuUsage();
  const diff = compareStacks(before, after);
  const text = renderText(diff);
  const took = process.cpuUsage(start).user / 1000;
  expect(diff.moved).toHaveLength(7400);
  expect(text).toContain(
    "  3,700 clients on n0/clients (cn2-0 10.64.33.2, cn2-1 10.64.33.3, cn2-2 10.64.33.4 and 3,697 more): n2 198.51.100.3 becomes n3 198.51.100.4\n",
  );
  expect(text.split("\n").length).toBeLessThan(20);
  expect(took).toBeLessThan(1000);
});
