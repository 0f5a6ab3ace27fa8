import { compile, type Compiled } from "../lib/compile";
import type { NetworkIntent } from "../lib/intent";
import { prove } from "../lib/prove/prove";
import { removeTemporaryDirectories } from "./support/directory";
import { keyPair } from "./support/keys";
import { problems, synthesize } from "./support/synth";

afterAll(removeTemporaryDirectories);

describe("GIVEN the reference network, WHEN ownRoutes or allowedIps cannot work, THEN synth says why", () => {
  test.each<[string, Parameters<typeof problems>[0], string]>([
    [
      "AllowedIPs that lack the route (S5), and what clients send",
      { wg7: { ownRoutes: ["1.1.1.1/32"], allowedIps: ["10.66.7.0/24"] } },
      `net/wg7: ownRoutes sends 1.1.1.1/32 into the tunnel, but allowedIps of its client end has only 10.66.7.0/24: WireGuard would drop it in silence, although there is a route; add 1.1.1.1/32 to allowedIps, or leave allowedIps out
net/wg7: allowedIps has only 10.66.7.0/24, but policy 'hk-hkt' (net/hk-hkt) sends what goes to the whole internet through it: WireGuard would drop the rest in silence; leave allowedIps out`,
    ],
    [
      "AllowedIPs without the other end",
      { wg7: { allowedIps: ["0.0.0.0/1"] } },
      "net/wg7: allowedIps has only 0.0.0.0/1, but policy 'hk-hkt' (net/hk-hkt) sends",
    ],
    [
      "no address to send from",
      { wgp: { ownRoutes: ["1.1.1.1/32"] } },
      "net/wgp: has ownRoutes, but its client end has no address to send from; set clientAddress",
    ],
    [
      "the tunnel's own endpoint",
      { wg7: { ownRoutes: ["198.51.100.0/24"] } },
      "net/wg7: ownRoutes has 198.51.100.0/24, which holds 198.51.100.10, the address of 'sz'",
    ],
    ["everything", { wg7: { ownRoutes: ["0.0.0.0/0"] } }, "net/wg7: ownRoutes has 0.0.0.0/0, which holds "],
    [
      "a network of the chain",
      { wg7: { ownRoutes: ["10.66.224.0/24"] } },
      "net/wg7: ownRoutes has 10.66.224.0/24, which overlaps 10.66.224.0/19, a network of this chain; leave that out",
    ],
    [
      "two tunnels of one host",
      { wg6: { ownRoutes: ["1.1.1.0/24"] }, wg7: { ownRoutes: ["1.1.1.1/32"] } },
      "net/wg7: ownRoutes has 1.1.1.1/32, and tunnel 'wg6' (net/wg6) has 1.1.1.0/24 on the same host; leave it to one of them",
    ],
    ["host bits", { wg7: { ownRoutes: ["1.1.1.1/24"] } }, "net/wg7: ownRoutes '1.1.1.1/24'"],
    [
      "a way that ends at no exit",
      { wgp: { ownRoutes: ["1.1.1.1/32"], clientAddress: "10.66.220.1" } },
      "net/wgp: the way sz -> hk of its ownRoutes ends at 'hk', which is no exit and has no policy for 10.66.220.1; set exit: true on 'hk' or add a SourcePolicy there",
    ],
  ])("%s", (_, change, message) => {
    expect(problems(change)).toContain(message);
  });
});

test("GIVEN AllowedIPs that are everything only together, THEN they are taken for that", () => {
  const { files } = synthesize({ wg7: { allowedIps: ["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2"], ownRoutes: ["64.0.0.0/8"] } });
  expect(files["hk/etc/wireguard/wg7.conf"]).toContain("AllowedIPs = 0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/2\n");
  expect(problems({ wg7: { allowedIps: ["0.0.0.0/1", "192.0.0.0/2"] } })).toContain(
    "net/wg7: allowedIps has only 0.0.0.0/1, 192.0.0.0/2",
  );
});

test("GIVEN an own route through a whole chain, THEN it takes the chain's policies", () => {
  const { files } = synthesize({
    wgp: { ownRoutes: ["1.1.1.1/32"], clientAddress: "10.66.220.1" },
    hkHkt: { from: ["10.66.220.225/32", "10.66.220.1/32"] },
  });
  expect(files["sz/etc/wgchain/rules"]).toContain(
    "pref 10080 from 0.0.0.0/32 to 1.1.1.1/32 iif lo lookup 7710 protocol 119\npref 10080 from 10.66.220.1/32 to 1.1.1.1/32 iif lo lookup 7710 protocol 119\n",
  );
  expect(files["sz/etc/wgchain/routes"]).toContain("1.1.1.1/32 dev wgp src 10.66.220.1 table 7710 protocol 119\n");
  expect(files["hk/etc/wgchain/elements"]).toMatch(/^exit_of_wgp 10\.66\.220\.1 : 0x/m);
});

