import { createHash, randomBytes } from "node:crypto";
import { Host, commands, describeAsRoot } from "./host/host";
import { hongKong, keyPair, publicKey, type Payload } from "./host/payload";

// What a change does between ADD and COMMIT: the new is there, and what carries packets today goes on doing so.
jest.setTimeout(60_000);

const keys = { wgp: keyPair(), wg6: keyPair(), wg8: keyPair() };
const [sz, gcp, hkt] = [publicKey(), publicKey(), publicKey()];
const old = hongKong(keys, sz, gcp);

/** HK with wg8 in wg6's place. */
const moved: Payload = {
  ...old,
  interfaces: [
    old.interfaces[1]!,
    { ...old.interfaces[0]!, name: "wg8", port: 51828, key: keys.wg8.public, peers: [{ key: hkt, allowedIps: "0.0.0.0/0" }] },
  ],
  rules: old.rules,
  routes: old.routes.map((route) => route.replace("wg6", "wg8")),
  nft: `table ip wgchain {
  set own {
    type ifname
  }
  map label_on_wg8 {
    type ipv4_addr : ipv4_addr
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname @own counter accept
  }
  chain leave {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wg8" snat to ip saddr map @label_on_wg8
  }
}
`,
  elements: ['own "wg8"', 'own "wgp"', "label_on_wg8 10.66.220.224 : 10.66.6.251"],
};

