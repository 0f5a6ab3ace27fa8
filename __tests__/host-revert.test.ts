import type { ChildProcess } from "node:child_process";
import { Host, commands, describeAsRoot } from "./host/host";
import { HOST_PROGRAM, hongKong, keyPair, publicKey, type Payload } from "./host/payload";

// What becomes of a host when a deploy fails, dies or is cut off, at each of its steps.
jest.setTimeout(60_000);

const keys = { wgp: keyPair(), wg6: keyPair() };
const [sz, gcp] = [publicKey(), publicKey()];
const old = hongKong(keys, sz, gcp);
/** One peer, one rule, one route, one element and one address more; another MTU. */
const next: Payload = {
  ...old,
  interfaces: old.interfaces.map((one) =>
    one.name === "wgp"
      ? {
          ...one,
          mtu: 1410,
          addresses: [...one.addresses, "10.66.221.200/24"],
          peers: [...one.peers, { key: publicKey(), allowedIps: "10.66.220.9/32" }],
        }
      : one,
  ),
  rules: [...old.rules, "pref 11002 from 10.66.220.9/32 iif wgp lookup 7706 protocol 119"],
  routes: [...old.routes, "10.66.221.0/24 dev wgp table 7706 protocol 119"],
  sources: [...old.sources, "wgp 10.66.220.9/32 gcp 10.66.6.250"],
  elements: ['own "wg6"', 'own "wgp"', "label_on_wg6 10.66.220.224 : 10.66.6.250", "label_on_wg6 10.66.220.9 : 10.66.6.250"],
};

/** What must be as it was: the kernel's state and all files, not the record of what happened. */
const stateOf = (h: Host): string =>
  h.machine
    .dump()
    .split("\n")
    .filter((line) => !/\/var\/lib\/wgchain\/(outcome|good)/.test(line) && !/^(wireguard|wgchain)$/.test(line))
    .map((line) => line.replace(/^(\/var\/lib\/wgchain\S* \d+ root \S) \d+ /, "$1 "))
    .join("\n");

