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

  test("nothing with a private source came to the internet", () => {
    expect(bench.leaked()).toBe(0);
  });
});
