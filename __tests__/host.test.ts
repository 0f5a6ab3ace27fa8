import { Host, commands, describeAsRoot, withInterface } from "./host/host";
import { HOST_PROGRAM, hongKong, keyPair, publicKey } from "./host/payload";

// The real program on a host of network, mount and process namespaces, with wireguard-go and nft: HK of the reference network.
jest.setTimeout(60_000);

const keys = { wgp: keyPair(), wg6: keyPair() };
const sz = publicKey();
const gcp = publicKey();
const hk = hongKong(keys, sz, gcp);

/** Things of other people that must survive: a rule, a route in a table, an nft table, a WireGuard interface, stricter reverse path filters. */
const FOREIGN = `
  ip rule add pref 500 from 203.0.113.0/24 lookup 500 protocol static; ip route add default via 198.51.100.1 table 500 protocol static
  ip rule add pref 11000 from 203.0.113.9 lookup 500
  nft add table inet theirs; nft add chain inet theirs input '{ type filter hook input priority 0; policy accept; }'
  umask 077; wg genkey >/root/theirs; printf '[Interface]\\nPrivateKey = %s\\nListenPort = 40000\\nAddress = 10.9.9.1/24\\nTable = off\\n' "$(cat /root/theirs)" >/etc/wireguard/theirs.conf
  wg-quick up theirs
  echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 2 >/proc/sys/net/ipv4/conf/eth1/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/eth0/rp_filter
  echo 0 >/proc/sys/net/ipv4/conf/all/accept_redirects; echo 1 >/proc/sys/net/ipv4/conf/eth1/forwarding`;

