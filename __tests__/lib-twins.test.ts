import * as fc from "fast-check";
import { NetworkTrace, type SynthesizedStack } from "../lib/trace";
import { Twins } from "../lib/trace/twins";
import { Walk } from "../lib/trace/walk";
import { largeIntent } from "./support/large";
import { compileSettled, intentOf, shapes } from "./support/random-network";

// The proof walks one source of a kind for all of it. Whatever is wrong with a single one of them, it must be as if each had been walked.

afterEach(() => jest.restoreAllMocks());

const stackOf = (intent: Parameters<typeof compileSettled>[0]): SynthesizedStack => {
  const { hosts, wiring } = compileSettled(intent);
  return { stack: "random", wiring, files: Object.fromEntries(hosts.map(({ node, files }) => [node, files])) };
};

/** What the files say, or why they cannot be read. */
function told(stack: SynthesizedStack, sharing: boolean): unknown {
  try {
    return new NetworkTrace(stack, sharing).network();
  } catch (error) {
    return String(error);
  }
}
function expectSame(stack: SynthesizedStack): void {
  expect(told(stack, true)).toEqual(told(stack, false));
}

const files = ["elements", "peers", "rules", "routes", "addresses", "interfaces", "nftables.nft"].map(
  (name) => `etc/wgchain/${name}`,
);
interface Place {
  readonly node: string;
  readonly file: string;
  readonly at: number;
}
/** Lines of the entry, where sources are told apart, as often as those of all other hosts. */
function places({ files: all }: SynthesizedStack): Place[] {
  return Object.entries(all).flatMap(([node, own]) =>
    files.flatMap((file) => {
      const found = (own[file] ?? "").split("\n").flatMap((line, at) => (line === "" ? [] : [{ node, file, at }]));
      return node === "n0" ? [...found, ...found, ...found] : found;
    }),
  );
}
function edited(stack: SynthesizedStack, { node, file }: Place, edit: (lines: string[]) => string[]): SynthesizedStack {
  const text = edit((stack.files[node]?.[file] ?? "").split("\n")).join("\n");
  return { ...stack, files: { ...stack.files, [node]: { ...stack.files[node], [file]: text } } };
}

/** Cut a line, or give it a word of another line of its file. */
function broken(stack: SynthesizedStack, [pick = 0, other = 0, word = 0, how = 0]: readonly number[]): SynthesizedStack {
  const all = places(stack);
  const place = all[pick % all.length];
  if (place === undefined) return stack;
  return edited(stack, place, (lines) => {
    if (how % 3 === 0) return lines.toSpliced(place.at, 1);
    const [mine = "", theirs = ""] = [lines[place.at], lines[other % lines.length]];
    const separator = place.file.endsWith("peers") ? "\t" : " ";
    const [words, from] = [mine.split(separator), theirs.split(separator)];
    const index = word % words.length;
    return lines.with(place.at, words.with(index, from[index] ?? words[index] ?? "").join(separator));
  });
}

test("whatever line is cut or takes a word of another, each source is told as if it were walked by itself", () => {
  const seen = { changed: 0 };
  fc.assert(
    fc.property(
      shapes,
      fc.array(fc.array(fc.nat(), { minLength: 4, maxLength: 4 }), { minLength: 6, maxLength: 6 }),
      (shape, edits) => {
        const stack = stackOf(intentOf(shape));
        expectSame(stack);
        const whole = told(stack, false);
        for (const edit of edits) {
          const now = broken(stack, edit);
          expectSame(now);
          if (JSON.stringify(told(now, false)) !== JSON.stringify(whole)) seen.changed += 1;
        }
      },
    ),
    { numRuns: 120 },
  );
  expect(seen.changed).toBeGreaterThan(200);
});

const four = (): SynthesizedStack =>
  stackOf(intentOf({ nodes: 2, exits: [{ through: [1], clients: 4, own: 0 }], clientAddresses: true, prefix: false }));
const third = (stack: SynthesizedStack): string => stack.wiring.clients[2]?.addresses[0] ?? "";
const entry = (file: string): Place => ({ node: "n0", file: `etc/wgchain/${file}`, at: 0 });

/** An address is another everywhere. */
function readdressed(stack: SynthesizedStack, from: string, to: string): SynthesizedStack {
  const all = new RegExp(`\\b${from.replaceAll(".", "\\.")}\\b`, "g");
  return JSON.parse(JSON.stringify(stack).replace(all, to)) as SynthesizedStack;
}