describeAsRoot("a change", () => {
  let h: Host;
  const nft = (): string => h.machine.ok("nft -s list table ip wgchain");
  const elements = (set: string): string[] =>
    [...(new RegExp(`${set} \\{[^}]*elements = \\{([^}]*)\\}`).exec(nft())?.[1] ?? "").split(",")]
      .map((one) => one.trim())
      .filter((one) => one !== "")
      .sort();
  const chains = (): string[] => [...nft().matchAll(/chain (\w+) \{/g)].map((match) => match[1] ?? "");
  beforeAll(async () => {
    h = await Host.start("hkchange");
    h.giveKeys(keys);
    h.deploy(old);
  });
  afterAll(() => h.machine.stop());

  test("an interface that leaves keeps its rules and elements until the commit", () => {
    expect(h.add(moved, ["prepare", "add", "switch", "bye"]).status).toBe(0);
    expect(nft()).toContain('oifname "wg6" snat to ip saddr map @label_on_wg6');
    expect(nft()).toContain('oifname "wg8" snat to ip saddr map @label_on_wg8');
    expect(elements("set own")).toEqual(['"wg6"', '"wg8"', '"wgp"']);
    expect(elements("map label_on_wg6")).toEqual(["10.66.220.224 : 10.66.6.250"]);
    expect(h.machine.ok("wg show interfaces").trim().split(/\s+/).sort()).toEqual(["wg6", "wg8", "wgp"]);
    expect(h.confirm().status).toBe(0);
    expect(nft()).not.toContain("wg6");
    expect(elements("set own")).toEqual(['"wg8"', '"wgp"']);
    expect(h.machine.ok("wg show interfaces").trim().split(/\s+/).sort()).toEqual(["wg8", "wgp"]);
    h.deploy(old);
    expect(nft()).not.toContain("wg8");
  });

  test("one element that changes is replaced; nothing else is loaded", () => {
    const change = { ...old, elements: ['own "wg6"', 'own "wgp"', "label_on_wg6 10.66.220.224 : 10.66.6.99"] };
    const handle = (): string => h.machine.ok("nft -a list table ip wgchain | grep -o '# handle [0-9]*'");
    const before = handle();
    expect(h.deploy(change).filter((line) => line.startsWith("nft"))).toEqual(["nft -f (1 elements)"]);
    expect(elements("map label_on_wg6")).toEqual(["10.66.220.224 : 10.66.6.99"]);
    expect(handle()).toBe(before);
    h.deploy(old);
  });

  // Elements are not listed again after they were added: rules are, and whoever loads another ruleset takes these as well.
  test.each(["nft flush chain ip wgchain leave", "nft delete table ip wgchain", "nft flush ruleset"])(
    "rules that go between ADD and CHECK are missed there: %s",
    (hurt) => {
      const change = { ...old, elements: ['own "wg6"', 'own "wgp"', "label_on_wg6 10.66.220.224 : 10.66.6.98"] };
      expect(h.add(change)).toMatchObject({ status: 0 });
      h.machine.ok(hurt);
      const confirm = h.confirm();
      expect(confirm).toMatchObject({ status: 1 });
      expect(confirm.out).toContain("nftables table ip wgchain is not the one that was loaded");
      h.deploy(old);
    },
  );

  test("chains of another version of wgchain go at once", () => {
    const nft = `table ip wgchain {
  chain lockout {
    type filter hook input priority filter; policy accept;
  }
}
`;
    h.deploy({ ...old, nft, elements: [] });
    expect(chains()).toEqual(["lockout"]);
    h.deploy(old);
    expect(chains()).toEqual(["forward", "leave"]);
  });

  test("an interval that overlaps the one it replaces", () => {
    const nets = (net: string): Payload => ({
      ...old,
      nft: `table ip wgchain {
  set networks {
    type ipv4_addr
    flags interval
  }
  chain last_line {
    type filter hook postrouting priority srcnat + 10; policy accept;
    ip saddr @networks counter
  }
}
`,
      elements: [`networks ${net}`, "networks 10.9.0.0/16"],
    });
    h.deploy(nets("10.66.0.0/16"));
    h.deploy(nets("10.66.224.0/19"));
    expect(elements("set networks")).toEqual(["10.66.224.0/19", "10.9.0.0/16"]);
    h.deploy(nets("10.66.0.0/15"));
    expect(elements("set networks")).toEqual(["10.66.0.0/15", "10.9.0.0/16"]);
    h.deploy(old);
  });

  test("a key that is rotated waits for the switch; a revert brings the old one back and keeps the next", () => {
    const next = keyPair();
    h.machine.ok(`umask 077; echo ${next.private} >/etc/wgchain/keys/wgp.key.next`);
    const rotated = {
      ...old,
      interfaces: old.interfaces.map((one) => (one.name === "wgp" ? { ...one, key: next.public } : one)),
    };
    const live = (): string => h.machine.ok("wg show wgp public-key").trim();
    const before = h.sockets();
    const failed = h.add(rotated, ["prepare", "add", "switch", "revert"], 60);
    expect(failed.out).not.toContain(next.private);
    expect(live()).toBe(keys.wgp.public);
    expect(h.machine.ok("cat /etc/wgchain/keys/wgp.key").trim()).toBe(keys.wgp.private);
    expect(h.add(rotated, ["prepare", "add", "bye"]).status).toBe(0);
    expect(live()).toBe(keys.wgp.public);
    h.deploy(rotated);
    expect(live()).toBe(next.public);
    expect(h.machine.ok("ls /etc/wgchain/keys; stat -c %a /etc/wgchain/keys/wgp.key")).toBe("wg6.key\nwg8.key\nwgp.key\n600\n");
    expect(h.sockets()).toBe(before);
    h.machine.ok(`echo ${keys.wgp.private} >/etc/wgchain/keys/wgp.key.next`);
    h.deploy(old);
  });

  test("a peer whose key is rotated leaves its addresses with the old one until the switch", () => {
    const peers = { key: publicKey(), allowedIps: "10.66.220.224/32,10.66.220.225/32" };
    const rotated = { ...old, interfaces: old.interfaces.map((one) => (one.name === "wgp" ? { ...one, peers: [peers] } : one)) };
    const allowed = (): string[] => h.machine.ok("wg show wgp allowed-ips").trim().split("\n").sort();
    h.add(rotated, ["prepare", "add", "bye"]);
    expect(allowed()).toEqual([`${sz}\t10.66.220.224/32 10.66.220.225/32`, `${peers.key}\t(none)`].sort());
    h.add(rotated, ["prepare", "add", "switch", "bye"]);
    expect(allowed()).toEqual([`${sz}\t(none)`, `${peers.key}\t10.66.220.224/32 10.66.220.225/32`].sort());
    h.confirm();
    expect(allowed()).toEqual([`${peers.key}\t10.66.220.224/32 10.66.220.225/32`]);
    h.deploy(old);
  });

  test("a pre-shared key comes from its file, is checked by its digest, and goes again", () => {
    const psk = randomBytes(32).toString("base64");
    const digest = createHash("sha256").update(psk).digest("hex");
    const shared = {
      ...old,
      interfaces: old.interfaces.map((one) =>
        one.name === "wg6" ? { ...one, peers: one.peers.map((peer) => ({ ...peer, pskDigest: digest })) } : one,
      ),
    };
    const live = (): string => h.machine.ok("wg show wg6 preshared-keys").split("\t")[1]!.trim();
    const refused = h.add(shared, ["prepare"]);
    expect(refused.out).toContain(
      `interface wg6: this host has no pre-shared key (/etc/wgchain/keys/wg6.psk) of digest ${digest.slice(0, 12)}`,
    );
    h.machine.ok(`umask 077; echo ${psk} >/etc/wgchain/keys/wg6.psk`);
    const ran = h.deploy(shared);
    expect(ran).toContain(`wg set wg6 peer ${gcp} preshared-key /etc/wgchain/keys/wg6.psk`);
    expect(ran.join()).not.toContain(psk);
    expect(live()).toBe(psk);
    h.machine.ok("wg-quick down wg6 2>/dev/null; wg-quick up wg6 2>/dev/null");
    expect(live()).toBe(psk);
    expect(h.deploy(old)).toContain(`wg set wg6 peer ${gcp} preshared-key /dev/null`);
    expect(live()).toBe("(none)");
  });

  test("a network that the host knows elsewhere, and one that somebody is connected from, are refused", () => {
    const nets = (net: string): Payload => ({ ...old, elements: ['own "wgp"', `networks ${net}`] });
    const refused = (net: string): string => h.add(nets(net), ["prepare"]).out;
    expect(refused("172.16.0.0/16")).toContain(
      "network 172.16.0.0/16 of this deploy overlaps 172.16.0.0/30, which this host reaches by eth1",
    );
    expect(refused("198.51.100.0/25")).toContain(
      "network 198.51.100.0/25 of this deploy overlaps 198.51.100.0/24, which this host reaches by eth0",
    );
    h.machine.ok(`ip addr add 203.0.113.7/32 dev lo; ip addr add 203.0.113.8/32 dev lo
      setsid bash -c 'exec python3 -c "
import socket, time
a = socket.socket(); a.bind((\\"203.0.113.7\\", 7000)); a.listen()
b = socket.socket(); b.bind((\\"203.0.113.8\\", 7001)); b.connect((\\"203.0.113.7\\", 7000))
time.sleep(60)"' >/dev/null 2>&1 &
      for i in $(seq 50); do ss -Htn state established | grep -q 203.0.113.8:7001 && break; sleep 0.1; done`);
    expect(refused("203.0.113.0/24")).toContain("network 203.0.113.0/24 of this deploy holds 203.0.113");
    h.machine.ok("pkill -f '[t]ime.sleep'; ip addr flush dev lo; ip addr add 127.0.0.1/8 dev lo");
  });

  test("too little room is said before the first change", () => {
    h.machine.ok("mkdir -p /var/lib/wgchain; mount -t tmpfs -o size=200k tmpfs /etc/sysctl.d");
    const result = h.add(old, ["prepare"]);
    h.machine.ok("umount /etc/sysctl.d");
    expect(result.status).toBe(1);
    expect(result.out).toMatch(/\/etc\/sysctl.d has \d+ kB free, this deploy needs \d+ kB there; make room/);
    expect(commands(result)).toEqual([]);
  });
});
