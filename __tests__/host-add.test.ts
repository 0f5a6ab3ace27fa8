import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Host, commands, describeAsRoot, directory, withInterface } from "./host/host";
import { type Payload, hongKong, keyPair, publicKey, writePayload } from "./host/payload";

// What add finds before its first change; units; and how it does with many peers.
jest.setTimeout(60_000);

const keys = { wgp: keyPair(), wg6: keyPair() };
const hk = hongKong(keys, publicKey(), publicKey());

describeAsRoot("what is found before the first change", () => {
  let h: Host;
  beforeAll(async () => {
    h = await Host.start("pre");
  });
  beforeEach(() => h.giveKeys(keys));
  afterAll(() => h.machine.stop());

  function refused(payload: Payload, ...parts: string[]): void {
    h.machine.ok("rm -rf /run/wgchain");
    const before = h.machine.dump();
    const add = h.add(payload);
    for (const part of [...parts, "nothing was changed on this host"]) expect(add.out).toContain(part);
    expect(add.status).toBe(1);
    expect(commands(add)).toEqual([]);
    for (const pair of Object.values(keys)) expect(add.out).not.toContain(pair.private);
    h.machine.ok("rm -rf /run/wgchain");
    expect(h.machine.dump()).toBe(before);
  }

  test("a missing key", () => {
    h.machine.ok("rm /etc/wgchain/keys/wgp.key");
    refused(hk, "no private key for interface wgp at /etc/wgchain/keys/wgp.key", "wgchain keys");
  });

  test("a key that is not the configuration's, and one that is none; all are said at once", () => {
    const other = keyPair();
    h.giveKeys({ wgp: other, wg6: { private: "hunter2" } });
    refused(
      hk,
      `this host's private key belongs to public key ${other.public}, the configuration says ${keys.wgp.public}`,
      "is not a WireGuard key",
      "wgchain keys",
    );
    expect(h.add(hk).out).not.toMatch(new RegExp(`hunter2|${other.private.replace(/[+/]/g, "\\$&")}`));
  });

  test("somebody else's forward chain that drops", () => {
    h.machine.ok(
      "nft add table inet theirs; nft add chain inet theirs forward '{ type filter hook forward priority 0; policy drop; }'",
    );
    refused(
      hk,
      "chain forward of nftables table inet theirs",
      "says nothing of wg6, wgp",
      "nft insert rule inet theirs forward iifname wg6 accept",
    );
    h.machine.ok("nft add rule inet theirs forward iifname '\"wgp\"' accept");
    refused(hk, "says nothing of wg6;");
    h.machine.ok(
      "nft delete table inet theirs; nft add table inet theirs; nft add chain inet theirs forward '{ type filter hook forward priority 0; policy accept; }'; nft add rule inet theirs forward counter reject",
    );
    refused(hk, "says nothing of wg6, wgp");
    // Names may stand in a set, which is listed only where a chain closes.
    h.machine.ok(
      "nft add set inet theirs ours '{ type ifname; elements = { wg6, wgp }; }'; nft insert rule inet theirs forward iifname @ours accept",
    );
    expect(h.add(hk, ["prepare", "bye"])).toMatchObject({ status: 0 });
    h.machine.ok(
      "nft flush chain inet theirs forward; nft add rule inet theirs forward counter reject; nft delete set inet theirs ours",
    );
    h.machine.ok("nft insert rule inet theirs forward iifname '\"wg*\"' accept");
    expect(h.add(hk).status).toBe(0);
    expect(h.verb("destroy").status).toBe(0);
    h.machine.ok("nft delete table inet theirs");
  });

  test("somebody else's configuration, interface, port and table", () => {
    h.machine.ok("echo '# theirs' >/etc/wireguard/wgp.conf");
    refused(hk, "/etc/wireguard/wgp.conf exists and is not wgchain's");
    h.machine.ok("rm /etc/wireguard/wgp.conf; ip link add wgp type veth peer name wgpp");
    refused(hk, "a network interface wgp exists and is not wgchain's");
    h.machine.ok("ip link del wgp; ip route add 192.0.2.0/24 dev eth0 table 7700");
    refused(hk, "routing table 7700 already holds routes that are not wgchain's");
    h.machine.ok("ip route flush table 7700; wireguard-go theirs && wg set theirs listen-port 51821");
    refused(hk, "UDP port 51821 is the listen port of WireGuard interface theirs");
    h.machine.ok("ip link del theirs");
    h.machine.spawn('echo $$ >/run/theirs; exec node -e \'require("dgram").createSocket("udp4").bind(51821)\'', {
      PATH: process.env.PATH,
    });
    h.machine.ok("for i in $(seq 100); do ss -Hlun | grep -q :51821 && exit; sleep 0.1; done; exit 1");
    refused(hk, "UDP port 51821 is in use on this host");
    h.machine.ok("kill $(cat /run/theirs)");
  });

  test("a table that nft refuses, and a file that is not ours", () => {
    refused({ ...hk, nft: "table ip wgchain { chain x { nonsense } }\n" }, "nft refuses our table");
    refused({ ...hk, extra: { "etc/passwd": "" } }, "a file that is not ours: etc/passwd");
  });

  test("a payload that is not the one that was sent", () => {
    const tree = writePayload(join(directory, "other"), hk);
    expect(h.verb(`add ${tree} ${"0".repeat(64)}`)).toMatchObject({ status: 1 });
  });

  test("missing packages are installed first, without recommends; cloud-init is waited for", () => {
    h.machine
      .ok(`printf '#!/bin/sh\\necho "apt-get $*" >>/run/apt\\n' >/usr/local/sbin/apt-get; printf '#!/bin/sh\\necho "status: running"; echo "$*" >>/run/cloud\\n' >/usr/local/sbin/cloud-init
      chmod +x /usr/local/sbin/apt-get /usr/local/sbin/cloud-init`);
    expect(h.add({ ...hk, packages: ["conntrack", "wgchain-no-such-package"] })).toMatchObject({ status: 0 });
    expect(h.machine.ok("cat /run/apt")).toMatch(
      / update\napt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install wgchain-no-such-package\n$/,
    );
    expect(h.machine.ok("cat /run/cloud")).toBe("status\nstatus --wait\n");
    h.verb("destroy");
  });
});

