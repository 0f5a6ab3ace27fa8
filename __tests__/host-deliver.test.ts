import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Machine, type Result } from "./host/machine";
import { hongKong, keyPair, publicKey, writePayload } from "./host/payload";
import { programFiles } from "../constructs/payload";

// host/deliver and host/deploy with the host program, over a real sshd. Operator and host are one namespace machine: what is on the wire between them is
// OpenSSH's. What deploy does with several hosts is in host-deploy.test.ts.
jest.setTimeout(60_000);
const describeAsRoot = process.getuid?.() === 0 ? describe : describe.skip;

// A space and a per cent sign: ssh must be told of known_hosts in a directory of any name.
const directory = mkdtempSync(join(tmpdir(), `wgct-${process.pid} 100%d-`));
const known = join(directory, "known_hosts");
const stack = join(directory, "stack");
const tree = join(stack, "wgchain/nodes/hk");
const keys = { wgp: keyPair(), wg6: keyPair() };
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describeAsRoot("deliver", () => {
  let m: Machine;
  let hostKey: string;
  const common: NodeJS.ProcessEnv = {
    TMPDIR: join(directory, "tmp"),
    WGCHAIN_DIR: directory,
    WGCHAIN_VALUES: "gcp-address=198.51.100.40\nother=192.0.2.1",
  };
  const deliver = (verb: string, change: NodeJS.ProcessEnv = {}): Result =>
    m.run(`'${stack}/wgchain/deliver' ${verb}`, {
      ...common,
      WGCHAIN_NODE: "hk",
      WGCHAIN_PAYLOAD: tree,
      WGCHAIN_SSH_DESTINATION: "198.51.100.20",
      WGCHAIN_SSH_USER: "root",
      WGCHAIN_SSH_PORT: "2222",
      WGCHAIN_HOST_KEY_ALIAS: "wgchain-hk",
      WGCHAIN_CONNECT_SECONDS: "0",
      ...change,
    });
  /** The host's line in WGCHAIN_HOSTS; an empty value takes a word away. */
  const line = (change: Readonly<Record<string, string>> = {}): string => {
    const words = {
      node: "hk",
      id: "1",
      rank: "0",
      destination: "198.51.100.20",
      alias: "wgchain-hk",
      user: "root",
      port: "2222",
    };
    return Object.entries({ ...words, seconds: "0", keys: "wg6,wgp", ...change })
      .flatMap(([name, value]) => (value === "" ? [] : [`${name}=${value}`]))
      .join(" ");
  };
  const deploy = (change: Readonly<Record<string, string>> = {}, env: NodeJS.ProcessEnv = {}): Result =>
    m.run(`cd '${stack}'; bash wgchain/deploy apply`, { ...common, WGCHAIN_HOSTS: line(change), ...env });
  const sshd = (port: number, key: string, options = ""): string =>
    `/usr/sbin/sshd -f /run/sshd.conf -h ${key} -p ${port} ${options}`;

  beforeAll(async () => {
    const payload = hongKong(keys, publicKey(), publicKey());
    const [wg6, wgp] = payload.interfaces;
    writePayload(tree, {
      ...payload,
      interfaces: [{ ...wg6!, peers: [{ ...wg6!.peers[0]!, endpoint: "@{gcp-address}:51820" }] }, wgp!],
    });
    for (const [name, { text, mode }] of programFiles()) writeFileSync(join(stack, "wgchain", name), text, { mode });
    mkdirSync(join(directory, "private"));
    mkdirSync(join(directory, "tmp"));
    for (const [name, pair] of Object.entries(keys)) {
      writeFileSync(join(directory, `private/hk.${name}.key`), `${pair.private}\n`, { mode: 0o600 });
    }
    m = await Machine.start(`wgct-${process.pid}-ssh`);
    m.ok(`
      printf '%s\\n' 'ListenAddress 198.51.100.20' 'PasswordAuthentication no' 'UsePAM no' 'StrictModes no' 'PermitRootLogin prohibit-password' 'PidFile none' >/run/sshd.conf
      for key in /run/host_key /run/other_key; do ssh-keygen -q -t ed25519 -N '' -f $key; done
      useradd -m -s /bin/bash op; useradd -m -s /bin/sh nosudo; usermod -p '*' op; usermod -p '*' nosudo
      echo 'op ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/op; chmod 440 /etc/sudoers.d/op
      rm -f /root/.bashrc # bash reads it at every login over SSH, and this machine's may be slow
      mkdir -p /root/.ssh; rm -f /root/.ssh/config; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 <<<y >/dev/null
      for home in /root /home/op /home/nosudo; do mkdir -p $home/.ssh; cp /root/.ssh/id_ed25519.pub $home/.ssh/authorized_keys; chmod 755 $home/.ssh; done
      ${sshd(2222, "/run/host_key")}; ${sshd(2223, "/run/other_key")}`);
    hostKey = m.ok("cut -d' ' -f1,2 /run/host_key.pub").trim();
  });
  afterAll(() => m.stop());
  const pin = (): void => writeFileSync(known, `wgchain-hk ${hostKey}\n`);

  test("an unknown host key is refused, with the mend; nothing is recorded or changed", () => {
    writeFileSync(known, "");
    const before = m.dump();
    const refused = deploy();
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.out).toMatch(/^\[hk\] error: node hk .*host key is not known.*wgchain trust hk/m);
    expect(refused.out).toMatch(/nothing was changed:\n {2}hk: node hk .*host key is not known/);
    expect(readFileSync(known, "utf8")).toBe("");
    expect(m.dump()).toBe(before);
  });

  test("a changed host key is refused, also where new ones are accepted", () => {
    pin();
    for (const accept of ["", "1"]) {
      const refused = deliver("destroy", { WGCHAIN_SSH_PORT: "2223", WGCHAIN_ACCEPT_NEW: accept });
      expect(refused).toMatchObject({ status: 1 });
      expect(refused.out).toContain("shows another host key than the one pinned as wgchain-hk");
    }
  });

  test("accept-new records the key under the alias", () => {
    writeFileSync(known, "");
    expect(deliver("destroy", { WGCHAIN_ACCEPT_NEW: "1", WGCHAIN_HOST_KEY_ALIAS: "wgchain-gcp-42" })).toEqual({
      status: 0,
      out: "",
    });
    expect(readFileSync(known, "utf8")).toBe(`wgchain-gcp-42 ${hostKey}\n`);
  });

  test("a deploy as root: values are filled in, keys arrive, no process ever shows one; a second changes nothing; destroy", () => {
    pin();
    m.spawn("while [ ! -e /run/enough ]; do ps -eo args; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; done >/run/seen");
    const done = deploy();
    m.ok("touch /run/enough");
    expect(done).toMatchObject({ status: 0 });
    const ours = /^(\[hk\] .*|prepare hk .*|add hk|check|commit hk|1 of 1 hosts in .*|)$/;
    expect(done.out.split("\n").filter((one) => !ours.test(one))).toEqual([]);
    const seen = m.ok("cat /run/seen");
    expect(seen).toContain("wgchain-host deploy");
    for (const pair of Object.values(keys)) {
      expect(seen).not.toContain(pair.private);
      expect(done.out).not.toContain(pair.private);
    }
    expect(m.ok("wg show wg6 endpoints")).toContain("198.51.100.40:51820");
    expect(m.ok("stat -c '%a %U' /etc/wgchain/keys/*")).toBe("600 root\n600 root\n");
    expect(readFileSync(join(tree, "etc/wgchain/peers"), "utf8")).toContain("@{gcp-address}");
    const id = m.ok("cut -d' ' -f1 /var/lib/wgchain/outcome").trim();
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(deliver(`outcome ${id}`)).toEqual({ status: 0, out: "[hk] committed\n" });
    expect(deliver("outcome f00d")).toEqual({ status: 0, out: "[hk] unknown\n" });
    const again = deploy({ keys: "" });
    expect(again).toMatchObject({ status: 0 });
    expect(again.out).not.toContain("[hk]");
    const moved = deploy({}, { WGCHAIN_VALUES: "gcp-address=198.51.100.41" });
    expect(moved).toMatchObject({ status: 0 });
    expect(m.ok("wg show wg6 endpoints")).toContain("198.51.100.41:51820");
    expect(deliver("destroy", { WGCHAIN_PAYLOAD: "" }).status).toBe(0);
    expect(m.ok(`ls -A /run | grep wgchain || true; ls -A '${join(directory, "tmp")}'`)).toBe("");
  });

  test("a user with sudo -n, by an alias of the user's ssh_config", () => {
    m.ok("printf 'Host hongkong\\n  HostName 198.51.100.20\\n  Port 2222\\n  User op\\n' >/root/.ssh/config");
    expect(deploy({ destination: "hongkong", user: "", port: "" })).toMatchObject({ status: 0 });
    expect(m.ok("wg show wg6 public-key").trim()).toBe(keys.wg6.public);
    const byAlias = { WGCHAIN_SSH_DESTINATION: "hongkong", WGCHAIN_SSH_USER: "", WGCHAIN_SSH_PORT: "" };
    expect(deliver("destroy", byAlias).status).toBe(0);
  });

  test("a payload that was synthesized long ago, and is sent as it lies here, is not taken for what a killed run has left", () => {
    const peers = join(tree, "etc/wgchain/peers");
    const text = readFileSync(peers, "utf8");
    writeFileSync(peers, text.replaceAll("@{gcp-address}", "198.51.100.40"));
    const before = new Date(Date.now() - 3_600_000);
    utimesSync(tree, before, before);
    try {
      const done = deploy();
      expect(done.out).toContain("commit hk");
      expect(done.status).toBe(0);
      expect(deliver("destroy").status).toBe(0);
    } finally {
      writeFileSync(peers, text);
    }
  });

  test("sudo that reads ahead (use_pty) breaks nothing", () => {
    m.ok("echo 'Defaults use_pty' >/etc/sudoers.d/pty; chmod 440 /etc/sudoers.d/pty");
    expect(deploy({ user: "op" })).toMatchObject({ status: 0 });
    expect(deliver("destroy", { WGCHAIN_SSH_USER: "op" }).status).toBe(0);
    m.ok("rm /etc/sudoers.d/pty");
  });

  test("by way of a jump host", () => {
    m.ok(`printf '[198.51.100.20]:2223 %s\\n' "$(cut -d' ' -f1,2 /run/other_key.pub)" >/root/.ssh/known_hosts`);
    expect(deliver("destroy", { WGCHAIN_SSH_JUMP: "op@198.51.100.20:2223" })).toEqual({ status: 0, out: "" });
  });

  test("a user who must give sudo a password", () => {
    expect(deliver("destroy", { WGCHAIN_SSH_USER: "nosudo" })).toMatchObject({ status: 77 });
    const refused = deploy({ user: "nosudo" });
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.out).toContain("[hk] error: nosudo may not use sudo without a password on this host");
    expect(refused.out).toContain("nothing was changed:\n  hk: nosudo may not use sudo");
  });

  test("the program's failure and its status come back", () => {
    m.ok("mkdir -p /run/wgchain");
    m.spawn("echo $$ >/run/holder; exec 9>>/run/wgchain/deploy.lock; flock 9; exec sleep 60");
    m.ok("for i in $(seq 100); do flock -n /run/wgchain/deploy.lock true || exit 0; sleep 0.05; done; exit 1");
    const refused = deploy();
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.out).toContain("nothing was changed:\n  hk: wgchain-host: another deploy to this host is under way");
    expect(deliver("destroy").out).toContain("[hk] wgchain-host: another deploy to this host is under way");
    m.ok("kill $(cat /run/holder)");
  });

  test("a closed port is tried again until the time is up, then named; a host that comes up meanwhile is reached", () => {
    const refused = deliver("destroy", { WGCHAIN_SSH_PORT: "2299", WGCHAIN_CONNECT_SECONDS: "2" });
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.out).toMatch(
      /node hk \(ssh root@198\.51\.100\.20 port 2299\) cannot be reached, tried for 2 s: .*Connection refused/,
    );
    m.spawn(`sleep 2; ${sshd(2299, "/run/host_key")}`);
    expect(deliver("destroy", { WGCHAIN_SSH_PORT: "2299", WGCHAIN_CONNECT_SECONDS: "20" })).toEqual({ status: 0, out: "" });
  });

  test("a login that is refused", () => {
    expect(deliver("destroy", { WGCHAIN_SSH_USER: "nobody" }).out).toContain("refuses to log in");
  });

  test("a private key that is missing, no key or open to others is said before anything is changed", () => {
    pin();
    const file = join(directory, "private/hk.wg6.key");
    m.ok("mkdir -p /etc/wgchain/keys; cd /etc/wgchain/keys; for key in *.key; do [ ! -e $key ] || mv $key /root/; done");
    rmSync(file);
    const without = deploy();
    expect(without.status).toBe(1);
    expect(without.out).toMatch(/no private key for interface wg6 at \/etc\/wgchain\/keys\/wg6\.key/);
    expect(without.out).toMatch(/there is no .*private\/hk\.wg6\.key; .*wgchain keys/);
    writeFileSync(file, `${keys.wg6.private.slice(0, 40)}\n`, { mode: 0o600 });
    const short = deploy();
    expect(short.out).toContain("hk.wg6.key does not hold a WireGuard key");
    expect(short.out).not.toContain(keys.wg6.private.slice(0, 20));
    writeFileSync(file, `${keys.wg6.private}\n`, { mode: 0o600 });
    chmodSync(file, 0o644);
    expect(deploy().out).toContain("can be read by others; chmod 600 it");
    chmodSync(file, 0o600);
  });

  test("a pre-shared key goes the same way", () => {
    const psk = keyPair().private;
    writeFileSync(join(directory, "private/hk.wgp.psk"), `${psk}\n`, { mode: 0o600 });
    expect(deploy()).toMatchObject({ status: 0 });
    rmSync(join(directory, "private/hk.wgp.psk"));
    expect(m.ok("cat /etc/wgchain/keys/wgp.psk").trim()).toBe(psk);
    expect(deliver("destroy").status).toBe(0);
  });

  test.each<[string, NodeJS.ProcessEnv, string]>([
    ["a driven verb without its driver", { VERB: "confirm f00d" }, "'confirm' is driven by host/deploy"],
    ["an ID with shell in it", { VERB: "outcome '$(id)'" }, "the deploy's ID is '$(id)'"],
    ["a verb of before", { VERB: "add" }, "usage: deliver deploy ID SECONDS"],
    [
      "an option as destination",
      { WGCHAIN_SSH_DESTINATION: "-oProxyCommand=touch /run/pwned" },
      "WGCHAIN_SSH_DESTINATION is '-oProxyCommand",
    ],
    ["a node with shell in its name", { WGCHAIN_NODE: "hk;id" }, "WGCHAIN_NODE is 'hk;id'"],
    ["an option as jump host", { WGCHAIN_SSH_JUMP: "-x" }, "WGCHAIN_SSH_JUMP is '-x'"],
    ["a port out of range", { WGCHAIN_SSH_PORT: "65536" }, "a number from 1 to 65535"],
    ["an alias with a space", { WGCHAIN_HOST_KEY_ALIAS: "a b" }, "WGCHAIN_HOST_KEY_ALIAS is 'a b'"],
    ["no directory", { WGCHAIN_DIR: "/nonexistent" }, "WGCHAIN_DIR is '/nonexistent'"],
  ])("%s is an error that names it", (_, change, message) => {
    const refused = deliver(change["VERB"] ?? "destroy", change);
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.out).toContain(message);
    expect(m.run("ls /run/pwned").status).not.toBe(0);
  });

  test.each<[string, string, string]>([
    ["a value with a leading zero", "gcp-address=198.51.100.040", "'198.51.100.040', which is not an IPv4 address"],
    ["a value out of range", "gcp-address=198.51.100.256", "which is not an IPv4 address"],
    ["a short value", "gcp-address=10.1", "which is not an IPv4 address"],
    ["a value that is missing", "", "no value for @{gcp-address}"],
  ])("%s is an error that names it", (_, values, message) => {
    const refused = deploy({}, { WGCHAIN_VALUES: values });
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.out).toContain(message);
  });
  test("no payload is an error that names it", () => {
    expect(deploy({ node: "nobody" }).out).toContain("wgchain/nodes/nobody'; synthesize first");
  });
});
