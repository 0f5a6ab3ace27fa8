import { removeTemporaryDirectories } from "./support/directory";
import { servingGateway, servingKeys } from "./support/gateway";
import { keyPair } from "./support/keys";
import { synthesizeOf } from "./support/synth";
import { Host, describeAsRoot } from "./host/host";
import { GatewayBench } from "./host/gateway";

// A forward to a client of the gateway: its answers go back by where they were asked, all else of it goes by its policy.
jest.setTimeout(120_000);
afterAll(removeTemporaryDirectories);

const keyFiles = Object.fromEntries(servingKeys.map((name) => [`keys/${name}.pub`, `${keyPair(name).publicKey}\n`]));
const forwards = {
  shown: { port: 7000, to: "10.66.224.2", toPort: 443, protocol: "both" },
  kept: { port: 7001, to: "10.66.224.2", toPort: 443, protocol: "both", source: "keep" },
} as const;

function treeOf(via: "far" | "uplink"): Record<string, string> {
  const { files } = synthesizeOf(servingGateway(via, { forwards }), keyFiles);
  const own = Object.entries(files).flatMap(([path, text]) => (path.startsWith("gw/") ? [[path.slice(3), text] as const] : []));
  // Nobody is at the tunnel's far end here.
  return { ...Object.fromEntries(own), "etc/wgchain/probes": "" };
}

describeAsRoot.each(["far", "uplink"] as const)("a client that leaves by %s", (via) => {
  let h: Host;
  let bench: GatewayBench;
  const inet = "203.0.113.9";
  beforeAll(async () => {
    h = await Host.start(`gateway-${via}`);
    bench = new GatewayBench(h);
    bench.start();
    const of = (name: string) => ({ private: keyPair(name).privateKey });
    h.giveKeys({ wgs: of("gw.wgs"), wgp: of("gw.wgp") });
    h.deployFiles(treeOf(via));
    bench.startPhone(keyPair("client.phone").privateKey, keyPair("gw.wgs").publicKey, 51820);
  });
  afterAll(() => h.machine.stop());

  test.each(["tcp", "udp"] as const)("%s: from the internet, with the gateway's source and with its own", (protocol) => {
    expect(bench.ask("inet", protocol, inet, "198.51.100.20", 7000)).toBe("phone 443 10.66.224.1");
    expect(bench.ask("inet", protocol, inet, "198.51.100.20", 7001)).toBe("phone 443 203.0.113.9");
  });

  test("from the private network", () => {
    expect(bench.ask("m10", "tcp", "192.168.1.10", "192.168.1.1", 7000)).toBe("phone 443 10.66.224.1");
    expect(bench.ask("m10", "tcp", "192.168.1.10", "198.51.100.20", 7001)).toBe("phone 443 192.168.1.10");
  });

  test("it goes on, packet after packet", () => {
    bench.stay("inet", "tcp", inet, "198.51.100.20", 7001, "kept");
    expect(bench.lastOf("kept")).toBe("phone 443 203.0.113.9 hello");
    expect(h.machine.ok("conntrack -L -p tcp --orig-port-dst 7001 2>/dev/null")).toMatch(/ mark=7702 /);
  });

  test("the client's own traffic goes where its policy says, also to a port that is forwarded", () => {
    const own = via === "far" ? "nothing" : "inet 9443 198.51.100.20";
    expect(bench.ask("phone", "udp", "10.66.224.2", "9.9.9.9", 9443)).toBe(own);
    expect(bench.ask("phone", "tcp", "10.66.224.2", "10.66.224.1", 7000)).toBe("ECONNREFUSED");
    expect(bench.ask("phone", "udp", "10.66.224.2", "192.168.1.10", 443)).toBe("nothing");
    expect(bench.leaked()).toBe(0);
  });
});
