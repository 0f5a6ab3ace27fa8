import { Host, commands, describeAsRoot, withInterface } from "./host/host";
import { HOST_PROGRAM, hongKong, keyPair, publicKey } from "./host/payload";

// An interface that somebody made by hand becomes ours as it runs: the real program on a host of namespaces.
jest.setTimeout(120_000);

const keys = { wgp: keyPair(), wg6: keyPair() };
const sz = publicKey();
const old = publicKey();
const gcp = publicKey();
const psk = keyPair().private;
const hk = hongKong(keys, sz, gcp);

const conf = `# made by hand
[Interface]
Address = 10.66.220.200/24, 10.9.9.9/32
ListenPort = 51821   # as ever
PrivateKey = ${keys.wgp.private}
MTU = 1420
PostUp = iptables -A FORWARD -i %i -j ACCEPT 2>/dev/null || true
PostUp = true ${psk}
PreDown=true

[Peer]
publickey = ${sz}
AllowedIPs = 10.66.220.224/32, 10.66.220.7
[Peer]
PublicKey = ${old}
PresharedKey = ${psk}
AllowedIPs = 10.8.0.0/16
Endpoint = 198.51.100.77:51820
PersistentKeepalive = 15
`;

describeAsRoot("adopt", () => {
  let h: Host;
  beforeAll(async () => {
    h = await Host.start("adopt");
    h.machine.ok(`umask 077; mkdir -p /etc/wireguard; cat >/etc/wireguard/wgp.conf <<'X'\n${conf}X\nwg-quick up wgp`);
  });
  afterAll(() => h.machine.stop());

  const shown = (): string[][] => {
    const { status, out } = h.verb("adopt wgp");
    expect([status, out]).toEqual([0, expect.stringMatching(/^version\t1\n(.*\n)*end\n$/)]);
    return out.split("\n").map((line) => line.split("\t"));
  };
  /** wgp's, by inode; ss also complains, as often as it sees sockets. */
  const socket = (): string => h.machine.ok("ss -Hlunpe 2>/dev/null | grep ':51821 ' | awk '{ print $4, $6, $9 }'");
  const error = (verb: string): string => {
    const { status, out } = h.verb(verb);
    expect(status).toBe(1);
    return out.trimEnd().replace(/^wgchain-host: /, "");
  };

  test("shows what is there, changes nothing, and lets out no secret", () => {
    const before = h.machine.dump();
    const lines = shown();
    expect(h.machine.dump().replace(/^wgchain$\n/m, "")).toBe(before);
    expect(lines).toEqual(
      expect.arrayContaining([
        ["key", keys.wgp.public],
        ["managed", "no"],
        ["conf", "address", "10.9.9.9/32"],
        ["conf", "port", "51821"],
        ["conf", "hook", "PostUp = iptables -A FORWARD -i %i -j ACCEPT 2>/dev/null || true"],
        ["conf", "hook", "PostUp = true (a key)"],
        ["conf", "hook", "PreDown = true"],
        ["conf", "peer", sz, "(none)", "10.66.220.224/32,10.66.220.7", "off", "no"],
        ["conf", "peer", old, "198.51.100.77:51820", "10.8.0.0/16", "15", "yes"],
        ["live", "state", "up"],
        ["live", "mtu", "1420"],
        ["live", "port", "51821"],
        ["live", "address", "10.66.220.200/24"],
        ["live", "peer", old, "198.51.100.77:51820", "10.8.0.0/16", "15", "yes"],
        ["live", "route", "10.8.0.0/16"],
      ]),
    );
    for (const secret of [keys.wgp.private, psk]) expect(lines.flat().join(" ")).not.toContain(secret);
  });

  test("a key of ours that is another one stops it before anything is written", () => {
    h.giveKeys({ wgp: keys.wg6 });
    expect(error("adopt wgp --yes")).toBe(
      `/etc/wgchain/keys/wgp.key is there already and is not the key of interface wgp (${keys.wg6.public}, and not ${keys.wgp.public}); nothing was changed; take the wrong one away`,
    );
    expect(h.machine.ok("cat /etc/wgchain/keys/wgp.key").trim()).toBe(keys.wg6.private);
    expect(h.machine.run("ls /var/lib/wgchain/adopted/wgp").status).not.toBe(0);
    h.machine.ok("rm -r /etc/wgchain");
  });

  test("what cannot be taken over is refused, with the reason", () => {
    expect(error("adopt")).toMatch(/^adopt needs the name of an interface/);
    expect(error("adopt ../x")).toMatch(/^adopt needs the name of an interface/);
    expect(error("adopt wgp --force")).toMatch(/^adopt needs the name of an interface/);
    expect(error("adopt wg9")).toMatch(
      /^there is no interface wg9 and no \/etc\/wireguard\/wg9.conf on this host, nothing to take over/,
    );
    expect(error("adopt eth0")).toMatch(/^interface eth0 on this host is not one of WireGuard's/);
    h.machine.ok(
      'umask 077; wg genkey >/root/other; cp /etc/wireguard/wgp.conf /root/wgp.conf; sed -i "s|^PrivateKey.*|PrivateKey = $(cat /root/other)|" /etc/wireguard/wgp.conf',
    );
    expect(error("adopt wgp --yes")).toMatch(
      /^interface wgp runs with the key of .*, but \/etc\/wireguard\/wgp.conf holds that of .*; make them agree first/,
    );
    h.machine.ok("cp /root/wgp.conf /etc/wireguard/wgp.conf");
  });

  test("a deploy refuses what was not taken over", () => {
    h.giveKeys(keys);
    const refused = h.add(hk);
    expect(refused.status).not.toBe(0);
    expect(refused.out).toMatch(/take it over \(wgchain adopt NODE\/wgp\)/);
    h.machine.ok("rm -r /etc/wgchain");
  });

  test("takes over: a copy of all, the key in its place, and nothing that runs is touched", () => {
    const look = (): string =>
      h.machine.ok(
        "wg showconf wgp | sort; ip -4 addr show wgp; ip -4 route show table all; ip rule show; cat /etc/wireguard/wgp.conf",
      ) + socket();
    const before = look();
    const { status, out } = h.verb("adopt wgp --yes");
    expect([status, out]).toEqual([0, expect.stringContaining(`adopted\twgp\t${keys.wgp.public}\nend\n`)]);
    expect(look()).toBe(before);
    expect(out).not.toContain(keys.wgp.private);
    expect(h.machine.ok("cat /etc/wgchain/keys/wgp.key").trim()).toBe(keys.wgp.private);
    expect(
      h.machine.ok(
        "stat -c '%a %U' /etc/wgchain/keys /etc/wgchain/keys/wgp.key /var/lib/wgchain/adopted /var/lib/wgchain/adopted/*",
      ),
    ).toMatch(/^700 root\n600 root\n700 root\n(600 root\n){3}$/);
    expect(h.machine.ok("cat /var/lib/wgchain/adopted/wgp.conf")).toBe(conf);
    const live = h.machine.ok("cat /var/lib/wgchain/adopted/wgp.live");
    expect(live).toContain(old);
    expect(live).not.toContain(psk);
    expect(live).not.toContain(keys.wgp.private);
    expect(shown()).toContainEqual(["managed", "adopted"]);
  });

  test("again changes nothing, and a former copy of another file stays", () => {
    const look = (): string =>
      h.machine.ok(
        "find /etc/wgchain /var/lib/wgchain/adopted -type f -name '*[yf]' -printf '%p %i\\n' | sort; ls /etc/wgchain/keys",
      );
    const before = look();
    expect(h.verb("adopt wgp --yes").status).toBe(0);
    expect(look()).toBe(before);
    h.machine.ok("echo '# more' >>/etc/wireguard/wgp.conf");
    expect(h.verb("adopt wgp --yes").status).toBe(0);
    expect(h.machine.ok("tail -n 1 /var/lib/wgchain/adopted/wgp.conf; cat /var/lib/wgchain/adopted/wgp.conf.~1~")).toBe(
      `# more\n${conf}`,
    );
  });

  test("the next deploy changes it as it runs, and then it is ours", () => {
    const before = socket();
    h.giveKeys({ wg6: keys.wg6 });
    const ran = h.deploy(hk);
    expect(ran.filter((line) => / wgp$|wg-quick (up|down) wgp/.test(line) && /down|link (del|add)|restart/.test(line))).toEqual(
      [],
    );
    expect(socket()).toBe(before);
    expect(h.machine.ok("wg show wgp peers")).toBe(`${sz}\n`);
    expect(h.machine.ok("ip -o link show wgp")).toContain(" mtu 1440 ");
    expect(h.machine.ok("cat /etc/wireguard/wgp.conf")).not.toContain("PrivateKey");
    expect(error("adopt wgp --yes")).toBe("interface wgp is wgchain's already, there is nothing to take over");
    expect(commands(h.add(withInterface(hk, "wgp", {})))).toEqual([]);
  });

  test("an interface that no file describes is taken over from what runs", () => {
    const pair = keyPair();
    h.machine.ok(
      `umask 077; echo ${pair.private} >/root/k; wireguard-go wgz; wg set wgz private-key /root/k listen-port 40001 peer ${old} allowed-ips 10.5.0.0/24; ip addr add 10.5.0.1/24 dev wgz; ip link set wgz up`,
    );
    expect(h.verb("adopt wgz --yes").out).toContain(`adopted\twgz\t${pair.public}\n`);
    expect(h.machine.ok("wg pubkey </etc/wgchain/keys/wgz.key").trim()).toBe(pair.public);
    // As it was, by what takes wgchain away.
    h.machine.ok(`ip link del wgz; bash -c 'source <(sed "/^main /d" ${HOST_PROGRAM}); give_back_adopted'`);
    expect(h.machine.ok("wg show wgz public-key; wg show wgz allowed-ips; ip -o -4 addr show wgz")).toMatch(
      new RegExp(`^${pair.public.replaceAll("+", "\\+")}\n${old.replaceAll("+", "\\+")}\t10.5.0.0/24\n.* 10.5.0.1/24 `),
    );
  });
});
