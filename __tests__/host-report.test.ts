import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Host, describeAsRoot, directory, withInterface } from "./host/host";
import { hongKong, keyPair, publicKey } from "./host/payload";

// What a host says of itself, and what `doctor` finds on it: the real program on a host of namespaces.
jest.setTimeout(120_000);

const keys = { wgp: keyPair(), wg6: keyPair() };
const sz = publicKey();
const farEnd = keyPair();
const gcp = farEnd.public;
const hk = hongKong(keys, sz, gcp);
/** Two of the host's own networks, as the design has them. */
const payload = { ...hk, rules: [...hk.rules, "pref 10000 to 10.66.220.0/24 lookup 7700 protocol 119"] };

/** Beyond eth0 a router, and behind it a line of MTU 1400 to 192.0.2.0/24. */
const ROUTER = `ip netns add router; ip link set eth0p netns router
  ip -n router addr add 198.51.100.1/24 dev eth0p; ip -n router link set eth0p up; ip -n router link set lo up
  ip -n router link add narrow mtu 1400 type veth peer name narrowp mtu 1400; ip -n router addr add 192.0.2.1/24 dev narrow
  ip -n router link set narrow up; ip -n router link set narrowp up
  ip netns exec router sysctl -qw net.ipv4.ip_forward=1`;

