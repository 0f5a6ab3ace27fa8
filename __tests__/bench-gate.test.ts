import { removeTemporaryDirectories } from "./support/directory";
import { publicKeyText } from "./support/keys";
import { largeIntent, largeStack } from "./support/large";
import { costOf, type Cost } from "./support/proof-cost";
import { compileSettled } from "./support/random-network";
import { synthesizeOf } from "./support/synth";

// What `npm run bench` measures in time is held here in counts, the same on every machine: rendered for clients over 3 exits, from 10 to 1,000.
jest.setTimeout(60_000);
afterAll(removeTemporaryDirectories);

type Files = Readonly<Record<string, string>>;
const sizes = [10, 100, 1000] as const;
const nodes = ["e", "r", "a", "b", "c"];

const rendered = new Map<number, Readonly<Record<string, Files>>>();
function filesOf(clients: number): Readonly<Record<string, Files>> {
  const known =
    rendered.get(clients) ??
    Object.fromEntries(compileSettled(largeIntent(clients)).hosts.map((host) => [host.node, host.files]));
  rendered.set(clients, known);
  return known;
}
const entry = (clients: number, file: string): string => filesOf(clients)["e"]?.[`etc/wgchain/${file}`] ?? "";
const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");
const bytes = (files: Files): number => Object.values(files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);

/** What one client more costs, from the figures of two sizes; fractions are the longer names of later ones. */
const perClient = (of: (clients: number) => number): number => Math.round((of(1000) - of(100)) / 900);

test("a packet meets as many rules, routes and statements of nftables however many clients there are", () => {
  for (const file of ["rules", "routes", "nftables.nft"])
    for (const clients of sizes) expect([file, clients, entry(clients, file)]).toEqual([file, clients, entry(sizes[0], file)]);
  const rules = lines(entry(10, "nftables.nft")).filter((line) => /^ {4}(iifname|oifname|meta|ct|tcp|ip) /.test(line));
  expect({
    ipRules: lines(entry(10, "rules")).length,
    routes: lines(entry(10, "routes")).length,
    nftRules: rules.length,
  }).toMatchInlineSnapshot(`
   {
     "ipRules": 9,
     "nftRules": 21,
     "routes": 15,
   }
  `);
});

test("no other host learns of clients", () => {
  for (const node of nodes.slice(1)) for (const clients of sizes) expect(filesOf(clients)[node]).toEqual(filesOf(10)[node]);
});

test("a client is two elements, a peer and a line of sources at the entry, and as many bytes as the last", () => {
  const count = (file: string) => (clients: number) => lines(entry(clients, file)).length;
  expect(["elements", "peers", "sources"].map((file) => perClient(count(file)))).toEqual([2, 1, 1]);
  const all = (clients: number): number => bytes(filesOf(clients)["e"] ?? {});
  expect(perClient(all)).toMatchInlineSnapshot(`295`);
  for (const clients of sizes) expect(all(clients)).toBeLessThan(bytes(filesOf(10)["r"] ?? {}) + 400 * clients + 4000);
});

test("a client is two trigger keys of Terraform's, of thousands none, and makes none longer", () => {
  const [few, many] = [triggersOf(10), triggersOf(100)];
  expect((Object.keys(many).length - Object.keys(few).length) / 90).toBe(2);
  // Of thousands there are so many keys that a plan takes as long.
  expect(Object.keys(triggersOf(2000)).length).toBeLessThan(Object.keys(few).length + 2 * 256);
  // Terraform runs out of memory on one that holds all.
  const longest = (triggers: Readonly<Record<string, string>>) =>
    Math.max(...Object.values(triggers).map((value) => value.length));
  expect(longest(many)).toBe(longest(few));
});

test("the proof does so much more for a client, and no more for the last than for the first", () => {
  const [one, two, four] = [costOf(250), costOf(500), costOf(1000)];
  const more = (a: Cost, b: Cost, clients: number) =>
    Object.fromEntries((Object.keys(a) as (keyof Cost)[]).map((kind) => [kind, Math.round((b[kind] - a[kind]) / clients)]));
  expect(more(one, two, 250)).toMatchInlineSnapshot(`
   {
     "lookups": 0,
     "prefixes": 14,
     "read": 2,
     "walks": 0,
   }
  `);
  expect(more(two, four, 500)).toEqual(more(one, two, 250));
});

/** All triggers of all resources. */
function triggersOf(clients: number): Readonly<Record<string, string>> {
  const { resource } = synthesizeOf(largeStack(clients), { "keys/e.clients.pub": `${publicKeyText("clients")}\n` });
  const all = Object.values(resource).flatMap((byName) => Object.values(byName));
  return Object.assign({}, ...all.map(({ triggers }) => triggers ?? {})) as Record<string, string>;
}