test("nor is one that a rule, a route or a statement of nftables singles out", () => {
  const stack = four();
  const table = / table (\d+) /.exec(stack.files["n0"]?.["etc/wgchain/routes"] ?? "")?.[1] ?? "";
  const added = [
    ["rules", `pref 9000 from ${third(stack)} iif clients lookup 7700 protocol 119`],
    ["rules", `pref 9000 to ${third(stack)} lookup 8888 protocol 119`],
    ["routes", `unreachable ${third(stack)} table ${table} metric 1 protocol 119`],
  ] as const;
  for (const [file, line] of added) {
    const now = edited(stack, entry(file), (lines) => [line, ...lines]);
    expectSame(now);
  }
  expectSame(
    edited(stack, entry("nftables.nft"), (lines) =>
      lines.flatMap((line) =>
        line.includes("hook prerouting priority raw") ? [line, `    ip saddr ${third(stack)} drop`] : [line],
      ),
    ),
  );
});

test("nor one with the address of a host, a tunnel or a label", () => {
  const stack = four();
  const label = /^label_on_\S+ \S+ : (\S+)$/m.exec(stack.files["n0"]?.["etc/wgchain/elements"] ?? "")?.[1] ?? "";
  for (const other of ["198.51.100.1", "198.51.100.2", "10.1.1.1", "10.1.1.2", label, "1.1.1.1"]) {
    expectSame(readdressed(stack, third(stack), other));
    expectSame(readdressed(stack, other, third(stack)));
  }
});

test("nor two with one key; and who leaves nowhere is told with his own address", () => {
  const stack = four();
  const second = stack.wiring.clients[1];
  const clients = stack.wiring.clients.map((client, index) =>
    index === 3 ? { ...client, publicKey: second?.publicKey ?? "" } : client,
  );
  expectSame({ ...stack, wiring: { ...stack.wiring, clients } });
  expectSame(edited(stack, entry("elements"), (lines) => lines.filter((line) => !line.startsWith("label_on_"))));
  expectSame(edited(stack, entry("elements"), (lines) => lines.filter((line) => !line.startsWith("exit_of_"))));
});

test("a client that is another is no twin: its MTU, its key, its address", () => {
  const stack = stackOf(
    intentOf({ nodes: 2, exits: [{ through: [1], clients: 4, own: 0 }], clientAddresses: true, prefix: false }),
  );
  const changes = [
    { mtuBytes: 1300 },
    { publicKey: "another" },
    { addresses: ["10.1.1.20"] },
    { addresses: ["198.51.100.2"] },
    { node: "n1" },
    { interface: "t01" },
  ];
  for (const change of changes) {
    const clients = stack.wiring.clients.map((client, index) => (index === 2 ? { ...client, ...change } : client));
    expectSame({ ...stack, wiring: { ...stack.wiring, clients } });
  }
});

/** As in `lib/trace/twins.ts`, but that it looks at less. */
const blind = (to: RegExp) => {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own
  const real = Twins.prototype.signature;
  jest.spyOn(Twins.prototype, "signature").mockImplementation(function (this: Twins, source) {
    return real.call(this, source)?.replace(to, "");
  });
};

test("signatures that see less would be noticed", () => {
  const stack = stackOf(
    intentOf({ nodes: 2, exits: [{ through: [1], clients: 4, own: 0 }], clientAddresses: true, prefix: false }),
  );
  const one = stack.wiring.clients[2];
  const other = edited(stack, { node: "n0", file: "etc/wgchain/elements", at: 0 }, (lines) =>
    lines.filter((line) => line !== `exit_of_clients ${one?.addresses[0] ?? ""} : ${/0x\w+/.exec(line)?.[0] ?? ""}`),
  );
  expectSame(other);
  blind(/ [^ ]*/g);
  expect(told(other, true)).not.toEqual(told(other, false));
});

test("of 1,000 clients over 3 exits as many are walked as of 30", () => {
  const walks = (clients: number): number => {
    const run = jest.spyOn(Walk.prototype, "run");
    new NetworkTrace(stackOf(largeIntent(clients))).network();
    const { length } = run.mock.calls;
    run.mockRestore();
    return length;
  };
  expect(walks(1000)).toBe(walks(30));
});
