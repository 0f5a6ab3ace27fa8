import { App, TerraformStack } from "cdktf";
import { WgNetwork } from "../constructs/network";
import { compareStacks, sideOf } from "../lib/diff";
import { prove } from "../lib/prove/prove";
import { World, trace, type Question, type SynthesizedStack } from "../lib/trace";
import { publicDirectory, removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { servingGateway, servingKeys, type GatewayChange } from "./support/gateway";
import { keyPair } from "./support/keys";

afterAll(removeTemporaryDirectories);

const forwards = {
  https: { port: 443, to: "1.1.1.1", protocol: "both" },
  few: { port: 6000, to: "192.168.1.11", toPort: 443, protocol: "both", from: ["203.0.113.0/24", "192.168.1.10"] },
  inner: { port: 5000, address: "192.168.1.1", to: "192.168.1.11", toPort: 80, protocol: "both" },
  innerFew: { port: 5001, address: "192.168.1.1", to: "192.168.1.11", protocol: "both", from: ["192.168.0.0/16"] },
  kept: { port: "8000-8001", to: "192.168.1.10", toPort: 9000, protocol: "both", source: "keep" },
  named: { port: 9000, to: "192.168.1.10", protocol: "both", source: "203.0.113.77" },
  phone: { port: 7000, to: "10.66.224.2", protocol: "both" },
  phoneKept: { port: 7001, to: "10.66.224.2", protocol: "both", source: "keep" },
} satisfies GatewayChange["forwards"];

function stackOf(lan: GatewayChange["lan"] = {}, chosen: GatewayChange["forwards"] = forwards): SynthesizedStack {
  const keys = Object.fromEntries(servingKeys.map((name) => [`keys/${name}.pub`, `${keyPair(name).publicKey}\n`]));
  const app = new App({ outdir: temporaryDirectory(), context: { "wgchain:directory": publicDirectory(keys) } });
  const stack = new TerraformStack(app, "net");
  servingGateway("far", { lan, forwards: chosen })(stack);
  const { hosts, wiring } = WgNetwork.of(stack).result();
  return { stack: "net", wiring, files: Object.fromEntries(hosts.map(({ node, files }) => [node, files])) };
}

function withFile(stack: SynthesizedStack, file: string, change: (text: string) => string): SynthesizedStack {
  const gw = stack.files["gw"] ?? {};
  const text = change(gw[file] ?? "");
  expect(text).not.toBe(gw[file]);
  return { ...stack, files: { ...stack.files, gw: { ...gw, [file]: text } } };
}

/** What has no work in this network, or works where no walk comes. */
const idle: readonly (readonly [line: RegExp, why: string])[] = [
  [/exit_of_nets_|label_on_/, "sources here are single addresses, and what leaves has no label"],
  [/ct mark set meta mark|ct mark @exits|@exits masquerade/, "no exit is at the gateway"],
  [/^flags interval$/, "labels are single addresses"],
  [/^ct status snat accept$/, "it lets pass: answers to somebody else's source NAT (containers)"],
  [/ip saddr @lans masquerade$/, "the private network has an address of its own to leave as; below it has none"],
  [/^tcp flags != syn/, "it saves time: what opens no connection has no MSS to clamp"],
  [/^forwards 0xcb00714d$/, "answers of clients only are marked"],
];

test("without any one line of a gateway's the network is refused, or that line is idle", () => {
  const stack = stackOf({ snat: "203.0.113.77" });
  const passed = new Set<string>();
  for (const file of ["wgchain/nftables.nft", "wgchain/elements", "wgchain/rules", "sysctl.d/90-wgchain.conf"].map(
    (name) => `etc/${name}`,
  )) {
    const lines = (stack.files["gw"]?.[file] ?? "").split("\n");
    lines.forEach((line, at) => {
      if (line === "" || line.startsWith("#")) return;
      const { failures } = prove(withFile(stack, file, () => lines.toSpliced(at, 1).join("\n")));
      if (failures.length === 0) passed.add(line.trim());
    });
  }
  expect([...passed].filter((line) => !idle.some(([known]) => known.test(line)))).toEqual([]);
});

const nft = "etc/wgchain/nftables.nft";
const elements = "etc/wgchain/elements";
test.each([
  ["another target", elements, /(forward_tcp 443 : )1.1.1.1/, "$11.1.1.2", "proof-forward", "but it does not come there"],
  [
    "another port",
    elements,
    "forward_udp 8001 : 192.168.1.10 . 9001",
    "forward_udp 8001 : 192.168.1.10 . 9000",
    "proof-forward",
    "forward 'kept' (udp 8001)",
  ],
  ["another source", elements, /(forward_tcp_mark 443 : )0x1e15/, "$10x1e16", "proof-forward", "with source"],
  [
    "a port too many",
    elements,
    "forward_tcp 443 :",
    "forward_tcp 444 : 1.1.1.1 . 444\nforward_tcp_mark 444 : 0x1e15\nforward_tcp 443 :",
    "proof-not-forwarded",
    "tcp 444 from 9.9.9.9",
  ],
  ["a source too many", elements, "203.0.113.0/24 . 6000", "203.0.112.0/23 . 6000", "proof-not-forwarded", "from 203.0.112.255"],
  [
    "the private network's source kept at the uplink",
    nft,
    / ip saddr @lans masquerade/g,
    " ip saddr @networks masquerade",
    "proof-lan",
    "192.168.1.2 of private network 'lan' should leave at gw as 198.51.100.20",
  ],
  [
    "no hairpin",
    nft,
    /ct mark 0x1e16 ip saddr @lans ip daddr @lans masquerade/,
    "ct mark 0x1e16 ip saddr @networks masquerade",
    "proof-forward",
    "from private network 'lan' to 192.168.1.10",
  ],
] as const)("refused, with the packet that shows it: %s", (_what, file, from, to, code, words) => {
  const { failures } = prove(withFile(stackOf(), file, (text) => text.replace(from, to)));
  expect(failures.map((failure) => failure.code)).toContain(code);
  expect(failures.map(({ message }) => message).join("\n")).toContain(words);
});

test("a trace walks a forward, its answer, and a gateway", () => {
  const world = World.of(stackOf());
  const shown = (question: Partial<Question>) => {
    const { hops, verdict, reply } = trace(world, {
      at: "internet",
      source: "9.9.9.9",
      destination: "198.51.100.20",
      protocol: "tcp",
      ...question,
    });
    const said = (hop: { source: string; destination: string } | undefined) => `${hop?.source ?? ""} > ${hop?.destination ?? ""}`;
    return [`${said(hops.at(-1))} ${verdict.end}`, `${said(reply?.hops.at(-1))} ${reply?.verdict.end ?? ""}`];
  };
  expect(shown({ port: 443 })).toEqual(["198.51.100.20 > 1.1.1.1 left", "198.51.100.20 > 9.9.9.9 left"]);
  expect(shown({ port: 8000 })).toEqual(["9.9.9.9 > 192.168.1.10 delivered", "198.51.100.20 > 9.9.9.9 left"]);
  expect(shown({ at: "gw/lan", source: "192.168.1.11", port: 8000 })).toEqual([
    "192.168.1.1 > 192.168.1.10 delivered",
    "198.51.100.20 > 192.168.1.11 delivered",
  ]);
  expect(shown({ port: 22 })).toEqual(["9.9.9.9 > 198.51.100.20 delivered", "198.51.100.20 > 9.9.9.9 left"]);
});

test("a diff tells of private networks and forwards that come, change and go", () => {
  const bare = { ...forwards, https: { ...forwards.https, to: "1.0.0.1" } };
  const said = (before: SynthesizedStack, after: SynthesizedStack) =>
    compareStacks(sideOf(before), sideOf(after)).hosts.changed.map(({ name, changes }) => [
      name,
      changes.map(({ fact, before: old, after: now }) => [fact, old, now]),
    ]);
  const only = (set: GatewayChange["forwards"]) => stackOf({}, set);
  expect(said(only({ https: forwards.https }), only({ https: bare.https }))).toEqual([
    ["gw", [["forwards", ["https: tcp+udp any:443 to 1.1.1.1:443"], ["https: tcp+udp any:443 to 1.0.0.1:443"]]]],
  ]);
  expect(said(only({ https: forwards.https }), only({}))).toEqual([
    ["gw", [["forwards", ["https: tcp+udp any:443 to 1.1.1.1:443"], null]]],
  ]);
});
