import { App, TerraformStack } from "cdktf";
import { ExitNetwork, Host, WgNode, type DnsProps } from "../constructs";
import { WgNetwork } from "../constructs/network";
import { clientConfig } from "../lib/client-config/client-config";
import { asText } from "../lib/diff/phrase";
import { compareStacks, sideOf } from "../lib/diff";
import { objectSections } from "../lib/diff/report-objects";
import type { InventoryClient } from "../lib/inventory";
import { promises } from "../lib/promise";
import { World, trace, type SynthesizedStack } from "../lib/trace";
import { publicDirectory, removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { reference } from "./support/reference";
import { problems, problemsOf, synthesize } from "./support/synth";

afterAll(removeTemporaryDirectories);

const enforced: DnsProps = { servers: ["9.9.9.9", "149.112.112.112"], enforce: true };

function stackOf(dns: DnsProps | undefined): { readonly stack: SynthesizedStack; readonly clients: readonly InventoryClient[] } {
  const app = new App({ outdir: temporaryDirectory(), context: { "wgchain:directory": publicDirectory() } });
  const written = new TerraformStack(app, "net");
  reference(written, dns === undefined ? {} : { wgs: { dns } });
  const { hosts, wiring, network } = WgNetwork.of(written).result();
  const files = Object.fromEntries(hosts.map((host) => [host.node, host.files]));
  return { stack: { stack: "net", wiring, files }, clients: promises(network) };
}

const saysOf = (servers: readonly string[]): string => problems({ wgs: { dns: { servers } } });

test("resolvers without enforce change no host, only what clients are given", () => {
  expect(synthesize({ wgs: { dns: { servers: ["9.9.9.9"] } } }).files).toEqual(synthesize().files);
  expect(stackOf({ servers: ["9.9.9.9"] }).clients.map(({ dns }) => dns)).toEqual([["9.9.9.9"], ["9.9.9.9"]]);
});

test("enforced, the entry alone has a chain, a set and a line more, however many clients", () => {
  const [plain, more] = [synthesize().files, synthesize({ wgs: { dns: enforced } }).files];
  const changed = Object.keys({ ...plain, ...more }).filter((file) => plain[file] !== more[file]);
  expect(changed).toEqual(["sz/etc/wgchain/elements", "sz/etc/wgchain/nftables.nft", "sz/etc/wgchain/resolvers"]);
  expect(more["sz/etc/wgchain/resolvers"]).toBe("wgs 10.66.224.0/19 9.9.9.9,149.112.112.112\n");
  expect(/chain dns_of_wgs \{\n([^}]*)\}/.exec(more["sz/etc/wgchain/nftables.nft"] ?? "")?.[1]?.replace(/^ +/gm, "")).toBe(
    `type nat hook prerouting priority dstnat; policy accept;
iifname "wgs" udp dport 53 ip daddr != @resolvers_of_wgs ip daddr != @networks dnat to 9.9.9.9
iifname "wgs" tcp dport 53 ip daddr != @resolvers_of_wgs ip daddr != @networks dnat to 9.9.9.9
`,
  );
});

test("a query goes by the client's own exit to the first resolver, and its answer seems to be from whom was asked", () => {
  const world = World.of(stackOf(enforced).stack);
  const ask = (source: string, destination: string, protocol: "udp" | "tcp" = "udp", port = 53) => {
    const { hops, verdict, reply } = trace(world, { at: "client", source, destination, protocol, port });
    return [hops.at(-1)?.destination, verdict.end, verdict.at, reply?.hops.at(-2)?.source, reply?.verdict.end];
  };
  expect(ask("10.66.224.2", "8.8.8.8")).toEqual(["9.9.9.9", "left", "gcp", "8.8.8.8", "delivered"]);
  expect(ask("10.66.225.2", "8.8.8.8", "tcp")).toEqual(["9.9.9.9", "left", "hkt", "8.8.8.8", "delivered"]);
  expect(ask("10.66.225.2", "149.112.112.112")[0]).toBe("149.112.112.112");
  expect(ask("10.66.224.2", "8.8.8.8", "tcp", 853)[0]).toBe("8.8.8.8");
  expect(ask("10.66.224.2", "10.66.224.3")).toEqual(["10.66.224.3", "delivered", "client2", "10.66.224.3", "delivered"]);
});

