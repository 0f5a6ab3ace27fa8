import * as fc from "fast-check";
import { prove } from "../lib/prove/prove";
import { trace, World, type SynthesizedStack } from "../lib/trace";
import { compileSettled, intentOf, reversed, shapes, type Shape } from "./support/random-network";

/** What must hold of every network, whatever is in it. */

function stackOf(shape: Shape, backwards = false): SynthesizedStack {
  const intent = intentOf(shape);
  const { hosts, wiring } = compileSettled(backwards ? reversed(intent) : intent);
  return { stack: "random", wiring, files: Object.fromEntries(hosts.map(({ node, files }) => [node, files])) };
}

const onEvery = (law: (stack: SynthesizedStack, shape: Shape) => void, numRuns = 40): void =>
  fc.assert(
    fc.property(shapes, (shape) => law(stackOf(shape), shape)),
    { numRuns },
  );

test("every network is proved, and every client leaves where it was declared", () => {
  onEvery((stack) => {
    const { network, failures } = prove(stack);
    expect(failures).toEqual([]);
    for (const { client, exit } of network.ways.filter((way) => way.client !== null)) {
      expect(exit?.node).toBe(/^c(n\d+)-/.exec(client ?? "")?.[1]);
    }
  });
});

test("a proof is the same again, and the other way round", () => {
  onEvery((stack, shape) => {
    const once = prove(stack).network;
    expect(prove(stack).network).toEqual(once);
    const back = prove(stackOf(shape, true)).network;
    const byAddress = ({ ways }: typeof once) => new Map(ways.map((way) => [way.address, way]));
    expect(byAddress(back)).toEqual(byAddress(once));
  }, 15);
});

test("an answer takes the way back that the packet came, host by host and interface by interface", () => {
  onEvery((stack) => {
    const world = World.of(stack);
    for (const client of stack.wiring.clients) {
      const { hops, reply } = trace(world, { at: client.name, source: client.addresses[0] ?? "", destination: "1.1.1.1" });
      const there = hops.slice(1).map(({ at, iif }) => `${at} ${iif}`);
      const back = reply?.hops.slice(0, -1).map(({ at, oif }) => `${at} ${oif ?? ""}`);
      expect(back).toEqual(there.reverse());
      expect(reply?.verdict).toMatchObject({ end: "delivered", at: client.name });
    }
  });
});

/**
 * Lines that may go without anything changing: what has no work on this host or in this network, and a direct route beside a default by the same
 * interface. All others are missed.
 */
function isIdle(line: string, text: string): boolean {
  const own = /^[\d./]+ dev (\S+) table (\d+) /.exec(line);
  if (own !== null) return text.includes(`default dev ${own[1] ?? ""} table ${own[2] ?? ""} `);
  // The kernel does not ask the reply rule for what it forwards (docs/differential.md, reply-rule).
  // What opens no connection has no MSS to clamp: that rule saves time.
  return /^pref 10050|^tcp flags != syn|flags interval|map @(exit_of|label_on)_nets_|ct mark|@exits masquerade$/.test(line);
}

const cuttable = ["rules", "routes", "elements", "peers", "addresses", "interfaces", "nftables.nft"].map(
  (name) => `etc/wgchain/${name}`,
);

test("without any one line a network is refused, or that line is idle and no way is another", () => {
  const seen = { refused: 0, idle: 0 };
  fc.assert(
    fc.property(shapes, fc.array(fc.nat(), { minLength: 12, maxLength: 12 }), (shape, picks) => {
      const stack = stackOf(shape);
      const { ways } = prove(stack).network;
      // A node that is in no chain has no interface, and nothing to lose.
      const hosts = Object.entries(stack.files).filter(([, files]) => files["etc/wgchain/interfaces"] !== "");
      const lines = hosts.flatMap(([node, files]) =>
        [...cuttable, "etc/sysctl.d/90-wgchain.conf"].flatMap((file) =>
          (files[file] ?? "")
            .split("\n")
            .flatMap((line, at) => (line === "" || line.startsWith("#") ? [] : [{ node, file, line: line.trim(), at }])),
        ),
      );
      for (const pick of picks) {
        const cut = lines[pick % lines.length];
        if (cut === undefined) continue;
        const text = stack.files[cut.node]?.[cut.file] ?? "";
        const left = text.split("\n").toSpliced(cut.at, 1).join("\n");
        const files = { ...stack.files, [cut.node]: { ...stack.files[cut.node], [cut.file]: left } };
        const { network, failures } = prove({ ...stack, files });
        if (failures.length > 0) seen.refused++;
        else {
          seen.idle++;
          expect([cut.line, isIdle(cut.line, text)]).toEqual([cut.line, true]);
          expect(network.ways).toEqual(ways);
        }
      }
    }),
    { numRuns: 60 },
  );
  expect(seen.refused).toBeGreaterThan(10 * seen.idle);
});