describeAsRoot("a host's life", () => {
  let h: Host;
  let found: string;
  beforeAll(async () => {
    h = await Host.start("hk");
    h.machine.ok(FOREIGN);
    h.giveKeys(keys);
    found = h.machine.dump();
  });
  afterAll(() => h.machine.stop());

  test("add brings up all from nothing, and confirm has nothing to do", () => {
    const add = h.add(hk);
    expect(add).toMatchObject({ status: 0 });
    expect(add.out).not.toContain(keys.wgp.private);
    const rules = h.machine.ok("ip rule show");
    expect(rules).toContain("11000:	from 10.66.220.224 iif wgp lookup 7706 proto 119");
    expect(rules).toContain("12001:	from 10.66.220.0/24 iif lo lookup 7700 proto 119");
    expect(h.machine.ok("ip route show table 7706 | sort")).toBe(
      [
        "10.66.220.0/24 dev wgp proto 119 scope link ",
        "default dev wg6 proto 119 scope link ",
        "unreachable default proto 119 metric 4278198272 ",
        "",
      ].join("\n"),
    );
    expect(h.machine.ok("wg show wg6 public-key; wg show wgp public-key")).toBe(`${keys.wg6.public}\n${keys.wgp.public}\n`);
    expect(h.machine.ok("stat -c '%a %U' /etc/wireguard/wgp.conf /usr/local/lib/wgchain/wgchain-host")).toBe(
      "600 root\n755 root\n",
    );
    expect(h.confirm()).toEqual({ status: 0, out: "wgchain: checked\nwgchain: committed\n" });
  });

  test("forwarding comes after rules and nft, interfaces after forwarding", () => {
    h.verb("destroy");
    const ran = commands(h.add(hk));
    const at = (part: string): number => ran.findIndex((line) => line.includes(part));
    const order = [
      "unreachable default metric 4278198272 table 7700",
      "rule add pref 12000",
      "nft -f",
      "net.ipv4.ip_forward=1",
      "wg-quick up wg6",
    ].map(at);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).not.toContain(-1);
    expect(h.confirm()).toMatchObject({ status: 0 });
  });

  test("a second add changes nothing", () => {
    const look = (): string =>
      `${h.sockets()}${h.machine.ok("find /etc/wgchain /etc/wireguard /usr/local/lib/wgchain /var/lib/wgchain -type f -printf '%p %T@ %i\\n' | sort")}`;
    const before = look();
    expect(h.add(hk)).toEqual({ status: 0, out: "wgchain: prepared\nwgchain: added\nwgchain: switched\n" });
    expect(h.confirm()).toEqual({ status: 0, out: "wgchain: checked\nwgchain: committed\n" });
    expect(look()).toBe(before);
  });

  test("other interfaces keep the reverse path filter that was in force", () => {
    expect(
      h.machine
        .ok("cd /proc/sys/net/ipv4/conf; cat all/rp_filter wgp/rp_filter eth0/rp_filter eth1/rp_filter theirs/rp_filter")
        .split("\n")
        .join(" "),
    ).toBe("0 0 1 2 1 ");
  });

  test("peers are changed by one `wg set` each, sockets and keys stay", () => {
    const sockets = h.sockets();
    const wgp = hk.interfaces[1]!;
    const added = { key: publicKey(), allowedIps: "10.66.220.240/32", keepalive: 15 };
    expect(h.deploy(withInterface(hk, "wgp", { peers: [...wgp.peers, added] })).filter((line) => line.startsWith("wg "))).toEqual(
      [`wg set wgp peer ${added.key} allowed-ips 10.66.220.240/32 persistent-keepalive 15`],
    );
    const fewer = { ...added, allowedIps: "10.66.220.241/32" };
    expect(h.deploy(withInterface(hk, "wgp", { peers: [...wgp.peers, fewer] })).filter((line) => line.startsWith("wg "))).toEqual(
      [`wg set wgp peer ${added.key} allowed-ips 10.66.220.241/32`],
    );
    const { keepalive: _, ...silent } = fewer;
    expect(
      h.deploy(withInterface(hk, "wgp", { peers: [...wgp.peers, silent] })).filter((line) => line.startsWith("wg ")),
    ).toEqual([`wg set wgp peer ${added.key} persistent-keepalive off`]);
    expect(h.machine.ok("wg show wgp persistent-keepalive")).toContain(`${added.key}\toff`);
    expect(commands(h.add(hk)).filter((line) => line.startsWith("wg "))).toEqual([]);
    expect(commands(h.confirm()).filter((line) => line.startsWith("wg "))).toEqual([`wg set wgp peer ${added.key} remove`]);
    expect(h.sockets()).toBe(sockets);
    expect(h.machine.ok("wg show wgp public-key").trim()).toBe(keys.wgp.public);
  });

  test("an endpoint, an address and an MTU change in place; a prefix of three addresses loses only one", () => {
    const wg6 = hk.interfaces[0]!;
    const moved = withInterface(hk, "wg6", { mtu: 1380, peers: [{ ...wg6.peers[0]!, endpoint: "198.51.100.41:51820" }] });
    expect(h.deploy(moved).filter((line) => /^(wg|ip) /.test(line))).toEqual([
      `wg set wg6 peer ${gcp} endpoint 198.51.100.41:51820`,
      "ip link set dev wg6 mtu 1380",
    ]);
    const three = ["10.66.220.200/24", "10.66.220.201/24", "10.66.220.202/24"];
    h.deploy(withInterface(hk, "wgp", { addresses: three }));
    const ran = h.deploy(withInterface(hk, "wgp", { addresses: three.slice(1) }));
    expect(ran.filter((line) => line.startsWith("ip "))).toEqual(["ip -4 addr del 10.66.220.200/24 dev wgp"]);
    expect(h.machine.ok("ip -4 -o addr show dev wgp | awk '{ print $4 }'")).toBe("10.66.220.201/24\n10.66.220.202/24\n");
    h.deploy(hk);
  });

  test("a stale rule and its routes fall at confirm, not before; an exit that moves is replaced in one step", () => {
    const fewer = { ...hk, rules: hk.rules.slice(1), routes: hk.routes.filter((route) => !route.includes("10.66.6.0/24")) };
    expect(commands(h.add(fewer)).filter((line) => line.startsWith("ip "))).toEqual([]);
    expect(commands(h.confirm()).filter((line) => line.startsWith("ip "))).toEqual([
      "ip -4 rule del pref 11000 from 10.66.220.224 iif wgp lookup 7706 protocol 119",
      "ip -4 route del 10.66.6.0/24 dev wg6 table 7700 protocol 119",
    ]);
    expect(h.machine.ok("ip rule show")).toContain("11000:	from 203.0.113.9 lookup 500");
    const moved = {
      ...hk,
      routes: hk.routes.map((route) => route.replace("default dev wg6 table 7706", "default dev wgp table 7706")),
    };
    expect(commands(h.add(moved)).filter((line) => line.includes("default"))).toEqual([
      "ip -4 route replace default dev wgp table 7706 protocol 119",
    ]);
    h.deploy(hk);
  });

  test("confirm refuses another generation and a host that does not stand, and prunes nothing then", () => {
    const before = h.machine.dump();
    const other = h.verb(`confirm ${"0".repeat(64)} f00d </dev/null`);
    expect(other.status).toBe(1);
    expect(other.out).toContain("not 000000000000: f00d committed; run the deploy again");
    expect(h.machine.dump()).toBe(before);
    h.machine.ok("ip rule del pref 12000; ip rule add pref 13000 from 10.1.1.1 lookup 7700 protocol 119");
    const standing = h.confirm();
    expect(standing.status).toBe(1);
    expect(standing.out).toContain("missing rule: pref 12000 iif wgp lookup 7700");
    expect(h.machine.ok("ip rule show")).toContain("13000:");
    h.deploy(hk);
    expect(h.machine.dump()).toBe(before);
  });

  test("somebody's flush of nftables, or a hand-edited table, is mended by the next add", () => {
    h.machine.ok("nft delete table ip wgchain");
    expect(h.deploy(hk)).toEqual(["nft -f (table ip wgchain)"]);
    h.machine.ok("nft add element ip wgchain label_on_wg6 '{ 10.0.0.1 : 10.0.0.2 }'");
    expect(h.deploy(hk)).toEqual(["nft -f (1 stale elements)"]);
    h.machine.ok("nft flush chain ip wgchain leave");
    expect(h.deploy(hk)).toEqual(["nft -f (table ip wgchain, which somebody has changed)"]);
  });

  test("an interface taken down and up again has its routes back in all tables", () => {
    const before = h.machine.ok("ip -4 route show table all | sort");
    h.machine.ok("wg-quick down wg6");
    expect(h.machine.ok("ip route show table 7706")).not.toContain("wg6");
    h.machine.ok("wg-quick up wg6");
    expect(h.machine.ok("ip -4 route show table all | sort")).toBe(before);
  });

  test("reload removes what the files do not have, and the private key stays", () => {
    const foreign = publicKey();
    h.machine.ok(`wg set wgp peer ${foreign} allowed-ips 10.66.220.250/32`);
    expect(commands(h.verb("reload wgp"))).toEqual([`wg set wgp peer ${foreign} remove`]);
    expect(h.machine.ok("wg show wgp public-key").trim()).toBe(keys.wgp.public);
    expect(h.verb("reload theirs").out).toContain("interface theirs is not wgchain's");
  });

  test("only the connections of changed sources are forgotten, and only by confirm", () => {
    for (const source of ["10.66.220.224", "10.66.220.225"])
      h.machine.ok(`conntrack -I -p udp -s ${source} -d 192.0.2.1 --sport 1000 --dport 53 --timeout 300`);
    const moved = { ...hk, sources: [hk.sources[0]!, "wgp 10.66.220.225/32 hkt 10.66.7.250"] };
    h.add(moved);
    expect(h.machine.ok("conntrack -L 2>/dev/null")).toContain("src=10.66.220.225");
    expect(commands(h.confirm())).toEqual(["conntrack -D -f ipv4 -s 10.66.220.225"]);
    const left = h.machine.ok("conntrack -L 2>/dev/null");
    expect(left).toContain("src=10.66.220.224");
    expect(left).not.toContain("src=10.66.220.225");
    h.deploy(hk);
  });

  test("an interface that is no longer wanted goes at confirm, with its files", () => {
    const wg6Only = {
      ...hk,
      interfaces: hk.interfaces.slice(0, 1),
      rules: [],
      routes: hk.routes.filter((route) => !route.includes("wgp")),
    };
    expect(commands(h.add(wg6Only)).filter((line) => line.startsWith("wg-quick"))).toEqual([]);
    expect(h.machine.run("ip link show wgp").status).toBe(0);
    const ran = commands(h.confirm());
    expect(ran).toContain("wg-quick down wgp");
    expect(h.machine.run("ip link show wgp").status).not.toBe(0);
    expect(h.machine.run("ls /etc/wireguard/wgp.conf '/etc/systemd/system/wg-quick@wgp.service.d'").status).not.toBe(0);
    h.deploy(hk);
  });

  test("an interface under a new name takes the port of the old one", () => {
    h.giveKeys({ wgq: keys.wgp });
    const renamed = (list: readonly string[]): string[] => list.map((line) => line.replace("wgp", "wgq"));
    h.deploy({ ...withInterface(hk, "wgp", { name: "wgq" }), rules: renamed(hk.rules), routes: renamed(hk.routes) });
    expect(h.machine.ok("wg show all listen-port | sort")).toBe("theirs\t40000\nwg6\t51826\nwgq\t51821\n");
    h.deploy(hk);
    h.machine.ok("rm /etc/wgchain/keys/wgq.key");
  });

  test("a new private key is taken without a restart", () => {
    const pair = keyPair();
    const sockets = h.sockets();
    h.giveKeys({ wgp: pair });
    const ran = h.deploy(withInterface(hk, "wgp", { key: pair.public }));
    expect(ran.filter((line) => line.startsWith("wg"))).toEqual(["wg set wgp private-key /etc/wgchain/keys/wgp.key"]);
    expect(h.machine.ok("wg show wgp public-key").trim()).toBe(pair.public);
    expect(h.sockets()).toBe(sockets);
    h.giveKeys(keys);
    h.deploy(hk);
  });

  test("boot puts back what a reboot loses, also the raised filters", () => {
    const before = h.machine.ok(
      "ip rule show; ip -4 route show table all | sort; nft -s list ruleset; sysctl net.ipv4.conf.eth0.rp_filter",
    );
    h.machine.ok(
      "nft flush ruleset; nft add table inet theirs; nft add chain inet theirs input '{ type filter hook input priority 0; policy accept; }'",
    );
    h.machine.ok(
      "while ip rule del protocol 119 pref 12000 2>/dev/null; do :; done; ip route del unreachable default table 7700 metric 4278198272; echo 0 >/proc/sys/net/ipv4/conf/eth0/rp_filter; rm -r /run/wgchain",
    );
    expect(h.verb("boot").status).toBe(0);
    const lines = (text: string): string[] => text.split("\n").sort();
    expect(
      lines(
        h.machine.ok("ip rule show; ip -4 route show table all | sort; nft -s list ruleset; sysctl net.ipv4.conf.eth0.rp_filter"),
      ),
    ).toEqual(lines(before));
  });

  test("status says what stands and what does not", () => {
    expect(h.verb("status").out).toContain("4 rules, 6 routes in 2 tables");
    expect(h.verb("doctor").out).not.toContain("drift");
    h.machine.ok("ip rule del pref 12000");
    expect(h.verb("doctor").out).toContain("drift\tip -4 rule add pref 12000 iif wgp lookup 7700 protocol 119");
    h.deploy(hk);
  });

  test("a second run is refused while one holds the lock", () => {
    const locked = h.machine.run(`flock /run/wgchain/lock bash ${HOST_PROGRAM} destroy`);
    expect(locked.status).toBe(1);
    expect(locked.out).toContain("another wgchain run holds /run/wgchain/lock");
  });

  test("destroy leaves the host as it was found, keys stay, and it may be run again", () => {
    expect(h.verb("destroy").status).toBe(0);
    expect(h.machine.dump()).toBe(found);
    expect(h.machine.ok("ls /etc/wgchain/keys")).toBe("wg6.key\nwgp.key\n");
    expect(h.verb("destroy")).toEqual({ status: 0, out: "" });
    expect(h.machine.dump()).toBe(found);
  });

  test("destroy cleans up after an add that broke off half way", () => {
    // The last step fails: another program's route stands where ours must.
    h.machine.ok("ip route add 10.66.6.0/24 via 198.51.100.1 metric 7");
    const before = h.machine.dump();
    expect(h.add({ ...hk, routes: [...hk.routes, "10.66.6.0/24 dev wg6 metric 7 table main protocol 119"] }).status).not.toBe(0);
    expect(h.machine.dump()).not.toBe(before);
    expect(h.verb("destroy").status).toBe(0);
    expect(h.machine.dump()).toBe(before);
  });
});