test.each([
  [[], 'dns.servers is empty; name 1 to 3 resolvers, e.g. ["9.9.9.9"], or leave dns away'],
  [["9.9.9.9", "8.8.8.8", "8.8.4.4", "1.1.1.1"], "dns.servers has 4 addresses; name 1 to 3 resolvers"],
  [["dns.google"], "dns server 'dns.google'"],
  [["2620:fe::fe"], "dns server '2620:fe::fe'"],
  [["9.9.9.09"], "dns server '9.9.9.09'"],
  [["9.9.9.9", "9.9.9.9"], "dns server 9.9.9.9 stands twice in dns.servers; take one away"],
  [["192.168.1.1"], "dns server 192.168.1.1 is in 192.168.0.0/16 (private), and no exit's uplink leads there"],
  [["169.254.169.254"], "dns server 169.254.169.254 is in 169.254.0.0/16 (link-local)"],
  [["127.0.0.53"], "dns server 127.0.0.53 is in 127.0.0.0/8 (the host itself)"],
  [["10.66.224.1"], "dns server 10.66.224.1 is in the network of 'wgs': no resolver of wgchain's is there"],
  [["10.66.6.6"], "dns server 10.66.6.6 is in the network of tunnel 'wg6'"],
  [["172.16.0.2"], "dns server 172.16.0.2 is on the private link of 'sz'"],
  [["198.51.100.30"], "dns server 198.51.100.30 is the address of 'hkt'"],
])("resolvers %j are refused", (servers, says) => {
  const [line, ...more] = saysOf(servers).split("\n");
  expect([line?.startsWith("net/sz/wgs: "), more]).toEqual([true, []]);
  expect(line).toContain(says);
});

test("an ExitNetwork hands it on, and its problems", () => {
  const build =
    (dns: DnsProps) =>
    (stack: TerraformStack): void => {
      const [entry, exit] = ["a", "b"].map(
        (name, index) => new WgNode(stack, name, { host: Host.ssh({ address: `198.51.100.${index + 1}` }), exit: index === 1 }),
      );
      if (entry !== undefined && exit !== undefined)
        new ExitNetwork(stack, "exits", { entry, exits: { b: { through: [exit] } }, dns });
    };
  expect(problemsOf(build({ servers: ["10.77.0.1"], enforce: true }))).toContain(
    "dns server 10.77.0.1 is in the network of 'wgs'",
  );
});

test("a client's configuration names the resolvers, and always leads to them by the tunnel", () => {
  const { clients } = stackOf(enforced);
  const [client] = clients;
  if (client === undefined) throw new Error("no client");
  const nodes = [{ name: "sz", interfaces: [{ name: "wgs", publicKey: "K", listenPort: 51820 }] }];
  const print = (options: object): string[] =>
    clientConfig({ nodes } as never, client, { endpoint: "198.51.100.10", ...options }).split("\n");
  expect(print({})).toEqual(expect.arrayContaining(["DNS = 9.9.9.9, 149.112.112.112", "AllowedIPs = 0.0.0.0/0, ::/0"]));
  expect(print({ routes: ["9.0.0.0/8"] })).toContain("AllowedIPs = 9.0.0.0/8, 149.112.112.112/32");
  expect(print({ routes: ["192.0.2.0/24"], dns: ["8.8.8.8"] })).toEqual(
    expect.arrayContaining(["DNS = 8.8.8.8", "AllowedIPs = 192.0.2.0/24, 8.8.8.8/32"]),
  );
});

test("a comparison tells of it, also where no host's files change", () => {
  const [none, some, all, other] = [undefined, { servers: ["9.9.9.9"] }, { servers: ["9.9.9.9"], enforce: true }, enforced].map(
    (dns) => sideOf(stackOf(dns).stack),
  );
  if (none === undefined || some === undefined || all === undefined || other === undefined) throw new Error("no side");
  const told = (before: typeof none, after: typeof none) => {
    const diff = compareStacks(before, after);
    return [diff.verdict, ...objectSections(diff).flatMap(({ lines }) => lines.map(asText))];
  };
  expect(told(none, some)).toEqual([
    "files",
    "interface of clients sz/wgs: resolvers in clients' configurations none becomes 9.9.9.9",
  ]);
  expect(told(some, all)).toEqual([
    "files",
    "interface of clients sz/wgs: what clients ask others at port 53 is answered by none becomes 9.9.9.9",
  ]);
  expect(told(all, other)).toEqual([
    "files",
    "interface of clients sz/wgs: resolvers in clients' configurations new 149.112.112.112",
  ]);
  expect(told(other, other)).toEqual(["nothing"]);
});