describe("the proof of an own route", () => {
  const end = (node: string) => ({ node: `n/${node}`, interfaceName: "wg", key: { text: keyPair(node).publicKey, source: "s" } });
  const node = (name: string, address: string, exit: boolean) => ({
    ...{ path: `n/${name}`, name, address, exit, uplinkMtuBytes: 1500, privateMtuBytes: 1500 },
    host: { kind: "ssh" as const, destination: name },
  });
  const intent: NetworkIntent = {
    nodes: [node("server", "198.51.100.10", true), node("client", "198.51.100.20", false)],
    tunnels: [
      {
        ...{ path: "n/wg", name: "wg", server: end("server"), client: end("client"), over: "public", keepaliveSeconds: 25 },
        ...{ network: "10.1.1.0/24", serverAddress: "10.1.1.1", clientAddress: "10.1.1.2", ownRoutes: ["1.1.1.1/32"] },
      },
    ],
    ...{ clientInterfaces: [], clients: [], labels: [], policies: [], removed: [], recorded: {} },
  };
  const first: Compiled = compile(intent);
  const compiled = first.problems.length === 0 ? first : compile({ ...intent, recorded: first.allocations });
  const failures = (host: string, file: string, change: (text: string) => string): readonly string[] => {
    const files = Object.fromEntries(compiled.hosts.map((one) => [one.node, { ...one.files }]));
    const before = files[host]?.[`etc/wgchain/${file}`] ?? "";
    const after = change(before);
    expect(after).not.toBe(before);
    files[host] = { ...files[host], [`etc/wgchain/${file}`]: after };
    return prove({ stack: "s", wiring: compiled.wiring, files }).failures.map(({ code, message }) => `${code}: ${message}`);
  };
  const withoutLines =
    (pattern: RegExp) =>
    (text: string): string =>
      text
        .split("\n")
        .filter((line) => !pattern.test(line))
        .join("\n");

  test("it holds", () => {
    expect(compiled.problems).toEqual([]);
    expect(
      prove({
        stack: "s",
        wiring: compiled.wiring,
        files: Object.fromEntries(compiled.hosts.map((one) => [one.node, one.files])),
      }).failures,
    ).toEqual([]);
  });
  test.each<[string, string, string, (text: string) => string, string]>([
    [
      "no rule",
      "client",
      "rules",
      withoutLines(/10080/),
      "proof-own-route: what client itself sends to 1.1.1.1/32 by wg should leave at server",
    ],
    ["no route", "client", "routes", withoutLines(/^1\.1\.1\.1/), "proof-own-route: what client itself sends to 1.1.1.1/32"],
    [
      "no rule for what has no address yet",
      "client",
      "rules",
      withoutLines(/10080 from 0/),
      "proof-own-route: what client itself sends to 1.1.1.1/32 by wg should be sent from 10.1.1.2, but is sent by (uplink) from 198.51.100.20",
    ],
    [
      "no rule for what has the tunnel's address",
      "client",
      "rules",
      withoutLines(/10080 from 10/),
      "proof-own-route: what client itself sends to 1.1.1.1/32 by wg should leave at server and be answered; client: unreachable",
    ],
    [
      "a rule for answers, too",
      "client",
      "rules",
      (text) => text.replace("from 0.0.0.0/32 to 1.1.1.1/32", "to 1.1.1.1/32"),
      "proof-own-route: what client answers to 1.1.1.1 from its public address should leave by its uplink",
    ],
    [
      "a route that takes its neighbours, too",
      "client",
      "rules",
      (text) => text.replace("from 0.0.0.0/32 to 1.1.1.1/32", "from 0.0.0.0/32 to 1.1.1.0/31"),
      "proof-own-route: 1.1.1.0 is none of the own routes of client and should be sent by its uplink, but is sent nowhere",
    ],
    [
      "another address to send from",
      "client",
      "routes",
      (text) => text.replace("src 10.1.1.2", "src 10.1.1.3"),
      "should be sent from 10.1.1.2, but is sent by wg from 10.1.1.3",
    ],
    [
      "no end of the table",
      "client",
      "routes",
      withoutLines(/unreachable default table 7710/),
      "table 7710 of client has no `unreachable default`",
    ],
    [
      "a rule for everybody",
      "client",
      "rules",
      (text) => text.replaceAll("1.1.1.1/32 iif lo", "1.1.1.1/32"),
      "a rule of client tells destinations apart",
    ],
    [
      "a wider rule",
      "client",
      "rules",
      (text) => text.replaceAll("to 1.1.1.1/32", "to 1.1.1.0/24"),
      "a rule of client tells destinations apart",
    ],
    [
      "a server that marks nothing",
      "server",
      "elements",
      withoutLines(/^exit_of_wg /),
      "proof-own-route: what client itself sends to 1.1.1.1/32",
    ],
  ])("%s is refused", (_, host, file, change, message) => {
    expect(failures(host, file, change).join("\n")).toContain(message);
  });
});