const until = async (what: string, seconds: number, met: () => boolean): Promise<number> => {
  const start = Date.now();
  while (!met()) {
    if (Date.now() - start > seconds * 1000) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return (Date.now() - start) / 1000;
};
const outcome = (h: Host): string => h.verb("outcome f00d").out.trim();

describeAsRoot("a deploy that does not come to its end", () => {
  let h: Host;
  let before: string;
  beforeAll(async () => {
    h = await Host.start("hkrev");
    h.giveKeys(keys);
    h.deploy(old);
    before = stateOf(h);
  });
  afterAll(() => h.machine.stop());
  afterEach(() => {
    h.machine.run("rm -f /root/orders");
    expect(stateOf(h)).toBe(before);
  });

  /** A session whose orders come one by one; `end` closes its input. */
  const open = (
    payload: Payload,
    lease: number,
    program = HOST_PROGRAM,
  ): { order: (text: string) => void; child: ChildProcess } => {
    h.writeTree(payload);
    h.machine.ok("rm -f /root/orders; mkfifo /root/orders; : >/root/said");
    const verb = `deploy ${h.tree} ${h.generation()} f00d ${lease}`;
    const child = h.machine.spawn(
      `exec 3<>/root/orders 4</root/orders; exec 3>&-; echo $$ >/root/session; exec bash ${program} ${verb} <&4 4<&- >>/root/said 2>&1`,
    );
    // One writer that stays, so that the input does not end between two orders.
    const writer = h.machine.spawn("exec 5>/root/orders; echo $$ >/root/writer; exec sleep infinity");
    void writer;
    return { child, order: (text) => void h.machine.ok(`echo ${text} >/root/orders`) };
  };
  const said = (): string => h.machine.ok("cat /root/said");
  const hangUp = (): void => void h.machine.run('kill -9 "$(cat /root/writer)"');

  test("an end of the session without a goodbye brings back the old state at once, and says so", () => {
    const result = h.add(next, ["prepare", "add", "switch"], 60);
    expect(result.status).not.toBe(0);
    expect(result.out).toContain("wgchain: added\n");
    expect(result.out).toMatch(
      /wgchain: reverted to generation [0-9a-f]{12}: the deploy ended, or its connection broke, before it was confirmed\n/,
    );
    expect(outcome(h)).toMatch(/^reverted to generation/);
  });

  test("so does the order to revert", () => {
    const result = h.add(next, ["prepare", "add", "revert"], 60);
    expect(result.out).toMatch(/wgchain: reverted to generation [0-9a-f]{12}: the deploy failed\n/);
  });

  test("an order that is none is named, and the old state is back", () => {
    const result = h.add(next, ["prepare", "add", "swtich", "bye"], 60);
    expect(result.status).not.toBe(0);
    expect(result.out).toContain("wgchain-host: the order 'swtich' is unknown\n");
    expect(result.out).toMatch(/wgchain: reverted to generation [0-9a-f]{12}: the order 'swtich' is unknown\n/);
  });

  test("prepare changes nothing, and an end after it neither", () => {
    const result = h.add(next, ["prepare", "bye"], 60);
    expect(result).toEqual({ status: 0, out: "wgchain: prepared\n" });
    expect(outcome(h)).toMatch(/^reverted/); // of the test before
  });

  test("a step that fails half way is undone", () => {
    // Somebody else's route with the same key: `ip route add` fails in the middle.
    const broken = { ...next, routes: [...next.routes, "10.99.0.0/24 dev eth1 table 7706 protocol 119"] };
    h.machine.ok("ip route add 10.99.0.0/24 dev eth1 table 7706 proto static");
    const result = h.add(broken, ["prepare", "add", "bye"], 60);
    h.machine.ok("ip route del 10.99.0.0/24 table 7706 proto static");
    expect(result.status).not.toBe(0);
    expect(result.out).toContain("RTNETLINK answers: File exists");
    expect(result.out).toMatch(/wgchain: reverted to generation [0-9a-f]{12}: what is new could not be added/);
  });

  test("a session that is killed is reverted when its lease is over, by who watches", async () => {
    const { order } = open(next, 3);
    order("prepare");
    order("add");
    await until("added", 20, () => said().includes("wgchain: added"));
    h.machine.ok('pkill -9 -f "deploy .* f00d"');
    expect(stateOf(h)).not.toBe(before);
    expect(outcome(h)).toBe("pending");
    const seconds = await until("reverted", 40, () => outcome(h).startsWith("reverted"));
    expect(seconds).toBeGreaterThan(1);
    expect(outcome(h)).toContain("the deploy was not heard of for 3 s");
    hangUp();
  });

  test("beats keep it from that, and their end does not", async () => {
    const { order } = open(next, 4);
    order("prepare");
    order("add");
    await until("added", 20, () => said().includes("wgchain: added"));
    for (let i = 0; i < 7; i++) {
      order("beat");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(outcome(h)).toBe("pending");
    }
    await until("reverted", 40, () => outcome(h).startsWith("reverted"));
    hangUp();
    await until("the session ends", 40, () => h.machine.run("pgrep -f 'deploy .* f00d'").status !== 0);
  });

  test("the next deploy puts right what a killed one left, before it begins", async () => {
    const { order } = open(next, 60);
    order("prepare");
    order("add");
    await until("added", 20, () => said().includes("wgchain: added"));
    h.machine.ok('pkill -9 -f "deploy .* f00d"');
    hangUp();
    const result = h.add(old, ["prepare", "bye"], 60);
    expect(result.out).toContain("reverts: the deploy f00d was never confirmed");
  });

  test("what a killed one was writing is removed by the next, and what somebody is writing now is not", () => {
    h.machine.ok(`mkdir /var/lib/wgchain/good.killed; cd /var/lib/wgchain
      touch pending.4194305.wgchain-new pending.1.wgchain-new /run/wgchain/lease.4194305.wgchain-new`); // no pid is so great
    expect(h.add(next, ["prepare", "add"], 60).out).toContain("wgchain: reverted to generation");
    const left = h.machine.ok("cd /var/lib/wgchain; ls -d *.wgchain-new /run/wgchain/* good.* | grep -e wgchain-new -e good");
    expect(left).toMatch(/^good\.\w{6}\npending\.1\.wgchain-new\n$/);
    h.machine.ok("rm /var/lib/wgchain/pending.1.wgchain-new");
  });

  test("while a deploy holds the host, another is refused, and the lock dies with its holder", async () => {
    const { order } = open(next, 60);
    order("prepare");
    await until("prepared", 20, () => said().includes("wgchain: prepared"));
    const second = h.add(old, ["prepare", "add", "bye"], 60);
    expect(second.status).toBe(1);
    expect(second.out).toContain("another deploy to this host is under way");
    h.machine.ok('pkill -9 -f "deploy .* f00d"');
    hangUp();
    expect(h.add(old, ["prepare", "bye"], 60).status).toBe(0);
  });

  test("a restart before the confirmation brings back the old files, before any interface", async () => {
    const { order } = open(next, 60);
    order("prepare");
    order("add");
    await until("added", 20, () => said().includes("wgchain: added"));
    h.machine.ok('pkill -9 -f "[d]eploy .* f00d"; pkill -9 -f "[w]atch f00d"');
    hangUp();
    // What a reboot does to memory.
    h.machine.ok(
      "rm -rf /run/wgchain; wg-quick down wg6; wg-quick down wgp; ip rule flush protocol 119; ip route flush table all proto 119; nft delete table ip wgchain",
    );
    expect(h.verb("boot").status).toBe(0);
    expect(outcome(h)).toContain("the host was restarted before the deploy was confirmed");
    h.machine.ok("wg-quick up wg6; wg-quick up wgp");
  });

  test("with a lease of 0 nothing is reverted; the next confirmation takes it", () => {
    h.add(next, ["prepare", "add", "switch"], 0);
    expect(stateOf(h)).not.toBe(before);
    expect(h.verb("outcome f00d").out).toBe("pending\n");
    h.deploy(old);
  });

  test("a reverted change leaves no connection of the sources it had tried", () => {
    const moved = { ...old, sources: [old.sources[0]!, "wgp 10.66.220.225/32 hkt 10.66.8.250"] };
    const session = (address: string): void =>
      void h.machine.ok(
        `conntrack -I -p udp -s ${address} -d 192.0.2.1 --sport 4000 --dport 9 -t 120 -r 192.0.2.1 -q ${address} --reply-port-src 9 --reply-port-dst 4000`,
      );
    session("10.66.220.225");
    session("10.66.220.224");
    h.add(moved, ["prepare", "add", "revert"], 60);
    const left = h.machine.ok("conntrack -L 2>/dev/null");
    expect(left).not.toContain("src=10.66.220.225");
    expect(left).toContain("src=10.66.220.224");
    h.machine.ok("conntrack -D -s 10.66.220.224 >/dev/null 2>&1");
  });
});

describeAsRoot("a first deploy that fails", () => {
  let h: Host;
  beforeAll(async () => void (h = await Host.start("hkfirst")));
  afterAll(() => h.machine.stop());

  test("leaves the host as it was found, and the next one works", () => {
    h.giveKeys(keys);
    const found = stateOf(h);
    const result = h.add(old, ["prepare", "add"], 60);
    expect(result.out).toContain("wgchain: reverted to nothing of wgchain, as before the first deploy");
    expect(stateOf(h).replace(/^\/var\/lib\/wgchain .*\n/m, "")).toBe(found);
    expect(outcome(h)).toMatch(/^reverted to nothing/);
    h.deploy(old);
  });

  test("what was done by hand is put right by repair, and drift names it", () => {
    const before = stateOf(h);
    h.machine.ok(`ip rule flush protocol 119; nft flush ruleset; ip link del wgp; wg set wg6 peer ${gcp} remove
      rm -rf /etc/wgchain/rules /etc/wireguard/wgp.conf; echo 0 >/proc/sys/net/ipv4/ip_forward`);
    const repair = h.verb("repair");
    expect(repair.status).toBe(0);
    expect(commands(repair)).toEqual(
      expect.arrayContaining([
        "install -m 600 /etc/wireguard/wgp.conf",
        "install -m 644 /etc/wgchain/rules",
        "nft -f (table ip wgchain)",
        "wg-quick up wgp",
        "sysctl net.ipv4.ip_forward=1 (was 0)",
        `wg set wg6 peer ${gcp} endpoint 198.51.100.40:51820 allowed-ips 0.0.0.0/0 persistent-keepalive 25`,
      ]),
    );
    expect(stateOf(h)).toBe(before);
    expect(commands(h.verb("repair"))).toEqual([]);
  });

  test("an interface does not come up where nothing would close the host", () => {
    h.machine.ok("wg-quick down wgp; nft delete table ip wgchain");
    const up = h.machine.run("wg-quick up wgp");
    expect(up.status).not.toBe(0);
    expect(up.out).toContain("interface wgp stays down: the nftables table ip wgchain is missing");
    expect(h.machine.run("ip link show wgp").status).not.toBe(0);
    h.verb("boot");
    h.machine.ok("ip rule del pref 12000");
    expect(h.machine.run("wg-quick up wgp").out).toContain("interface wgp stays down: pref 12000 iif wgp lookup 7700 is missing");
    h.machine.ok("wgchain=/usr/local/lib/wgchain/wgchain-host; $wgchain repair; ip link show wgp");
  });
});
