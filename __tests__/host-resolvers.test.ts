import type { DnsProps } from "../constructs";
import { removeTemporaryDirectories } from "./support/directory";
import { keyPair } from "./support/keys";
import { synthesize } from "./support/synth";
import { Host, commands, describeAsRoot } from "./host/host";

// Resolvers that are enforced come and go as a whole, beside everything else.
jest.setTimeout(60_000);
afterAll(removeTemporaryDirectories);

function treeOf(dns?: DnsProps): Record<string, string> {
  const { files } = synthesize(dns === undefined ? {} : { wgs: { dns } });
  const own = Object.entries(files).flatMap(([path, text]) => (path.startsWith("sz/") ? [[path.slice(3), text] as const] : []));
  // Nobody is at the tunnel's far end here.
  return { ...Object.fromEntries(own), "etc/wgchain/probes": "" };
}

describeAsRoot("resolvers of an entry", () => {
  let h: Host;
  const loads = (ran: readonly string[]): string[] => ran.filter((line) => line.startsWith("nft -f"));
  const nft = (): string => h.machine.ok("nft -s list table ip wgchain");
  const to = (): string[] =>
    [...nft().matchAll(/(udp|tcp) dport 53 .* dnat to (\S+)/g)].map(([, protocol, ip]) => `${protocol ?? ""} ${ip ?? ""}`);
  beforeAll(async () => {
    h = await Host.start("resolvers");
    h.machine.ok(
      "ip link add up0 type veth peer name up1; ip link set up1 up; ip addr add 172.16.0.1/30 dev up0; ip link set up0 up",
    );
    const of = (name: string) => ({ private: keyPair(name).privateKey });
    h.giveKeys({ wgs: of("sz.wgs"), wgp: of("sz.wgp") });
    h.deployFiles(treeOf());
  });
  afterAll(() => h.machine.stop());

  test("switched on, the rules are loaded beside what is there, and a repair finds nothing to do", () => {
    const ran = h.deployFiles(treeOf({ servers: ["9.9.9.9"], enforce: true }));
    expect(loads(ran)).toEqual(["nft -f (rules, and 1 elements)"]);
    expect(to()).toEqual(["udp 9.9.9.9", "tcp 9.9.9.9"]);
    expect(ran).toContain("conntrack -D -f ipv4 -p udp -s 10.66.224.0/19 --dport 53");
    expect(commands(h.verb("repair"))).toEqual([]);
  });

  test("another first resolver takes over in one step, and who asks from one port hears from it", () => {
    const ran = h.deployFiles(treeOf({ servers: ["8.8.8.8", "9.9.9.9"], enforce: true }));
    expect(loads(ran)).toEqual(["nft -f (rules, and 1 elements)"]);
    expect(to()).toEqual(["udp 8.8.8.8", "tcp 8.8.8.8"]);
    expect(ran).toContain("conntrack -D -f ipv4 -p udp -s 10.66.224.0/19 --dport 53");
  });

  test("switched off, it goes on until the commit; then nothing of it is left, and nothing else was touched", () => {
    expect(h.addFiles(treeOf()).status).toBe(0);
    expect(to()).toEqual(["udp 8.8.8.8", "tcp 8.8.8.8"]);
    const ran = h.deployFiles(treeOf());
    expect(loads(ran)).toEqual(["nft -f (2 stale elements)"]);
    expect(nft()).not.toMatch(/dns_of_|resolvers_of_/);
    expect(ran).toContain("conntrack -D -f ipv4 -p udp -s 10.66.224.0/19 --dport 53");
    expect(h.deployFiles(treeOf())).toEqual([]);
  });
});
