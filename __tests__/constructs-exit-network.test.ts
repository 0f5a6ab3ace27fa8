import type { TerraformStack } from "cdktf";
import { ExitNetwork, Host, WgNode, type ExitNetworkProps } from "../constructs";
import { removeTemporaryDirectories } from "./support/directory";
import { publicKeyText } from "./support/keys";
import { problemsOf, synthesizeOf, type Synthesized } from "./support/synth";

afterAll(removeTemporaryDirectories);

type Clients = ExitNetworkProps["clients"];
const client = (name: string, exit: string) => ({ exit, publicKey: publicKeyText(name) });
const people: Clients = { ann: client("ann", "tokyo"), bob: client("bob", "tokyo"), eve: client("eve", "here") };

/** Entry, relay, and exits one and two hops away. */
const build =
  (change: Partial<ExitNetworkProps> = {}, more: { readonly exit?: boolean } = {}) =>
  (stack: TerraformStack): void => {
    const node = (name: string, last: number, exit = false) =>
      new WgNode(stack, name, { host: Host.ssh({ address: `198.51.100.${last}` }), exit });
    const [entry, relay, tokyo, here] = [node("sz", 10), node("hk", 20), node("tyo", 30, true), node("hkt", 40, true)];
    const third = more.exit === true ? { third: { through: [relay, node("sin", 50, true)] as const } } : {};
    new ExitNetwork(stack, "exits", {
      entry,
      exits: { tokyo: { through: [relay, tokyo] }, here: { through: [here] }, ...third },
      clients: people,
      ...change,
    });
  };
const interfaceKeys = [
  "sz.wgs",
  "sz.wg-hk",
  "hk.wg-sz",
  "hk.wg-tyo",
  "tyo.wg-hk",
  "sz.wg-hkt",
  "hkt.wg-sz",
  "hk.wg-sin",
  "sin.wg-hk",
];
const files = Object.fromEntries(interfaceKeys.map((name) => [`keys/${name}.pub`, publicKeyText(name)]));

const triggersOf = ({ resource }: Synthesized, name: string): Record<string, string> =>
  (resource["null_resource"]?.[`${name}_config`]?.["triggers"] ?? {}) as Record<string, string>;
/** Triggers of one host of which a later network has another value, or none. */
const lost = (before: Synthesized, after: Synthesized, name: string): string[] =>
  Object.entries(triggersOf(before, name)).flatMap(([key, value]) => (triggersOf(after, name)[key] === value ? [] : [key]));

describe("GIVEN exits and clients by name", () => {
  const before = (): Synthesized => synthesizeOf(build(), files);

  test("THEN each client is sent to its exit", () => {
    const sources = before().files["sz/etc/wgchain/sources"] ?? "";
    expect(
      sources
        .replaceAll(/\d+\.\d+\.\d+\.\d+/g, "ADDRESS")
        .split("\n")
        .filter(Boolean)
        .sort(),
    ).toEqual(["wgs ADDRESS hkt ADDRESS", "wgs ADDRESS tyo ADDRESS", "wgs ADDRESS tyo ADDRESS"]);
  });

  test("WHEN a client is added, THEN nothing of what was there moves", () => {
    const after = synthesizeOf(
      build({ clients: { ...people, aaron: client("aaron", "tokyo"), zoe: client("zoe", "tokyo") } }),
      files,
    );
    for (const name of ["sz", "hk", "tyo", "hkt"]) expect(lost(before(), after, name)).toEqual([]);
  });

  test("WHEN an exit is added, THEN nothing changes on hosts that were there, but at the relay with its new interface", () => {
    const after = synthesizeOf(build({}, { exit: true }), files);
    for (const name of ["sz", "tyo", "hkt"]) expect(lost(before(), after, name)).toEqual([]);
    // The first two name the interface; the third is the entry's lowest label, which the new exit's happens to be.
    expect(lost(before(), after, "hk")).toEqual(["file /etc/sysctl.d/90-wgchain.conf", "nftables", "probe sz on wg-sz"]);
  });

  test("WHEN a client leaves, THEN the others' objects stay", () => {
    const after = synthesizeOf(build({ clients: { bob: client("bob", "tokyo"), eve: client("eve", "here") } }), files);
    expect(
      lost(before(), after, "sz")
        .filter((key) => !key.startsWith("rule 11000"))
        .map((key) => key.replace(/10\.77\S+/, "ADDRESS")),
    ).toEqual(["peer ann on wgs", "source ADDRESS on wgs"]);
    for (const name of ["hk", "tyo", "hkt"]) expect(lost(before(), after, name)).toEqual([]);
  });

  test("WHEN pre-shared keys are asked for, THEN each tunnel wants one, but where its link says otherwise", () => {
    const wanted = problemsOf(build({ presharedKeys: true, links: { "sz-hkt": { presharedKey: false } } }), files).split("\n");
    expect(wanted.map((line) => /^net\/exits\/(\S+): the tunnel .*keys\/(\S+) is not/.exec(line)?.slice(1))).toEqual([
      ["hk-tyo", "tyo.wg-hk.psk.sha256"],
      ["sz-hk", "hk.wg-sz.psk.sha256"],
    ]);
    const one = problemsOf(build({ links: { "sz-hkt": { presharedKey: true } } }), files);
    expect(one).toContain("keys/hkt.wg-sz.psk.sha256 is not there");
  });

  test.each<[string, Partial<ExitNetworkProps>, string]>([
    [
      "an exit that is not there",
      { clients: { ann: client("ann", "paris") } },
      "net/exits: client 'ann' wants exit 'paris', which is not there; write one of 'tokyo', 'here'",
    ],
    [
      "a link that is not there",
      { links: { "sz-tyo": {} } },
      "net/exits: links names 'sz-tyo', but no exit goes that way; write one of 'hk-tyo', 'sz-hk', 'sz-hkt'",
    ],
    [
      "too small a space",
      { addressSpace: "10.77.0.0/24" },
      "net/exits: addressSpace 10.77.0.0/24 is too small; take a /23 or larger",
    ],
    [
      "host bits in the space",
      { addressSpace: "10.77.1.0/16" },
      "net/exits: addressSpace '10.77.1.0/16' has host bits set; write 10.77.0.0/16 for the network",
    ],
    [
      "an address by hand that is none",
      { clients: { ann: { ...client("ann", "tokyo"), address: "10.77.0" } } },
      "net/exits/wgs/ann: address '10.77.0' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2",
    ],
  ])("WHEN there is %s, THEN synth says so", (_what, change, message) => {
    expect(problemsOf(build(change), files).split("\n")).toContain(message);
  });
});