describeAsRoot("what a host says of itself", () => {
  let h: Host;
  beforeAll(async () => {
    h = await Host.start("report");
    h.machine.ok(ROUTER);
    h.giveKeys(keys);
  });
  afterAll(() => h.machine.stop());

  const lines = (verb: string): string[][] => {
    const { status, out } = h.verb(verb);
    expect([status, out]).toEqual([0, expect.stringMatching(/^version\t1\n(.*\n)*end\n$/)]);
    return out
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
  };
  const of = (found: string[][], kind: string): string[][] =>
    found.filter(([first]) => first === kind).map(([, ...rest]) => rest);
  const problems = (): string[] => of(lines("doctor"), "problem").map(([code, text]) => `${code}: ${text}`);
  const codes = (): string[] => problems().map((text) => text.split(":")[0] ?? "");
  /** What the healthy host has all the time: nobody is at the other end. */
  const silent = /^no-handshake: tunnel wg6: no handshake with peer, not once since it came up; is its host up/;
  const found = (): string[] => problems().filter((text) => !silent.test(text));

  test("a host without anything says so", () => {
    expect(of(lines("report"), "interface")).toEqual([]);
    expect(problems()).toEqual([expect.stringMatching(/^not-deployed: .*cdktf deploy/)]);
    expect(h.verb("status").out).toBe("wgchain is not deployed on this host\n");
  });

  test("report: interfaces, peers by name, tables, rules", () => {
    h.deploy(payload);
    const foreign = publicKey();
    h.machine.ok(`wg set wgp peer ${foreign} allowed-ips 10.66.220.77/32`);
    const report = lines("report");
    expect(of(report, "interface")).toEqual([
      ["wg6", "up", "1400", "51826", keys.wg6.public],
      ["wgp", "up", "1440", "51821", keys.wgp.public],
    ]);
    expect(of(report, "peer")).toEqual(
      expect.arrayContaining([
        ["wg6", gcp, "peer", "198.51.100.40:51820", "0", "0", expect.stringMatching(/^\d+$/)],
        ["wgp", sz, "peer", "(none)", "0", "0", "0"],
        ["wgp", foreign, "(unknown)", "(none)", "0", "0", "0"],
      ]),
    );
    expect(of(report, "table")).toContainEqual(["7706", "default dev wg6"]);
    expect(of(report, "rule")).toContainEqual(["pref 11000 from 10.66.220.224 iif wgp lookup 7706"]);
    expect(of(report, "forwarding")).toEqual([["1"]]);
    expect(of(report, "generation")).toEqual([[h.generation()]]);
    expect(of(report, "outcome")).toEqual([["f00d committed"]]);
    expect(Math.abs(Number(of(report, "clock")[0]?.[0]) - Date.now() / 1000)).toBeLessThan(10);
    h.machine.ok(`wg set wgp peer ${foreign} remove`);
  });

  test("no private and no pre-shared key is ever in what it says", () => {
    const psk = keyPair().private;
    h.machine.ok(`umask 077; echo ${psk} >/root/psk; wg set wgp peer ${sz} preshared-key /root/psk; rm /root/psk`);
    const said = ["report", "doctor", "status"].map((verb) => h.verb(verb).out).join("");
    expect(said).toContain(keys.wgp.public);
    for (const secret of [psk, keys.wgp.private, keys.wg6.private]) expect(said).not.toContain(secret);
    h.machine.ok(`wg set wgp peer ${sz} preshared-key /dev/null`);
  });

  test("report reads only, and waits for nobody's lock", () => {
    const before = h.machine.dump();
    h.machine.ok(`mkdir -p /run/wgchain; flock /run/wgchain/lock bash -c 'true'`);
    const holder = h.machine.spawn("exec flock /run/wgchain/lock sleep 20");
    expect(of(lines("report"), "interface")).toHaveLength(2);
    expect(h.verb("status").status).toBe(0);
    lines("doctor");
    holder.kill("SIGKILL");
    expect(h.machine.dump()).toBe(before);
  });

  test("a deploy that is not confirmed, and one that was reverted", () => {
    h.machine.ok(
      `read -r up _ </proc/uptime; echo $((\${up%.*} + 30)) >/run/wgchain/lease; echo 'abc 0123 60' >/var/lib/wgchain/pending`,
    );
    expect(of(lines("report"), "pending")).toEqual([["abc", expect.stringMatching(/^(29|30)$/)]]);
    expect(h.verb("status").out).toMatch(/^the deploy abc is not confirmed; back to the last good configuration in \d+ s$/m);
    expect(codes()).toContain("deploy-pending");
    h.machine.ok("rm /run/wgchain/lease");
    expect(of(lines("report"), "pending")).toEqual([["abc", "-"]]);
    h.machine.ok(
      "rm /var/lib/wgchain/pending; echo 'abc reverted to generation 0123: the deploy ended' >/var/lib/wgchain/outcome",
    );
    expect(found()).toEqual([
      "reverted: the last deploy did not stay: reverted to generation 0123: the deploy ended; mend what it says, and deploy again",
    ]);
    h.machine.ok("echo 'f00d committed' >/var/lib/wgchain/outcome");
  });

  test("doctor: a healthy host differs in nothing, and has no problem but its silent tunnel", () => {
    const report = lines("doctor");
    expect(of(report, "drift")).toEqual([]);
    expect(problems()).toEqual([expect.stringMatching(silent)]);
    expect(h.verb("status").out).not.toContain("differs");
  });

  test("doctor: each thing that was taken away is one line of drift, and repair brings it back", () => {
    h.machine.ok("ip rule del pref 10000; ip route del 10.66.220.0/24 table 7706; ip link set wg6 mtu 1300");
    const drift = of(lines("doctor"), "drift").map(([text]) => text);
    expect(drift).toContain("ip -4 rule add pref 10000 to 10.66.220.0/24 lookup 7700 protocol 119");
    expect(drift).toContain("ip link set dev wg6 mtu 1400");
    expect(drift.some((line) => /^ip -4 route (add|replace) 10.66.220.0\/24 dev wgp table 7706/.test(line ?? ""))).toBe(true);
    expect(h.verb("status").out).toMatch(/^differs: ip link set dev wg6 mtu 1400$/m);
    expect(h.verb("repair").status).toBe(0);
    expect(of(lines("doctor"), "drift")).toEqual([]);
  });

  test("doctor: an interface that is down or gone", () => {
    h.machine.ok("ip link set wg6 down; ip link del wgp");
    const report = of(lines("report"), "interface");
    expect(report).toEqual([
      ["wg6", "down", "1400", "51826", keys.wg6.public],
      ["wgp", "missing", "-", "-", "-"],
    ]);
    expect(found()).toEqual([
      expect.stringMatching(/^interface-down: interface wg6 is down; .*repair$/),
      expect.stringMatching(/^interface-missing: interface wgp does not exist; .*repair$/),
    ]);
    expect(h.verb("repair").status).toBe(0);
    expect(found()).toEqual([]);
  });

  test("doctor: a tunnel that came up a moment ago, and found nobody, has time to ask again", () => {
    h.machine.ok("ip -n router addr add 198.51.100.40/24 dev eth0p; ip link del wg6");
    expect(h.verb("repair").status).toBe(0);
    h.machine.ok(`ip netns exec router wireguard-go far >/dev/null 2>&1; ip -n router link set far up
      ip netns exec router wg set far listen-port 51820 private-key <(echo ${farEnd.private}) peer ${keys.wg6.public} allowed-ips 0.0.0.0/0`);
    expect(problems()).toEqual([]);
    h.machine.ok("ip -n router link del far; ip -n router addr del 198.51.100.40/24 dev eth0p; ip link del wg6");
    expect(h.verb("repair").status).toBe(0);
    expect(problems()).toEqual([expect.stringMatching(silent)]);
  });

  test("doctor: forwarding off, as a whole or for an interface of ours", () => {
    h.machine.ok("sysctl -qw net.ipv4.ip_forward=0");
    expect(found()).toEqual([expect.stringMatching(/^forwarding: IPv4 forwarding is off, .*repair$/)]);
    h.machine.ok("sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.wgp.forwarding=0");
    expect(found()).toEqual(["forwarding: forwarding is off for wgp; sysctl net.ipv4.conf.wgp.forwarding=1"]);
    h.machine.ok("sysctl -qw net.ipv4.conf.wgp.forwarding=1");
  });

  test.each([1, 2])("doctor: a reverse-path filter of %d on ours, by itself or by `all`", (value) => {
    h.machine.ok(`sysctl -qw net.ipv4.conf.wgp.rp_filter=${value}`);
    expect(found()).toEqual([expect.stringMatching(new RegExp(`^rp-filter: the reverse-path filter on wgp is ${value} `))]);
    h.machine.ok(`sysctl -qw net.ipv4.conf.wgp.rp_filter=0 net.ipv4.conf.all.rp_filter=${value}`);
    expect(codes().filter((code) => code === "rp-filter")).toHaveLength(2);
    h.machine.ok("sysctl -qw net.ipv4.conf.all.rp_filter=0");
    expect(found()).toEqual([]);
  });

  test("doctor: a chain of somebody else's that drops what is forwarded", () => {
    h.machine.ok(
      "nft add table inet theirs; nft add chain inet theirs f '{ type filter hook forward priority 0; policy drop; }'",
    );
    expect(found()).toEqual([
      expect.stringMatching(
        /^forward-drop: chain f of nftables table inet theirs .* says nothing of wg6, wgp; allow them there:/,
      ),
    ]);
    h.machine.ok("nft delete table inet theirs");
  });

  describe("doctor: foreign rules that are asked before ours", () => {
    beforeAll(() =>
      h.machine.ok(`ip route add default via 198.51.100.1 table 500; ip route add 100.64.0.0/10 via 198.51.100.1 table 52
        ip route add 10.66.220.128/25 via 198.51.100.1 table 53; ip link add theirs type veth peer name theirsp; ip link set theirs up`),
    );
    // Each rule is looked at by itself, so all of a kind are one run of the doctor.
    const foundOf = (rules: readonly string[]): string[] => {
      h.machine.ok(rules.map((rule) => `ip rule add ${rule}`).join("\n"));
      const text = found();
      h.machine.ok(rules.map((rule) => `ip rule del ${rule}`).join("\n"));
      return text;
    };
    test("those that take packets of ours", () => {
      const rules = [
        "pref 101 lookup 254",
        "pref 102 iif wgp lookup 500",
        "pref 103 fwmark 0x0/0xff lookup 500",
        "pref 104 fwmark 0x6 lookup 500",
        "pref 105 from 10.66.220.0/25 unreachable",
        "pref 106 iif wg6 prohibit",
        "pref 107 goto 32766",
        "pref 108 to 203.0.113.0/24 lookup 500",
        "pref 109 lookup 53",
        "pref 110 not fwmark 0xca6c lookup 500",
        "pref 9999 not iif wgp lookup 500",
      ];
      const says = (rule: string): RegExp =>
        new RegExp(
          `^foreign-rule: the rule '${rule.split(" ", 2).join(" ")} .*', which is not wgchain's, .*remove it \\(ip rule del pref `,
        );
      expect(foundOf(rules).sort()).toEqual(rules.map((rule) => expect.stringMatching(says(rule)) as string));
      expect(found()).toEqual([]);
    });
    test("those that do not", () => {
      const rules = [
        "pref 101 from 203.0.113.0/24 lookup 500",
        "pref 102 lookup 52",
        "pref 5210 fwmark 0x80000/0xff0000 lookup 254",
        "pref 103 iif eth0 lookup 500",
        "pref 104 oif theirs lookup 500",
        "pref 105 lookup 254 suppress_prefixlength 0",
        "pref 10000 lookup 500",
        "pref 32764 not fwmark 0xca6c lookup 500",
        "pref 106 lookup 501",
      ];
      expect(foundOf(rules)).toEqual([]);
    });
  });

  describe("doctor: ways to endpoints", () => {
    afterEach(() => void h.machine.run("ip link set eth0 mtu 1500; ip route replace default via 198.51.100.1"));
    const endpoint = (address: string) => {
      const wg6 = hk.interfaces[0]!;
      return withInterface(payload, "wg6", { peers: [{ ...wg6.peers[0]!, endpoint: `${address}:51820` }] });
    };
    test("a device that is too narrow", () => {
      h.machine.ok("ip link set eth0 mtu 1459");
      expect(found()).toEqual([
        "path-mtu: tunnel wg6 has MTU 1400, so its packets to 198.51.100.40 (peer) need 1460 bytes, but the MTU of eth0 is 1459; give the tunnel mtuBytes 1399 or less in your network, and deploy",
      ]);
      h.machine.ok("ip link set eth0 mtu 1460");
      expect(found()).toEqual([]);
    });
    test("a route that is too narrow", () => {
      h.deploy(endpoint("203.0.113.5"));
      h.machine.ok("ip route replace default via 198.51.100.1 mtu 1300");
      expect(found()).toEqual([
        expect.stringMatching(/^path-mtu: .* but the MTU of the way to it is 1300; give the tunnel mtuBytes 1240 /),
      ]);
    });
    test("a line far away that is too narrow is found by its router's answer; one that says nothing is not", () => {
      h.deploy(endpoint("192.0.2.40"));
      expect(found()).toEqual([
        expect.stringMatching(/^path-mtu: .* to 192.0.2.40 \(peer\) need 1460 bytes, but the MTU on the way to it is 1400; /),
      ]);
      expect(found()).toEqual([expect.stringMatching(/^path-mtu: .* but the MTU of the way to it is 1400; /)]); // the kernel has learnt it
      h.machine.ok("ip route flush cache; ip -n router link set narrow mtu 1500; ip -n router link set narrowp mtu 1500");
      expect(found()).toEqual([]);
    });
    test("no way at all", () => {
      h.machine.ok("ip route del default");
      expect(found()).toEqual([
        expect.stringMatching(/^endpoint-unreachable: no route to 192.0.2.40, the endpoint of peer on wg6 \(.*unreachable\)/),
      ]);
      h.machine.ok("ip route add default via 198.51.100.1");
    });
  });

  test("doctor: systemd-networkd that removes foreign rules, or has not read yet that it must not", () => {
    const since = (text: string): string =>
      `printf '#!/bin/sh\\ncase "$*" in *ExecMainStart*) echo ${text};; esac\\n' >/usr/local/sbin/systemctl; chmod 755 /usr/local/sbin/systemctl; mkdir -p /run/systemd/system`;
    h.machine.ok(since("@99999999999"));
    expect(found()).toEqual([]);
    h.machine.ok("printf '[Network]\\nManageForeignRoutingPolicyRules = yes\\n' >/etc/systemd/networkd.conf.d/zz.conf");
    expect(found()).toEqual([
      expect.stringMatching(/^networkd: systemd-networkd runs with ManageForeignRoutingPolicyRules=yes and may remove/),
    ]);
    h.machine.ok("rm /etc/systemd/networkd.conf.d/zz.conf");
    h.machine.ok("mv /etc/systemd/networkd.conf.d/wgchain.conf /root/");
    expect(found().filter((text) => /^networkd: .*=yes/.test(text))).toHaveLength(2);
    h.machine.ok("mv /root/wgchain.conf /etc/systemd/networkd.conf.d/");
    h.machine.ok(since("@1000"));
    expect(found()).toEqual([expect.stringMatching(/^networkd: systemd-networkd has not read .* yet/)]);
    h.machine.ok("rm -r /run/systemd /usr/local/sbin/systemctl");
    expect(found()).toEqual([]);
  });

  test("10,000 peers are reported in well under a second", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => ({ key: publicKey(), allowedIps: `10.70.${i >> 8}.${i & 255}/32` }));
    const conf = many.map(({ key, allowedIps }) => `[Peer]\nPublicKey = ${key}\nAllowedIPs = ${allowedIps}\n`).join("");
    const peers = many
      .map(({ key, allowedIps }) => ["wgp", key, "(none)", allowedIps, "off", "(none)", `client ${key}`].join("\t"))
      .join("\n");
    // In the directory that the host shares with us: a command line would be too long.
    writeFileSync(join(directory, "conf"), conf);
    writeFileSync(join(directory, "peers"), `${peers}\n`);
    h.machine.ok(`wg addconf wgp ${directory}/conf; cat ${directory}/peers >>/etc/wgchain/peers`);
    const start = Date.now();
    const report = lines("report");
    const took = Date.now() - start;
    expect(of(report, "peer").filter(([, key, name]) => name === `client ${key}`)).toHaveLength(10_000);
    expect(took).toBeLessThan(1000);
  });
});
