import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemporaryDirectories } from "./support/directory";
import { gatewayNetwork, servingGateway, servingKeys } from "./support/gateway";
import { keyPair } from "./support/keys";
import { synthesizeOf } from "./support/synth";
import { Host, describeAsRoot, directory } from "./host/host";
import { GatewayBench } from "./host/gateway";

// A network that leaves, while answers to connections of its clients still come in: NAT would give them their inner addresses back, and what no longer knows
// that network would send them on in the clear.
jest.setTimeout(120_000);
afterAll(removeTemporaryDirectories);

const keyFiles = Object.fromEntries(servingKeys.map((name) => [`keys/${name}.pub`, `${keyPair(name).publicKey}\n`]));
function treeOf(network: Parameters<typeof synthesizeOf>[0]): Record<string, string> {
  const { files } = synthesizeOf(network, keyFiles);
  const own = Object.entries(files).flatMap(([path, text]) => (path.startsWith("gw/") ? [[path.slice(3), text] as const] : []));
  return { ...Object.fromEntries(own), "etc/wgchain/probes": "" };
}
const without = treeOf(gatewayNetwork());
const serving = treeOf(servingGateway("uplink", {}));

/** Whoever asks it once gets answers for ten seconds, 2,000 a second. */
const flood = join(directory, "flood.js");
writeFileSync(
  flood,
  `const u = require("node:dgram").createSocket("udp4");
u.bind(7777, "1.1.1.1");
u.on("message", (_, { port, address }) => { const t = setInterval(() => { for (let i = 0; i < 2; i += 1) u.send("x", port, address); }, 1); setTimeout(() => clearInterval(t), 10000); });
`,
);

describeAsRoot("a network that leaves", () => {
  let h: Host;
  let bench: GatewayBench;
  beforeAll(async () => {
    h = await Host.start("leaving");
    // As on a host that routed before we came: it goes on when we have gone.
    h.machine.ok("sysctl -qw net.ipv4.ip_forward=1");
    bench = new GatewayBench(h);
    bench.start();
    const of = (name: string) => ({ private: keyPair(name).privateKey });
    h.giveKeys({ wgs: of("gw.wgs"), wgp: of("gw.wgp") });
    h.deployFiles(without);
    // Whatever the host sends to an inner address, and that it sends something at all.
    h.machine.ok(
      `ip netns exec inet nft 'table ip inner { chain in { type filter hook prerouting priority raw; iifname "eth0p" ip daddr 10.0.0.0/8 counter; }; }'`,
    );
    h.machine.spawn(`exec ip netns exec inet ${process.execPath} ${flood}`);
    // Somebody else's, so that the kernel goes on translating when our table has gone.
    h.machine.ok(
      "nft 'table ip others { chain out { type nat hook postrouting priority 110; ip saddr 192.0.2.1 masquerade; }; chain in { type nat hook prerouting priority -100; }; }'",
    );
  });
  afterAll(() => h.machine.stop());

  const inClear = (): number => Number(/packets (\d+)/.exec(h.machine.ok("ip netns exec inet nft list table ip inner"))?.[1]);
  const arrived = (): number => Number(h.machine.ok("ip netns exec phone cat /sys/class/net/phone0/statistics/rx_packets"));
  let phone = false;
  const flooded = (): void => {
    if (!phone) bench.startPhone(keyPair("client.phone").privateKey, keyPair("gw.wgs").publicKey, 51820);
    else {
      // Its session with the interface that has gone would be waited for.
      const peer = `ip netns exec phone wg set phone0 peer ${keyPair("gw.wgs").publicKey}`;
      h.machine.ok(`${peer} remove; ${peer} endpoint 198.51.100.20:51820 allowed-ips 0.0.0.0/0 persistent-keepalive 1`);
    }
    phone = true;
    h.machine.ok(
      "for i in $(seq 100); do ip netns exec phone ping -q -c 1 -W 1 -I 10.66.224.2 1.1.1.1 >/dev/null && break; done",
    );
    const before = arrived();
    bench.ask("phone", "udp", "10.66.224.2", "1.1.1.1", 7777);
    h.machine.ok("sleep 1");
    expect(arrived() - before).toBeGreaterThan(500);
  };

  test("by a revert", () => {
    expect(h.addFiles(serving, ["prepare", "add", "switch", "bye"], 0)).toMatchObject({ status: 0 });
    flooded();
    // Another session takes it back, as it would at the end of its lease.
    expect(
      h.machine.run(
        "sed -i 's/ 0$/ 60/' /var/lib/wgchain/pending; echo 0 >/run/wgchain/lease; bash /usr/local/lib/wgchain/wgchain-host watch f00d",
      ).out,
    ).toContain("reverted to generation");
    h.machine.ok("! ip link show wgs 2>/dev/null");
    h.machine.ok("sleep 1");
    expect(inClear()).toBe(0);
  });

  test("by a deploy", () => {
    h.deployFiles(serving);
    flooded();
    const said = h.deployFiles(without);
    h.machine.ok("sleep 1");
    expect(inClear()).toBe(0);
    expect(said.join("\n")).toContain("conntrack -D -f ipv4 -s 10.66.224.0/19");
  });

  test("by destroy, on a host that forwards as it did before", () => {
    h.deployFiles(serving);
    flooded();
    expect(h.verb("destroy")).toMatchObject({ status: 0 });
    h.machine.ok("sleep 1");
    expect(h.machine.ok("cat /proc/sys/net/ipv4/ip_forward").trim()).toBe("1");
    expect(inClear()).toBe(0);
  });
});
