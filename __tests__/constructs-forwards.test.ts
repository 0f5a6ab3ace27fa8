import * as fs from "node:fs";
import * as path from "node:path";
import type { TerraformStack } from "cdktf";
import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import { Host, NatGateway, PortForward, WgNode } from "../constructs";
import type { Inventory } from "../lib/inventory";
import { removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { gatewayNetwork, servingGateway, servingKeys, type GatewayChange } from "./support/gateway";
import { keyPair } from "./support/keys";
import { problems, problemsOf, synthesize, synthesizeOf } from "./support/synth";

afterAll(removeTemporaryDirectories);

const keyFiles = Object.fromEntries(servingKeys.map((name) => [`keys/${name}.pub`, `${keyPair(name).publicKey}\n`]));
type Forward = NonNullable<GatewayChange["forwards"]>[string];
const refused = (forward: Partial<Forward>, lan: GatewayChange["lan"] = {}): string =>
  problemsOf(gatewayNetwork({ lan, forwards: { one: { port: 443, to: "1.1.1.1", ...forward } } }));
const refusedServing = (forwards: GatewayChange["forwards"], lan: GatewayChange["lan"] = {}): string =>
  problemsOf(servingGateway("far", { lan, forwards: forwards ?? {} }), keyFiles);

describe("GIVEN a forward, WHEN its ports are wrong, THEN synth says how to mend them", () => {
  test.each([
    [{ port: 0 }, "port 0 is out of range; take a whole number from 1 to 65535"],
    [{ port: 443.5 }, "port 443.5 is out of range; take a whole number from 1 to 65535"],
    [{ port: "443" }, `port '443' is neither a number nor a range; write e.g. 443 or "8000-8010", without leading zeros`],
    [{ port: "08-10" }, `port '08-10' is neither a number nor a range; write e.g. 443 or "8000-8010", without leading zeros`],
    [{ port: "1-2; reboot" }, "port '1-2; reboot' is neither a number nor a range"],
    [{ port: "9000-8000" }, `port '9000-8000' ends before it begins; write "8000-9000"`],
    [
      { port: "1024-65535" },
      "port '1024-65535' is a range of 64512 ports, and a forward takes 16384 at most; take a smaller range",
    ],
    [
      { port: "8000-8010", toPort: 65_530 },
      "toPort 65530 is the first of 11 ports, and the last would be 65540; take 65525 or less",
    ],
    [{ protocol: "icmp" as "tcp" }, "protocol 'icmp' is none of tcp, udp and both"],
    [{ to: "1.1.1" }, "to '1.1.1' is not an IPv4 address"],
    [{ source: "client" }, `source 'client' is neither "gateway" nor "keep" nor an IPv4 address, e.g. 203.0.113.1`],
    [{ from: [] }, "from is empty, so nobody could use the forward"],
    [{ from: ["10.0.0.1/8"] }, "from '10.0.0.1/8' has host bits set; write 10.0.0.0/8 for the network"],
  ])("%j", (change, words) => {
    expect(refused(change)).toContain(`net/one: ${words}`);
    expect(refused(change).split("\n")).toHaveLength(1);
  });
});

describe("GIVEN a forward, WHEN somebody else has the port, THEN it is refused", () => {
  test("two forwards", () => {
    const both = { a: { port: "8000-8010", to: "1.1.1.1" }, b: { port: 8010, to: "1.0.0.1", protocol: "both" } } as const;
    expect(problemsOf(gatewayNetwork({ forwards: both }))).toMatchInlineSnapshot(
      `"net/b: port 8010 (tcp) of 'gw' is forwarded by 'net/a' and 'net/b'; take other ports in one, or an address of its own in each"`,
    );
    const apart = (address: string, other?: string) =>
      gatewayNetwork({
        forwards: {
          a: { port: 80, to: "1.1.1.1", address },
          b: { port: 80, to: "1.0.0.1", ...(other === undefined ? {} : { address: other }) },
        },
      });
    expect(problemsOf(apart("192.168.1.1"))).toContain("port 80 (tcp) of 'gw' is forwarded by");
    expect(synthesizeOf(apart("192.168.1.1", "198.51.100.20")).files["gw/etc/wgchain/elements"]).toContain(
      "forward_tcp_at 198.51.100.20 . 80 : 1.0.0.1 . 80",
    );
    const protocols = { a: { port: 53, to: "1.1.1.1" }, b: { port: 53, to: "1.0.0.1", protocol: "udp" } } as const;
    synthesizeOf(gatewayNetwork({ forwards: protocols }));
  });

  test("SSH's, wherever it listens", () => {
    expect(refused({ port: 22 })).toMatchInlineSnapshot(
      `"net/one: port 22 at any address would take port 22, by which 'gw' is reached with SSH: no deploy could come in; take another port, or the address of a private network"`,
    );
    expect(refused({ port: "1-1024", address: "198.51.100.20" })).toContain("would take port 22");
    const at2222 = (port: number) => (stack: TerraformStack) => {
      const on = new WgNode(stack, "gw", { host: Host.ssh({ address: "198.51.100.20", port: 2222 }) });
      new PortForward(stack, "one", { on, port, to: "1.1.1.1" });
    };
    expect(problemsOf(at2222(2222))).toContain("would take port 2222");
    synthesizeOf(at2222(22));
    // Nobody deploys by the private network, nor by UDP.
    synthesizeOf(
      gatewayNetwork({
        forwards: {
          one: { port: 22, to: "192.168.1.10", address: "192.168.1.1" },
          two: { port: 22, protocol: "udp", to: "1.1.1.1" },
        },
      }),
    );
  });

  test("WireGuard's", () => {
    expect(refusedServing({ one: { port: "51000-52000", protocol: "both", to: "1.1.1.1" } })).toContain(
      "net/one: port 51000-52000 (udp) would take port 51820, on which 'wgs' of 'gw' listens; take another port, or another listenPort there",
    );
  });
});

describe("GIVEN a forward, WHEN the node cannot reach its target, THEN it is refused", () => {
  test.each([
    ["10.1.2.3", "a private address"],
    ["100.64.0.1", "an address of carrier-grade NAT"],
    ["169.254.169.254", "a link-local address"],
    ["127.0.0.1", "a loopback address"],
    ["224.0.0.1", "a multicast address"],
    ["255.255.255.255", "a reserved address"],
    ["192.168.2.1", "a private address"],
    ["192.168.1.255", "the network's own or its broadcast address"],
    ["192.168.1.1", "an address of 'gw' itself"],
    ["198.51.100.20", "an address of 'gw' itself"],
  ])("%s", (to, why) => {
    expect(refused({ to })).toBe(
      `net/one: to ${to} is ${why}: 'gw' cannot forward there; take a machine of a NatGateway of 'gw', a client of its own, or an address on the internet`,
    );
  });
  test("a machine of a private network that nobody is gateway of", () => {
    expect(refused({ to: "192.168.1.10" }, null)).toContain("to 192.168.1.10 is a private address");
  });
  test("what is in the chain and no client of the node", () => {
    for (const to of ["10.66.224.3", "10.66.6.6"])
      expect(refusedServing({ one: { port: 80, to } })).toContain("and no client of 'gw' has it");
  });
  test("a client's source kept on the internet", () => {
    expect(refused({ source: "keep" })).toMatchInlineSnapshot(
      `"net/one: source "keep" needs a target whose answers come back by 'gw', and 1.1.1.1 is on the internet: it would answer the client itself, who asked somebody else; leave source out"`,
    );
  });
  test("sources and addresses that are known to be another's", () => {
    expect(refused({ source: "192.168.1.7", to: "192.168.1.10" })).toContain(
      "source 192.168.1.7 is a machine's in the private network of gateway 'lan'",
    );
    expect(refusedServing({ one: { port: 80, to: "1.1.1.1", address: "198.51.100.30" } })).toContain(
      "address 198.51.100.30 is an address of 'far'",
    );
  });
});

describe("GIVEN a gateway, WHEN its network cannot be one, THEN it is refused", () => {
  test.each([
    ["198.51.100.1/24", "holds 198.51.100.20, the public address of 'gw'"],
    ["192.168.1.0/24", "is the network's own or its broadcast address"],
    ["192.168.1.1/31", "has length 31; take one from 8 to 30, e.g. 192.168.1.1/24"],
    ["192.168.1.1", "is not ADDRESS/LENGTH"],
  ])("%s", (inside, words) => {
    expect(refused({}, { inside })).toContain(words);
  });
  test("two that overlap, and one in the chain", () => {
    const two = (stack: TerraformStack) => {
      const on = gatewayNetwork()(stack);
      new NatGateway(stack, "other", { on, inside: "192.168.0.1/16" });
    };
    expect(problemsOf(two)).toMatchInlineSnapshot(
      `"net/other: inside 192.168.0.1/16 overlaps 192.168.1.1/24 of gateway 'lan' (net/lan); give the private network another prefix"`,
    );
    expect(refusedServing({}, { inside: "10.66.224.9/24" })).toContain(
      "inside 10.66.224.9/24 overlaps 10.66.224.0/19 of 'wgs' (net/gw/wgs)",
    );
    expect(refusedServing({}, { snat: "10.66.224.2" })).toContain(
      "snat 10.66.224.2 is in 10.66.224.0/19 of 'wgs', and no address of 'gw'",
    );
  });
});

test("GIVEN a gateway, THEN its objects are one a private network and one a forward, and its nftables are these", () => {
  const { files, resource } = synthesizeOf(
    gatewayNetwork({
      lan: { snat: "203.0.113.77" },
      forwards: {
        web: { port: "80-81", protocol: "both", to: "192.168.1.10", toPort: 8080, source: "keep", from: ["203.0.113.0/24"] },
      },
    }),
  );
  const triggers = resource["null_resource"]?.["gw_config"]?.["triggers"] as Record<string, string>;
  expect(Object.entries(triggers).filter(([key]) => /^(gateway|forward)/.test(key))).toMatchInlineSnapshot(`
   [
     [
       "forward web tcp",
       "any:80-81 to 192.168.1.10:8080-8081 as keep for 203.0.113.0/24",
     ],
     [
       "forward web udp",
       "any:80-81 to 192.168.1.10:8080-8081 as keep for 203.0.113.0/24",
     ],
     [
       "gateway lan",
       "192.168.1.1/24 leaves as 203.0.113.77",
     ],
   ]
  `);
  expect(files["gw/etc/wgchain/elements"]).toMatchInlineSnapshot(`
   "forward_tcp 80 : 192.168.1.10 . 8080
   forward_tcp 81 : 192.168.1.10 . 8081
   forward_tcp_from 203.0.113.0/24 . 80 : 0x1e16
   forward_tcp_from 203.0.113.0/24 . 81 : 0x1e16
   forward_udp 80 : 192.168.1.10 . 8080
   forward_udp 81 : 192.168.1.10 . 8081
   forward_udp_from 203.0.113.0/24 . 80 : 0x1e16
   forward_udp_from 203.0.113.0/24 . 81 : 0x1e16
   forwards 0x1e16
   lan_addresses 192.168.1.1
   lan_sources 192.168.1.0/24 : 203.0.113.77
   lans 192.168.1.0/24
   "
  `);
  const chains = (files["gw/etc/wgchain/nftables.nft"] ?? "")
    .split("\n")
    .filter((line) => /chain gateway_|^ {4}(?!type|flags)/.test(line));
  expect(chains.slice(chains.findIndex((line) => line.includes("gateway_"))).join("\n")).toMatchInlineSnapshot(`
   "  chain gateway_spoofed {
       iifname != "lo" ip saddr @lans fib saddr . iif oif missing drop
     chain gateway_in {
       iifname != @own ct mark set ip daddr . tcp dport map @forward_tcp_at_mark dnat ip to ip daddr . tcp dport map @forward_tcp_at
       iifname != @own ct mark set ip saddr . ip daddr . tcp dport map @forward_tcp_at_from dnat ip to ip daddr . tcp dport map @forward_tcp_at
       iifname != @own fib daddr type local ct mark set tcp dport map @forward_tcp_mark dnat ip to tcp dport map @forward_tcp
       iifname != @own fib daddr type local ct mark set ip saddr . tcp dport map @forward_tcp_from dnat ip to tcp dport map @forward_tcp
       iifname != @own ct mark set ip daddr . udp dport map @forward_udp_at_mark dnat ip to ip daddr . udp dport map @forward_udp_at
       iifname != @own ct mark set ip saddr . ip daddr . udp dport map @forward_udp_at_from dnat ip to ip daddr . udp dport map @forward_udp_at
       iifname != @own fib daddr type local ct mark set udp dport map @forward_udp_mark dnat ip to udp dport map @forward_udp
       iifname != @own fib daddr type local ct mark set ip saddr . udp dport map @forward_udp_from dnat ip to udp dport map @forward_udp
     chain gateway_mark {
       iifname != @own ct direction original ct mark @forwards ip daddr @networks meta mark set 0x1e15
     chain gateway_inside {
       iifname @own ct direction original ip daddr @lans drop
     chain gateway_out {
       ct status dnat ct mark 0x1e15 masquerade
       ct status dnat snat to ct mark map @forward_sources
       ct status dnat ct mark 0x1e16 ip saddr @lans ip daddr @lans masquerade
       oifname != @own oifname != "lo" ip daddr != @lans ip daddr != 224.0.0.0/3 snat to ip saddr map @lan_sources
       oifname != @own oifname != "lo" ip daddr != @lans ip daddr != 224.0.0.0/3 ip saddr @lans masquerade
     chain gateway_last {
       ct status snat accept
       oifname != @own oifname != "lo" ip daddr != @lans ip daddr != 224.0.0.0/3 ip saddr @lans ip saddr != @lan_addresses drop"
  `);
});

test("GIVEN no gateway and no forward, THEN no host's files know of them", () => {
  const { files } = synthesize();
  const all = Object.entries(files).filter(([file]) => !file.endsWith("wgchain-host"));
  expect(all.filter(([file, text]) => /gateway_|forward_|\blans\b/.test(file + text))).toEqual([]);
  expect(files["hk/etc/wgchain/forwards"]).toBeUndefined();
});

test("GIVEN a VM of Google's, THEN its network lets the ports in from where they may be used", () => {
  const { resource } = synthesize(
    {},
    {
      also: ({ stack, gcp }) => {
        new PortForward(stack, "dns", { on: gcp, protocol: "both", port: 53, to: "1.1.1.1" });
        new PortForward(stack, "web", { on: gcp, port: "8000-8010", to: "1.1.1.1", from: ["203.0.113.0/24"] });
      },
    },
  );
  const rules = resource["google_compute_firewall"] ?? {};
  const shown = ["gcp_allow_forward_dns", "gcp_allow_forward_web"].map((id) => [
    rules[id]?.["name"],
    rules[id]?.["allow"],
    rules[id]?.["source_ranges"],
  ]);
  expect(shown).toEqual([
    [
      "gcp-fwd-53",
      [
        { protocol: "tcp", ports: ["53"] },
        { protocol: "udp", ports: ["53"] },
      ],
      ["0.0.0.0/0"],
    ],
    ["gcp-tcp-8000", [{ protocol: "tcp", ports: ["8000-8010"] }], ["203.0.113.0/24"]],
  ]);
  expect(rules["gcp_allow_ssh"]?.["name"]).toBe("gcp-ssh");
  const port = problems(
    {},
    { also: ({ stack, gcp }) => void new PortForward(stack, "one", { on: gcp, port: 22, to: "1.1.1.1" }) },
  );
  expect(port).toContain("by which 'gcp' is reached with SSH");
});

test("GIVEN gateways and forwards, THEN the inventory tells the lab of them, and of no other node's", () => {
  const file = path.join(temporaryDirectory(), "inventory.json");
  process.env["WGCHAIN_INVENTORY"] = file;
  try {
    synthesizeOf((stack) => {
      new GoogleProvider(stack, "google", { project: "p", region: "asia-east2", zone: "asia-east2-a" });
      gatewayNetwork({ forwards: { https: { port: 443, to: "1.1.1.1", address: "192.168.1.1", source: "198.51.100.20" } } })(
        stack,
      );
      new WgNode(stack, "other", { host: Host.ssh({ address: "198.51.100.21" }) });
    });
  } finally {
    delete process.env["WGCHAIN_INVENTORY"];
  }
  const { nodes } = JSON.parse(fs.readFileSync(file, "utf8")) as Inventory;
  expect(nodes.map(({ name, lans, forwards }) => ({ name, lans, forwards }))).toMatchInlineSnapshot(`
   [
     {
       "forwards": [
         {
           "address": "192.168.1.1",
           "firstPort": 443,
           "from": [
             "0.0.0.0/0",
           ],
           "lastPort": 443,
           "name": "https",
           "protocols": [
             "tcp",
           ],
           "source": {
             "address": "198.51.100.20",
           },
           "to": "1.1.1.1",
           "toPort": 443,
         },
       ],
       "lans": [
         {
           "address": "192.168.1.1/24",
           "name": "lan",
         },
       ],
       "name": "gw",
     },
     {
       "forwards": undefined,
       "lans": undefined,
       "name": "other",
     },
   ]
  `);
});
