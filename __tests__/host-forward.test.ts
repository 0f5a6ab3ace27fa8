import { removeTemporaryDirectories } from "./support/directory";
import { gatewayNetwork, type GatewayChange } from "./support/gateway";
import { synthesizeOf } from "./support/synth";
import { Host, describeAsRoot } from "./host/host";
import { GatewayBench } from "./host/gateway";

// A gateway with nothing of WireGuard, and real packets through it.
jest.setTimeout(120_000);
afterAll(removeTemporaryDirectories);

function treeOf(change: GatewayChange): Record<string, string> {
  const { files } = synthesizeOf(gatewayNetwork(change));
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path.replace(/^gw\//, ""), text]));
}

const forwards = {
  https: { port: 443, to: "1.1.1.1", protocol: "both" },
  web: { port: 8443, to: "192.168.1.10", toPort: 443, protocol: "both" },
  kept: { port: "8000-8002", to: "192.168.1.10", toPort: 9000, protocol: "both", source: "keep" },
  inner: { port: 5000, address: "192.168.1.1", to: "192.168.1.11", toPort: 80 },
  few: { port: 6000, to: "192.168.1.11", toPort: 443, from: ["203.0.113.0/24", "192.168.1.10"] },
} satisfies GatewayChange["forwards"];

describeAsRoot("a gateway between a private network and the internet", () => {
  let h: Host;
  let bench: GatewayBench;
  beforeAll(async () => {
    h = await Host.start("gateway");
    bench = new GatewayBench(h);
    bench.start();
    h.deployFiles(treeOf({ forwards }));
  });
  afterAll(() => h.machine.stop());
  const inet = "203.0.113.9";

  test("it stands, a second deploy changes nothing", () => {
    expect(h.deployFiles(treeOf({ forwards }))).toEqual([]);
    expect(h.machine.ok("sysctl -n net.ipv4.ip_forward").trim()).toBe("1");
  });

  test.each(["tcp", "udp"] as const)("%s: machines of the private network leave as the gateway", (protocol) => {
    expect(bench.ask("m10", protocol, "192.168.1.10", "9.9.9.9", 9443)).toBe("inet 9443 198.51.100.20");
    expect(bench.ask("m11", protocol, "192.168.1.11", "192.168.1.10", 443)).toBe("m10 443 192.168.1.11");
  });

  test.each(["tcp", "udp"] as const)("%s: the article's forward to the internet, from both sides", (protocol) => {
    expect(bench.ask("inet", protocol, inet, "198.51.100.20", 443)).toBe("inet 443 198.51.100.20");
    expect(bench.ask("m10", protocol, "192.168.1.10", "192.168.1.1", 443)).toBe("inet 443 198.51.100.20");
  });

  test.each(["tcp", "udp"] as const)("%s: to a machine, with the gateway's source and with the client's", (protocol) => {
    expect(bench.ask("inet", protocol, inet, "198.51.100.20", 8443)).toBe("m10 443 192.168.1.1");
    for (const [port, there] of [
      [8000, 9000],
      [8001, 9001],
      [8002, 9002],
    ] as const)
      expect(bench.ask("inet", protocol, inet, "198.51.100.20", port)).toBe(`m10 ${there} 203.0.113.9`);
    expect(bench.ask("inet", protocol, inet, "198.51.100.20", 8003)).toBe("ECONNREFUSED");
  });

  test.each(["tcp", "udp"] as const)("%s: hairpin, by the gateway's inner and its public address", (protocol) => {
    expect(bench.ask("m11", protocol, "192.168.1.11", "192.168.1.1", 8443)).toBe("m10 443 192.168.1.1");
    expect(bench.ask("m11", protocol, "192.168.1.11", "198.51.100.20", 8000)).toBe("m10 9000 192.168.1.1");
    expect(bench.ask("m10", protocol, "192.168.1.10", "198.51.100.20", 8001)).toBe("m10 9001 192.168.1.1");
  });

  test("at one address only, and for a few only", () => {
    expect(bench.ask("m10", "tcp", "192.168.1.10", "192.168.1.1", 5000)).toBe("m11 80 192.168.1.1");
    expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 5000)).toBe("ECONNREFUSED");
    expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 6000)).toBe("m11 443 192.168.1.1");
    expect(bench.ask("m10", "tcp", "192.168.1.10", "192.168.1.1", 6000)).toBe("m11 443 192.168.1.1");
    expect(bench.ask("inet", "tcp", "9.9.9.9", "198.51.100.20", 6000)).toBe("ECONNREFUSED");
    expect(bench.ask("m11", "tcp", "192.168.1.11", "192.168.1.1", 6000)).toBe("ECONNREFUSED");
  });

  test("who stands beside the uplink cannot leave as the private network, and gets no answer from it without a forward", () => {
    h.machine.ok("ip -n inet route add 192.168.1.0/24 via 198.51.100.20; ip -n inet addr add 192.168.1.99/32 dev lo");
    expect(bench.ask("inet", "udp", "192.168.1.99", "198.51.100.20", 443)).toBe("nothing");
    expect(h.machine.ok("conntrack -L -p udp 2>/dev/null")).not.toContain("src=192.168.1.99");
    expect(bench.ask("inet", "udp", inet, "192.168.1.10", 443)).toBe("nothing");
    h.machine.ok("ip -n inet route del 192.168.1.0/24; ip -n inet addr del 192.168.1.99/32 dev lo");
  });

  test("what connection tracking makes nothing of does not leave", () => {
    h.machine.ok("sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0");
    bench.stay("m10", "tcp", "192.168.1.10", "9.9.9.9", 9443, "loose");
    h.machine.ok("conntrack -D -p tcp --dport 9443 >/dev/null 2>&1");
    expect(bench.lastOf("loose")).toBe("silent");
    h.machine.ok("sysctl -qw net.netfilter.nf_conntrack_tcp_loose=1");
  });

  test("nothing with a private source came to the internet", () => {
    expect(bench.leaked()).toBe(0);
  });

  test("somebody else's forward chain that drops is told of, and how to mend it mends it", () => {
    h.machine.ok("nft 'table inet theirs { chain f { type filter hook forward priority 0; policy drop; }; }'");
    const refused = h.addFiles(treeOf({ forwards }));
    expect(refused).toMatchObject({ status: 1 });
    const mends = [...refused.out.matchAll(/allow (?:it|them) there: (.*)$/gm)].map(([, mend = ""]) => mend);
    expect(mends).toEqual([
      "nft insert rule inet theirs f ip saddr 192.168.1.0/24 accept; nft insert rule inet theirs f ip daddr 192.168.1.0/24 accept",
      "nft insert rule inet theirs f ct status dnat accept",
    ]);
    for (const mend of mends) h.machine.ok(mend);
    expect(h.deployFiles(treeOf({ forwards }))).toEqual([]);
    expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 443)).toBe("inet 443 198.51.100.20");
    expect(bench.ask("m10", "tcp", "192.168.1.10", "9.9.9.9", 9443)).toBe("inet 9443 198.51.100.20");
    h.machine.ok('nft flush chain inet theirs f; nft add rule inet theirs f \'iifname { "br-lan", "eth0" } accept\'');
    expect(h.deployFiles(treeOf({ forwards }))).toEqual([]);
    h.machine.ok("nft delete table inet theirs");
  });

  describe("a deploy that changes them", () => {
    test("keeps the connections of all others, and ends those of one that has another target", () => {
      bench.stay("inet", "tcp", inet, "198.51.100.20", 8443, "other");
      bench.stay("inet", "udp", inet, "198.51.100.20", 8000, "moved", 40001);
      bench.stay("m10", "tcp", "192.168.1.10", "9.9.9.9", 9443, "out");
      const kept = { ...forwards.kept, to: "192.168.1.11", port: 8000 };
      const ran = h.deployFiles(
        treeOf({ forwards: { ...forwards, kept, more: { port: 7000, to: "192.168.1.11", toPort: 80 } } }),
      );
      const forgotten = ran.filter((line) => line.startsWith("conntrack"));
      expect(forgotten).toContain("conntrack -D -p udp -s 203.0.113.9 -d 198.51.100.20 --sport 40001 --dport 8000");
      expect(forgotten.filter((line) => !/ --dport 800[0-2]$/.test(line))).toEqual([]);
      expect(bench.lastOf("moved")).toBe("m11 9000 203.0.113.9 hello");
      expect(bench.lastOf("other")).toBe("m10 443 192.168.1.1 hello");
      expect(bench.lastOf("out")).toBe("inet 9443 198.51.100.20 hello");
      expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 7000)).toBe("m11 80 192.168.1.1");
      expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 8001)).toBe("ECONNREFUSED");
    });

    test("sources that may use it are others, where prefixes overlap", () => {
      const few = (...from: string[]) => treeOf({ forwards: { ...forwards, few: { ...forwards.few, from } } });
      for (const from of [["203.0.0.0/8", "192.168.1.11"], ["203.0.113.0/25", "9.9.9.9"], ["203.0.113.9"]])
        h.deployFiles(few(...from));
      expect(bench.ask("inet", "tcp", "9.9.9.9", "198.51.100.20", 6000)).toBe("ECONNREFUSED");
      expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 6000)).toBe("m11 443 192.168.1.1");
      expect(h.deployFiles(few("203.0.113.9"))).toEqual([]);
    });

    test("until it is committed, a gateway that leaves goes on; then nothing of it is left", () => {
      const bare = treeOf({ lan: null });
      expect(h.addFiles(bare)).toMatchObject({ status: 0 });
      expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 8443)).toBe("m10 443 192.168.1.1");
      expect(bench.ask("m11", "udp", "192.168.1.11", "9.9.9.9", 9443)).toBe("inet 9443 198.51.100.20");
      expect(h.confirm()).toMatchObject({ status: 0 });
      expect(h.machine.ok("nft list table ip wgchain")).not.toMatch(/gateway_|forward_|lan/);
      expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 8443)).toBe("ECONNREFUSED");
      expect(h.deployFiles(bare)).toEqual([]);
    });

    test("and one that comes keeps the table, which may carry others' connections", () => {
      const ran = h.deployFiles(treeOf({ forwards }));
      expect(ran.filter((line) => line.startsWith("nft"))).toEqual([
        expect.stringMatching(/^nft -f \(rules, and \d+ elements\)$/),
      ]);
      expect(bench.ask("m10", "tcp", "192.168.1.10", "198.51.100.20", 8001)).toBe("m10 9001 192.168.1.1");
      h.machine.ok("nft delete table ip wgchain");
      expect(h.verb("boot")).toMatchObject({ status: 0 });
      expect(bench.ask("inet", "tcp", inet, "198.51.100.20", 443)).toBe("inet 443 198.51.100.20");
    });
  });
});
