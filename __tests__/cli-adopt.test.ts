import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { difference } from "../cli/adopt-difference";
import { Operator, ProcessWatch, type SshHost } from "./cli-hosts";

jest.setTimeout(120_000);

const sshConfig = `
Host hk
  HostName 127.0.0.20
  User admin
Host sz
  HostName 127.0.0.10
  User root
`;
const own = "mkdir -p /usr/local/lib /var/lib/wgchain";
const admin = `useradd -M -d / -s /bin/sh admin; usermod -p "*" admin; echo "admin ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/admin; chmod 0440 /etc/sudoers.d/admin`;
const network = `
  const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10", destination: "sz" }) });
  const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20", destination: "hk" }), exit: true });
  const wgp = new WgTunnel(this, "wgp", { server: hk, client: sz, network: "10.66.220.0/24", serverAddress: "10.66.220.200", clientAddress: "10.66.220.1", serverEnd: { listenPort: 51821 } });
  const wgs = sz.serveClients("wgs", { address: "10.66.224.1/19" });
  wgs.addClient("ana", { addresses: ["10.66.224.2"], publicKey: "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=" });
  new SourcePolicy(this, "out", { on: sz, from: ["10.66.224.2/32"], via: wgp });`;
const wg = (verb: string, input = ""): string => spawnSync("wg", [verb], { input, encoding: "utf8" }).stdout.trim();
const secret = wg("genkey");
const publicKey = wg("pubkey", secret);
const stranger = wg("pubkey", wg("genkey"));

describe("wgchain adopt", () => {
  let operator: Operator;
  let hk: SshHost;

  beforeAll(async () => {
    operator = await Operator.start(sshConfig);
    hk = await operator.host("hk", "127.0.0.20", `${admin}; ${own}`);
    operator.writeApp(network);
    operator.pin(hk);
    hk.run(`umask 077; mkdir -p /etc/wireguard
printf "%s\\n" "[Interface]" "Address = 10.66.220.200/24" "ListenPort = 51821" "MTU = 1420" "PrivateKey = ${secret}" "PostUp = sysctl -w net.ipv4.ip_forward=1" "[Peer]" "PublicKey = ${stranger}" "AllowedIPs = 10.8.0.0/16" >/etc/wireguard/wgp.conf
wg-quick up wgp 2>/dev/null`);
  });
  afterAll(() => operator.end());
  const dump = (): string =>
    hk.run(
      "wg show wgp dump; ip -4 addr show wgp; ip -4 route show table all; find /etc/wireguard /etc/wgchain /var/lib/wgchain /usr/local/lib -type f 2>/dev/null | sort; cat /etc/wireguard/wgp.conf",
    );

  test("shows the difference on a host that was never deployed to, and changes nothing without a yes", async () => {
    const before = dump();
    const watch = new ProcessWatch();
    const { status, stdout, stderr } = await operator.wgchain("adopt", "hk/wgp");
    const seen = await watch.stop();
    expect(stderr).toBe("error: no terminal to confirm at; look at what is above, then run again with --yes\n");
    expect(stdout).toBe(`hk/wgp: public key ${publicKey}
  the next deploy changes in place, without a restart:
    MTU: 1420 -> 1440
    its 1 peers cannot be compared yet, for public or pre-shared keys are missing: wgchain keys; a peer that is not in your network is removed
  stays until the interface is restarted, which no deploy does:
    route 10.8.0.0/16
  WARNING: hooks of the old file, which the deploy's file does not have. What they did stays, nothing undoes it:
    PostUp = sysctl -w net.ipv4.ip_forward=1
not taken over; nothing was changed
`);
    expect(status).toBe(1);
    expect(dump()).toBe(before);
    expect(hk.run("ls /run")).not.toMatch(/wgchain\./);
    expect(existsSync(join(operator.directory, "keys"))).toBe(false);
    expect(seen.filter((word) => word.includes(secret))).toEqual([]);
  });

  test("--json: the same as a document, and nobody is asked", async () => {
    const { status, stdout, stderr } = await operator.wgchain("adopt", "hk/wgp", "--json");
    const { difference: lines, ...rest } = JSON.parse(stdout) as { readonly difference: readonly string[] };
    expect(rest).toEqual({ interface: "hk/wgp", publicKey, adopted: false, copy: null });
    expect(lines).toContain("    MTU: 1420 -> 1440");
    expect([status, stderr]).toEqual([1, "error: no terminal to confirm at; look at what is above, then run again with --yes\n"]);
  });

  test("at a terminal, no is no", async () => {
    const no = await operator.wgchainTyping("n\n", "adopt", "hk/wgp");
    expect(no.stdout).toMatch(/take over hk\/wgp\? \[y\/N\]/);
    expect(no.status).toBe(1);
    expect(hk.run("ls /etc/wgchain 2>&1 || true")).toMatch(/No such file/);
  });

  test("another public key on record stops it", async () => {
    mkdirSync(join(operator.directory, "keys"), { recursive: true });
    writeFileSync(join(operator.directory, "keys/hk.wgp.pub"), `${stranger}\n`);
    const { status, stderr } = await operator.wgchain("adopt", "hk/wgp", "--yes");
    expect(stderr).toMatch(
      new RegExp(
        `^error: keys/hk.wgp.pub says ${stranger.replaceAll("+", "\\+")}, but hk/wgp on the host has ${publicKey.replaceAll("+", "\\+")}; nothing was changed`,
      ),
    );
    expect(status).toBe(1);
    expect(hk.run("ls /etc/wgchain 2>&1 || true")).toMatch(/No such file/);
    rmSync(join(operator.directory, "keys/hk.wgp.pub"));
  });

  test("--yes takes over: the key in its place, its public key on record, and what runs as it was", async () => {
    const before = hk.run("wg show wgp dump; ip -4 route show table all");
    const { status, stdout, stderr } = await operator.wgchain("adopt", "hk/wgp", "--yes");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(
      "taken over: the next deploy makes hk/wgp wgchain's, without a restart; the old file is kept on the host, /var/lib/wgchain/adopted/wgp.conf\n",
    );
    expect(stdout).not.toContain(secret);
    expect(operator.read("keys/hk.wgp.pub")).toBe(`${publicKey}\n`);
    expect(hk.run("cat /etc/wgchain/keys/wgp.key").trim()).toBe(secret);
    expect(hk.run("wg show wgp dump; ip -4 route show table all")).toBe(before);
    expect((await operator.wgchain("adopt", "hk/wgp", "--yes")).status).toBe(0);
    expect((await operator.wgchain("keys", "hk")).stdout).toMatch(/^kept +hk\/wgp /m);
  });

  test("with all public keys known, peers are compared too", async () => {
    for (const name of ["sz.wgp", "sz.wgs"])
      writeFileSync(join(operator.directory, `keys/${name}.pub`), `${wg("pubkey", wg("genkey"))}\n`);
    const { stdout } = await operator.wgchain("adopt", "hk/wgp");
    expect(stdout).toMatch(/^ {4}peer sz.* \(.*\): added$/m);
    expect(stdout).toContain(`    peer ${stranger}: removed\n`);
  });

  test("what is no interface, not there, or out of reach", async () => {
    expect((await operator.wgchain("adopt")).status).toBe(2);
    expect((await operator.wgchain("adopt", "hk")).stderr).toBe(
      "error: 'hk' is no NODE/IFACE of this app; it has sz/wgp, sz/wgs, hk/wgp\n",
    );
    expect((await operator.wgchain("adopt", "sz/wgp")).stderr).toMatch(
      /^error: ssh sz cannot be reached: .*Connection refused\n$/,
    );
    hk.run("ip link del wgp; rm /etc/wireguard/wgp.conf");
    expect((await operator.wgchain("adopt", "hk/wgp", "--yes")).stderr).toBe(
      "error: hk: there is no interface wgp and no /etc/wireguard/wgp.conf on this host, nothing to take over; a deploy makes it new\n",
    );
    hk.run("rm /etc/sudoers.d/admin");
    expect((await operator.wgchain("adopt", "hk/wgp")).stderr).toMatch(/^error: admin may not use sudo without a password/);
  });
});

