import { Host, commands, describeAsRoot } from "./host/host";
import { keyPair, type Payload, hongKong, publicKey } from "./host/payload";

// What a host remembers of failover, and what a deploy makes of it. What measures asks targets that nobody has here, or a stand-in for ping answers.
jest.setTimeout(120_000);

const keys = { wgp: keyPair(), wg6: keyPair(), wg7: keyPair() };
const base = hongKong(keys, publicKey(), publicKey());
const wg7 = {
  name: "wg7",
  addresses: ["10.66.7.250/32"],
  mtu: 1440,
  port: 51827,
  key: keys.wg7.public,
  peers: [{ key: publicKey(), endpoint: "198.51.100.30:51820", allowedIps: "0.0.0.0/0", keepalive: 25 }],
};
const without: Payload = { ...base, interfaces: [...base.interfaces, wg7] };
const end = "metric 4278198272 protocol 119";
/** Label 10.66.220.224 fails over; tables: 900 is moved, 601 and 701 measure. */
const withFailover = (
  settings = "every 1 down 2 up 2 hold 3 ask 203.0.113.1",
  order: readonly string[] = ["wg6", "wg7"],
): Payload => {
  const [first = "", second = ""] = order;
  const exits: Readonly<Record<string, string>> = { wg6: "gcp", wg7: "hkt" };
  const tables: Readonly<Record<string, number>> = { wg6: 601, wg7: 701 };
  const labels: Readonly<Record<string, string>> = { wg6: "10.66.6.250", wg7: "10.66.7.250" };
  const name = order.map((dev) => `${exits[dev] ?? ""}:${dev}`).join(",");
  return {
    ...without,
    rules: [
      ...without.rules,
      "pref 10090 iif lo fwmark 0x259 lookup 601 protocol 119",
      "pref 10090 iif lo fwmark 0x2bd lookup 701 protocol 119",
      "pref 11000 iif wgp fwmark 0x384 lookup 900 protocol 119",
    ],
    routes: [
      ...without.routes,
      ...[601, 701, 900].map((table) => `unreachable default table ${table} ${end}`),
      "default dev wg6 table 601 protocol 119",
      "default dev wg7 table 701 protocol 119",
      `default dev ${first} table 900 protocol 119`,
    ],
    sources: [
      `wgp 10.66.220.224 ${exits[first] ?? ""},${exits[second] ?? ""} ${labels[first] ?? ""},${labels[second] ?? ""} ${first},${second} 900`,
    ],
    extra: {
      ...without.extra,
      "etc/wgchain/failover": `${name} table 900 ${settings}\n`,
      "etc/wgchain/choices": order
        .map(
          (dev, i) =>
            `${name} ${i + 1} exit ${exits[dev] ?? ""} dev ${dev} table ${tables[dev] ?? 0} from ${labels[dev] ?? ""}\n`,
        )
        .join(""),
    },
  };
};

