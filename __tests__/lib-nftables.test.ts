import * as fs from "node:fs";
import * as path from "node:path";
import * as fc from "fast-check";
import type { RenderedHost } from "../lib/render/host";
import { removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { inNamespace, listed, nftScript } from "./support/nft";
import { compileSettled, intentOf, shapes, type Shape } from "./support/random-network";

jest.setTimeout(60_000);
afterAll(removeTemporaryDirectories);
const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

/** The entry, relays, exits of their own, and one that is both; with a prefix and labels of single clients. */
const shape: Shape = {
  nodes: 4,
  exits: [
    { through: [1, 3], clients: 3, own: 1 },
    { through: [2], clients: 2, own: 0 },
    { through: [1], clients: 1, own: 0 },
    { through: [], clients: 1, own: 0 },
  ],
  clientAddresses: true,
  prefix: true,
};
const rulesFile = (host: RenderedHost): string => host.files["etc/wgchain/nftables.nft"] ?? "";
const lines = (text = ""): string[] => text.split("\n").filter((line) => line !== "");
const elements = (host: RenderedHost): string[] => lines(host.files["etc/wgchain/elements"]);
const quoted = (line: string): string[] =>
  [...line.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name).filter((name) => name !== "lo");

/** The file without what is for single interfaces: their rules, and their own sets and maps. */
const constantPart = (host: RenderedHost): string =>
  rulesFile(host)
    .replace(/^ {2}(?:set|map) \w+_(?:of|on)_\S+ \{\n(?: {4}.*\n)* {2}\}\n/gm, "")
    .split("\n")
    .filter((line) => quoted(line).length === 0)
    .join("\n");

describe("the nftables file", () => {
  const everyHost = (law: (host: RenderedHost, hosts: readonly RenderedHost[]) => void): void =>
    fc.assert(
      fc.property(shapes, (one) => {
        const { hosts } = compileSettled(intentOf(one));
        for (const host of hosts) law(host, hosts);
      }),
      { numRuns: 60 },
    );

  test("is one table block, one statement a line, with neither elements nor a delete", () => {
    everyHost((host) => {
      const all = lines(rulesFile(host));
      expect([all[0], all.at(-1)]).toEqual(["table ip wgchain {", "}"]);
      expect(all.filter((line) => !line.startsWith(" "))).toHaveLength(2);
      const form =
        /^ {2}(\}|(set|map|chain) \S+ \{| {2}(type (ifname|mark|ipv4_addr( : (mark|ipv4_addr))?)|flags interval|type \w+ hook \w+ priority \w+( \+ \d+)?; policy accept;|([io]ifname|ip|ct|meta|tcp) [^{}]+))$/;
      for (const line of all.slice(1, -1)) expect(line).toMatch(form);
    });
  });

  test("a line belongs to one interface and names it, or it is the same on every host of every network", () => {
    const constant = constantPart(compileSettled(intentOf(shape)).hosts[0] as RenderedHost);
    expect(constant.match(/ (drop|mark)$/gm)?.length).toBeGreaterThan(6);
    everyHost((host) => {
      const own = lines(host.files["etc/wgchain/interfaces"]).map((line) => line.split(" ")[0]);
      for (const line of lines(rulesFile(host))) {
        expect(new Set(quoted(line)).size).toBeLessThanOrEqual(1);
        for (const name of quoted(line)) expect(own).toContain(name);
      }
      expect(constantPart(host)).toBe(constant);
    });
  });

  test("exits, clients and policies change elements only: the file follows from the interfaces alone", () => {
    const one = (exits: Shape["exits"]) => compileSettled(intentOf({ ...shape, exits })).hosts;
    const [first, ...others] = shape.exits;
    if (first === undefined) throw new Error("no exit");
    const [less, more] = [
      one([{ ...first, clients: 1, own: 0 }, ...others.slice(0, 2)]),
      one([{ ...first, clients: 9 }, ...others]),
    ];
    expect(more.map(rulesFile)).toEqual(less.map(rulesFile));
    expect(more.map(elements)).not.toEqual(less.map(elements));
  });

  test("every element stands in a set that the file declares, once and sorted", () => {
    everyHost((host) => {
      const declared = new Set([...rulesFile(host).matchAll(/^ {2}(?:set|map) (\S+) \{$/gm)].map(([, name]) => name));
      for (const line of elements(host)) expect(declared).toContain(line.split(" ")[0]);
      const keys = elements(host).map((line) => line.replace(/ : .*$/, ""));
      expect(new Set(keys).size).toBe(keys.length);
      expect(elements(host)).toEqual([...elements(host)].sort());
    });
  });
});

describeAsRoot("in the kernel", () => {
  const load = (host: RenderedHost): string => {
    const file = path.join(temporaryDirectory(), "script");
    fs.writeFileSync(file, nftScript(host.files));
    // Twice: what stands there already is no hindrance.
    return inNamespace(`nft -c -f "$FILE"; nft -f "$FILE"; nft -f "$FILE"; nft -s list table ip wgchain`, { FILE: file });
  };

  test.each([
    ["of a whole network", shape],
    [
      "of a network with one tunnel",
      { nodes: 2, exits: [{ through: [1], clients: 1, own: 0 }], clientAddresses: false, prefix: false },
    ],
    [
      "of a node without interfaces",
      { nodes: 3, exits: [{ through: [1], clients: 1, own: 0 }], clientAddresses: false, prefix: false },
    ],
  ])("nft loads it on every host %s, and lists just what the files say", (_what, of) => {
    for (const host of compileSettled(intentOf(of)).hosts) {
      const { elements: live, rules } = listed(load(host));
      expect(live).toEqual(elements(host));
      const written = lines(rulesFile(host)).map((line) => line.trim());
      expect(rules).toEqual(written.filter((line) => /^(?:[io]ifname|ip|ct|meta|tcp) /.test(line)));
    }
  });

  /**
   * A host of the network between two others: `there` at the far end of its tunnel and `out` at its uplink, by veth of the names that its rules know.
   * Runs `script` there and prints what `seen`, a chain behind ours, has counted: a number of packets a rule.
   */
  const packets = (node: string, tunnel: string, seen: readonly string[], script: string): number[] => {
    const file = path.join(temporaryDirectory(), "script");
    fs.writeFileSync(file, nftScript(hostOf(node).files));
    const rules = seen.map((rule) => `icmp type { echo-request, echo-reply } ${rule} counter`).join("; ");
    const whole = `
      namespace() { unshare -n sleep 60 >/dev/null & until [[ $(readlink /proc/$!/ns/net) != $(readlink /proc/$$/ns/net) ]]; do sleep 0.02; done; }
      namespace; inside=$!
      namespace; outside=$!
      trap 'kill $inside $outside' EXIT
      there() { nsenter -t $inside -n "$@"; }
      out() { nsenter -t $outside -n "$@"; }
      network=$(awk '$1 == "net_of_${tunnel}" { print substr($2, 1, length($2) - 5) }' <<<"$ELEMENTS")
      ip link add ${tunnel} type veth peer name p0 netns $inside
      ip link add eth0 type veth peer name e0 netns $outside
      ip addr add $network.1/24 dev ${tunnel}; ip link set ${tunnel} up
      ip addr add 198.51.100.2/24 dev eth0; ip link set eth0 up
      there ip addr add $network.2/24 dev p0; there ip link set p0 up; there ip route add default via $network.1
      out ip addr add 198.51.100.1/24 dev e0; out ip link set e0 up; out ip route add $network.0/24 via 198.51.100.2
      sysctl -qw net.ipv4.ip_forward=1
      nft -f "$FILE"
      nft 'table ip seen { chain seen { type filter hook prerouting priority mangle + 5; ${rules}; }; }'
      send() { "$1" ping -c 2 -i 0.05 -W 0.5 -q "\${@:2}" >/dev/null || true; }
      ${script}
      nft list table ip seen | grep -o 'packets [0-9]*' | cut -d' ' -f2`;
    const environment = { FILE: file, ELEMENTS: hostOf(node).files["etc/wgchain/elements"] ?? "" };
    return lines(inNamespace(whole, environment)).map(Number);
  };
  const hostOf = (node: string): RenderedHost => {
    const host = compileSettled(intentOf(shape)).hosts.find((one) => one.node === node);
    if (host === undefined) throw new Error(`no ${node}`);
    return host;
  };

  describe("what the uplink carries to or from an inner address does not come in, what the tunnel carries does", () => {
    const seen = ['iifname "t01"', 'iifname "eth0" ip daddr 10.1.1.0/24', 'iifname "eth0" ip saddr 10.1.1.0/24'];
    const send = `
      send there 10.1.1.1
      send out 10.1.1.1
      out ip addr add 10.1.1.77/32 dev lo
      send out -I 10.1.1.77 198.51.100.2`;
    test("as rendered", () => {
      expect(packets("n1", "t01", seen, send)).toEqual([2, 0, 0]);
    });
    test("the sets decide: with the uplink in `own`, what it carries to an inner address comes in, too", () => {
      expect(packets("n1", "t01", seen, `nft 'add element ip wgchain own { "eth0" }'; ${send}`)).toEqual([2, 2, 0]);
    });
    test("and with no network in `net_of_t01`, what has an address of that", () => {
      const flush = "nft flush set ip wgchain net_of_t01; nft flush set ip wgchain networks";
      expect(packets("n1", "t01", seen.slice(1), `${flush}; ${send}`)).toEqual([2, 2]);
    });
  });

  test("at an exit a label's packets leave masqueraded and their replies carry the mark again; nobody else's leave", () => {
    const [, address = "", mark = ""] = /^exit_of_t13 (\S+) : (\S+)$/.exec(elements(hostOf("n3"))[0] ?? "") ?? [];
    const seen = [
      `iifname "t13" meta mark ${mark}`,
      `iifname "eth0" meta mark ${mark}`,
      'iifname "t13" meta mark 0',
      'iifname "eth0" meta mark 0',
    ];
    const send = `
      there ip addr add ${address}/32 dev lo
      send there -I ${address} 198.51.100.1
      send there 198.51.100.1`;
    expect(packets("n3", "t13", seen, send)).toEqual([2, 2, 2, 0]);
  });
});