describe("the difference", () => {
  const peer = (more: object) => ({
    publicKey: "K",
    endpoint: "(none)",
    allowedIps: ["10.0.0.2/32"],
    keepalive: "off",
    preshared: false,
    name: "sz",
    ...more,
  });
  const live = (...lines: string[]): string[][] =>
    ["live state up", "live port 1", "live mtu 2", "live address 10.0.0.1/24", ...lines].map((line) => line.split(" "));
  const planned = { port: 1, mtuBytes: 2, addresses: ["10.0.0.1/24"], peers: [peer({})] };

  test("nothing differs", () => {
    expect(difference(live("live peer K 192.0.2.1:5 10.0.0.2/32 off no"), planned)).toEqual([
      "  the next deploy changes in place, without a restart:",
      "    nothing: it is as planned",
    ]);
  });
  test("each thing that differs is a line", () => {
    const lines = live(
      "live peer K 192.0.2.1:5 10.0.0.9/32,10.0.0.3/32 25 yes",
      "live peer OLD (none) (none) off no",
      "live fwmark 0xca6c",
    );
    const plan = {
      port: 7,
      mtuBytes: 8,
      addresses: ["10.0.0.5/24"],
      peers: [peer({ endpoint: "@{gcp}:6" }), peer({ publicKey: "NEW" })],
    };
    expect(difference(lines, plan).map((line) => line.trim())).toEqual([
      "the next deploy changes in place, without a restart:",
      "listen port: 1 -> 7",
      "MTU: 2 -> 8",
      "address 10.0.0.5/24: added",
      "address 10.0.0.1/24: removed",
      "peer sz (K): allowed IPs: 10.0.0.3/32, 10.0.0.9/32 -> 10.0.0.2/32",
      "peer sz (K): endpoint: 192.0.2.1:5 -> (known at deploy):6",
      "peer sz (K): keepalive: 25 -> off",
      "peer sz (K): pre-shared key: yes -> none",
      "peer sz (NEW): added",
      "peer OLD: removed",
      "stays until the interface is restarted, which no deploy does:",
      "fwmark 0xca6c",
    ]);
  });
  test("an interface that is down is what its file says", () => {
    expect(
      difference(
        [
          ["conf", "port", "5"],
          ["conf", "address", "10.0.0.1/24"],
          ["conf", "peer", "K", "(none)", "10.0.0.2", "off", "no"],
        ],
        planned,
      ).map((line) => line.trim()),
    ).toEqual(["the interface is down; the next deploy starts it, changed in:", "listen port: 5 -> 1", "MTU: not set -> 2"]);
  });
});