describeAsRoot("a host that fails over", () => {
  let h: Host;
  const route = (): string => h.machine.ok("ip -4 route show table 900 default | head -n 1").trim();
  /** Marks that are answered; the stand-in for ping is asked by mark (-m). */
  const alive = (...marks: readonly number[]): void => void h.machine.ok(`echo ' ${marks.join(" ")} ' >/run/answers`);
  const until = (script: string): void =>
    void h.machine.ok(
      `for i in $(seq 100); do if ${script}; then exit 0; fi; sleep 0.1; done; cat /run/wgchain/failover.log; ip route show table 900; exit 1`,
    );
  /** Written down, which comes after the route. */
  const taken = (what: string, test: string): void => until(`grep ' ${what} ' /var/lib/wgchain/failover >/dev/null && ${test}`);
  const leadsBy = (dev: string): void => taken(dev, `ip -4 route show table 900 | grep "^default dev ${dev} " >/dev/null`);
  const closed = (): void => taken("closed", `! ip -4 route show table 900 | grep "^default dev" >/dev/null`);
  const pid = (): string => h.machine.ok("cat /run/wgchain/failover.pid").trim();
  const moves = (): string[] => h.machine.ok("grep ' goes ' /run/wgchain/failover.log || true").split("\n").filter(Boolean);

  const connection = (source: string, label: string, port = 4000) =>
    `conntrack -I -p udp -s ${source} -d 203.0.113.1 -r 203.0.113.1 -q ${label} --sport ${port} --dport 53 --reply-port-src 53 --reply-port-dst ${port} -t 600 >/dev/null`;
  beforeAll(async () => {
    h = await Host.start("failover");
    h.giveKeys(keys);
    h.machine.ok(`cat >/usr/local/bin/ping <<'P'
#!/bin/bash
while [ $# -gt 0 ]; do [ "$1" != -m ] || mark=$2; shift; done
grep -q " $mark " /run/answers || { sleep 0.3; exit 1; }
P
      chmod 755 /usr/local/bin/ping`);
    alive(601, 701);
    h.deploy(without);
  });
  afterAll(() => h.machine.stop());

  test("begins with the first exit, measured", () => {
    const ran = h.deploy(withFailover());
    expect(ran).toContain("start_failover_process");
    leadsBy("wg6");
    until("[ -s /run/wgchain/failover.seen ]");
    expect(h.verb("report").out).toMatch(/^failover\tgcp:wg6,hkt:wg7\tgcp\twg6\t0\tmeasured$/m);
    expect(h.deploy(withFailover())).toEqual([]);
  });

  test("goes to the next when it is dead, forgets its connections and no others, and tells", () => {
    h.machine.ok([connection("10.66.220.224", "10.66.6.250"), connection("10.66.220.225", "10.66.7.250")].join("\n"));
    alive(701);
    leadsBy("wg7");
    until("! conntrack -L 2>/dev/null | grep src=10.66.220.224 >/dev/null");
    expect(h.machine.ok("conntrack -L 2>/dev/null")).toContain("src=10.66.220.225");
    expect(moves()).toEqual([
      expect.stringMatching(/gcp:wg6,hkt:wg7 goes to hkt by wg7: gcp by wg6 has not answered 2 times in a row \(no handshake\)$/),
    ]);
    expect(h.verb("report").out).toMatch(/^failover\tgcp:wg6,hkt:wg7\thkt\twg7\t\d+\tmeasured$/m);
    expect(h.verb("doctor").out).toMatch(/^problem\texit-dead\texit gcp by wg6 /m);
    expect(h.verb("doctor").out).not.toMatch(/^drift/m);
  });

  test("a repair, a deploy and an interface's restart leave it there", () => {
    h.machine.ok(connection("10.66.220.224", "10.66.7.250", 4001));
    expect(commands(h.verb("repair"))).toEqual([]);
    const elsewhere = { ...withFailover(), sysctls: [...(without.sysctls ?? []), "net.ipv4.conf.wg6.rp_filter = 0"] };
    expect(h.deploy(elsewhere).filter((line) => / 900 /.test(line) || /conntrack/.test(line))).toEqual([]);
    h.deploy(withFailover());
    expect(h.machine.ok("conntrack -L 2>/dev/null")).toContain("src=10.66.220.224");
    h.machine.ok("wg-quick down wg7 && wg-quick up wg7");
    expect(route()).toMatch(/^default dev wg7 /);
  });

  test("killed with -9 it begins where it was", () => {
    const before = pid();
    h.machine.ok(`kill -9 ${before}`);
    until(`[ "$(cat /run/wgchain/failover.pid)" != ${before} ]`);
    expect(route()).toMatch(/^default dev wg7 /);
    // What was dead is not unknown again: it must answer more than once.
    until("[ /run/wgchain/failover.seen -nt /run/wgchain/failover.pid ]");
    expect(h.verb("report").out).toMatch(/^choice\t\S+\t1\tgcp\twg6\tdead\t/m);
  });

  test("killed between the route and what is written of it, the route follows what is written", () => {
    alive(601, 701);
    h.machine.ok(
      `pkill -9 -f '[w]gchain-failover /usr' ; kill -9 ${pid()}; ip route replace default dev wg6 table 900 proto 119`,
    );
    expect(h.verb("doctor").out).toMatch(/^problem\tfailover-stopped\t/m);
    expect(commands(h.verb("repair"))).toContainEqual(expect.stringMatching(/route replace default dev wg7 table 900/));
    leadsBy("wg6");
  });

  test("closes when none is alive, and opens again", () => {
    alive();
    closed();
    expect(route()).toMatch(/^unreachable default /);
    expect(h.verb("report").out).toMatch(/^failover\tgcp:wg6,hkt:wg7\t-\tclosed\t/m);
    expect(commands(h.verb("repair"))).toEqual([]);
    alive(601);
    leadsBy("wg6");
  });

  test("killed, and begun anew while nobody answers, it closes", () => {
    const before = pid();
    h.machine.ok(`kill -9 ${before}`);
    alive();
    closed();
    expect(moves().at(-1)).toMatch(/ goes nowhere, for no exit is alive: gcp by wg6 has not answered 2 times/);
    expect(h.machine.ok("cat /run/wgchain/failover.log")).not.toMatch(/wgchain-host: line \d+/);
    alive(601);
    leadsBy("wg6");
  });

  test("choices in another order are others: they begin with the first that is not known to be dead", () => {
    alive(601);
    until("grep ' dead .* 701$' /run/wgchain/failover.seen >/dev/null");
    h.deploy(withFailover(undefined, ["wg7", "wg6"]));
    expect(route()).toMatch(/^default dev wg6 /);
    alive(601, 701);
    leadsBy("wg7");
  });

  test("without failover nothing measures, and nothing is left", () => {
    h.deploy(without);
    expect(h.machine.ok("ls /run/wgchain /var/lib/wgchain; ip -4 rule")).not.toMatch(/failover\.(seen|loop)|^failover$|10090/m);
    until(`! ps ax | grep '[w]gchain-host failover' >/dev/null`);
  });

  test("destroy ends it", () => {
    h.deploy(withFailover());
    expect(h.verb("destroy").status).toBe(0);
    until(`! ps ax | grep '[w]gchain-host failover' >/dev/null`);
    expect(h.machine.ok("ip -4 route show table all proto 119; ls /run/wgchain 2>/dev/null || true")).toBe("");
  });
});