describeAsRoot("with systemd", () => {
  let h: Host;
  beforeAll(async () => {
    h = await Host.start("sd");
    h.giveKeys(keys);
    // A stand-in that keeps what is enabled as files and runs wg-quick for wg-quick@.
    const standIn = join(directory, "systemctl");
    writeFileSync(
      standIn,
      `#!/bin/bash
      [[ $1 == is-enabled ]] || echo "$*" >>/run/systemctl
      for unit in "$@"; do :; done; name=\${unit#wg-quick@}; name=\${name%.service}; mkdir -p /run/enabled
      case "$1 $unit" in
        is-enabled*) [[ -e /run/enabled/$unit ]] ;;
        enable*) touch "/run/enabled/$unit" ;;
        restart*wg-quick@*) wg-quick up "$name" ;;
        disable*wg-quick@*) rm -f "/run/enabled/$unit"; wg-quick down "$name" ;;
        disable*) rm -f "/run/enabled/$unit" ;;
      esac`,
    );
    h.machine.ok(`install -m 0755 ${standIn} /usr/local/sbin/systemctl; mkdir -p /run/systemd/system`);
  });
  afterAll(() => h.machine.stop());
  const said = (): string[] => h.machine.ok("touch /run/systemctl; cat /run/systemctl; rm /run/systemctl").trim().split("\n");

  test("units are enabled for boot, started once, and removed again", () => {
    h.deploy(hk);
    expect(said()).toEqual([
      "daemon-reload",
      "try-restart systemd-networkd.service",
      "enable wgchain.service",
      "enable wg-quick@wg6.service",
      "restart wg-quick@wg6.service",
      "enable wg-quick@wgp.service",
      "restart wg-quick@wgp.service",
    ]);
    expect(h.deploy(hk)).toEqual([]);
    expect(said()).toEqual([""]);
    expect(h.verb("destroy").status).toBe(0);
    expect(said()).toEqual([
      "disable --now wg-quick@wg6.service",
      "disable --now wg-quick@wgp.service",
      "disable --now wgchain.service",
      "daemon-reload",
    ]);
    expect(h.machine.ok("ls /run/enabled")).toBe("");
  });
});

describeAsRoot("many peers", () => {
  let h: Host;
  beforeAll(async () => {
    h = await Host.start("many");
    h.giveKeys(keys);
  });
  afterAll(() => h.machine.stop());

  test("10,000 peers, three of them changed: three `wg set`", () => {
    const peers = Array.from({ length: 10_000 }, (_, n) => ({ key: publicKey(), allowedIps: `10.70.${n >> 8}.${n & 255}/32` }));
    const many = withInterface(hk, "wgp", { peers });
    h.deploy(many);
    const changed = [{ ...peers[0]!, keepalive: 25 }, ...peers.slice(1, 9_999), { key: publicKey(), allowedIps: "10.80.0.1/32" }];
    const start = performance.now();
    const add = h.add(withInterface(hk, "wgp", { peers: changed }));
    const added = performance.now();
    const confirm = h.confirm();
    console.log(
      `10,000 peers, 3 changed: add ${Math.round(added - start)} ms, confirm ${Math.round(performance.now() - added)} ms`,
    );
    expect(commands(add).filter((line) => line.startsWith("wg set"))).toHaveLength(2);
    expect(commands(confirm).filter((line) => line.startsWith("wg set"))).toEqual([
      `wg set wgp peer ${peers[9_999]!.key} remove`,
    ]);
  });
});
