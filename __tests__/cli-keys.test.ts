import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNew } from "../cli/key-file";
import { Operator, ProcessWatch, type SshHost } from "./cli-hosts";

jest.setTimeout(60_000);

const sshConfig = `
Host sz
  HostName 127.0.0.10
  User root
Host hk
  HostName 127.0.0.20
  User admin
Host hkt
  HostName 127.0.0.30
  User root
  ProxyJump sz
`;

/** SZ as root; HK as a user with sudo; HKT by a jump host, never deployed to; GCP not made yet. */
const network = `
  const sz = new WgNode(this, "sz", { host: Host.ssh({ address: "198.51.100.10", destination: "sz" }) });
  const hk = new WgNode(this, "hk", { host: Host.ssh({ address: "198.51.100.20", destination: "hk" }) });
  const hkt = new WgNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30", destination: "hkt" }), exit: true });
  const gcp = new WgNode(this, "gcp", {
    host: Host.gce({ zone: "asia-east2-a", sshFrom: ["198.51.100.200/32"], authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/qcu02W8oOQX1mPBVFzuqWlPKwDCNFeVKRhu9FRmZ1 me"] }), exit: true });
  const wgp = new WgTunnel(this, "wgp", { server: hk, client: sz, network: "10.66.220.0/24", serverAddress: "10.66.220.200", clientAddress: "10.66.220.1" });
  const wg6 = new WgTunnel(this, "wg6", { server: gcp, client: hk, network: "10.66.6.0/24", serverAddress: "10.66.6.6", clientAddress: "10.66.6.250" });
  const wg7 = new WgTunnel(this, "wg7", { server: hkt, client: hk, network: "10.66.7.0/24", serverAddress: "10.66.7.7", clientAddress: "10.66.7.250" });
  const wgs = sz.serveClients("wgs", { address: "10.66.224.1/19" });
  wgs.addClient("ana", { addresses: ["10.66.224.2"] });
  new SourcePolicy(this, "sz-out", { on: sz, from: ["10.66.224.2/32"], via: wgp });
  new SourcePolicy(this, "hk-out", { on: hk, from: ["10.66.220.1/32"], via: wg7 });`;

const admin = `useradd -M -d / -s /bin/sh admin; usermod -p "*" admin; install -m 0440 /dev/null /etc/sudoers.d/admin; echo "admin ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/admin`;
const bare = `cp /usr/bin/wg /mnt/wg; rm /usr/bin/wg; printf "#!/bin/sh\\necho \\"\\$*\\" >>/mnt/apt-get.log; case \\$* in *install*) cp /mnt/wg /usr/bin/wg;; esac\\n" >/usr/bin/apt-get; chmod 0755 /usr/bin/apt-get`;
const wgPubkey = (key: string): string => spawnSync("wg", ["pubkey"], { input: key, encoding: "utf8" }).stdout.trim();

describe("wgchain keys", () => {
  let operator: Operator;
  let [sz, hk, hkt]: SshHost[] = [];

  const hostKey = (host: SshHost | undefined, name: string): string => host!.run(`cat /etc/wgchain/keys/${name}.key`).trim();
  const publicKey = (name: string): string => operator.read(`keys/${name}.pub`).trim();

  beforeAll(async () => {
    operator = await Operator.start(sshConfig);
    sz = await operator.host("sz", "127.0.0.10");
    hk = await operator.host("hk", "127.0.0.20", admin);
    hkt = await operator.host("hkt", "127.0.0.30", bare);
    operator.writeApp(network);
  });
  afterAll(() => operator.end());

  test("refuses hosts whose SSH key is not pinned, and does the rest", async () => {
    const { status, stdout, stderr } = await operator.wgchain("keys");
    for (const node of ["sz", "hk", "hkt"]) {
      expect(stderr).toMatch(
        new RegExp(`^error: ${node}: ssh ${node}: its host key is not known; .*wgchain trust ${node}$`, "m"),
      );
      expect(readdirSync(join(operator.directory, "keys")).filter((name) => name.startsWith(`${node}.`))).toEqual([]);
    }
    expect(sz!.run("ls /etc/wgchain 2>&1 || true")).toMatch(/No such file/);
    expect(stdout).toMatch(/^made +gcp\/wg6 /m);
    expect(status).toBe(1);
  });

  test("makes what is missing, each key where it belongs, and no private key is seen on the way", async () => {
    operator.pin(sz!, hk!, hkt!);
    const watch = new ProcessWatch();
    const { status, stdout, stderr } = await operator.wgchain("keys");
    const seen = await watch.stop();
    expect(stderr).toBe("");
    expect(status).toBe(0);

    const onHosts = { "sz.wgp": sz, "sz.wgs": sz, "hk.wgp": hk, "hk.wg6": hk, "hk.wg7": hk, "hkt.wg7": hkt };
    const secrets = Object.entries(onHosts).map(([name, host]) => {
      const secret = hostKey(host, name.split(".")[1] ?? "");
      expect(wgPubkey(secret)).toBe(publicKey(name));
      return secret;
    });
    for (const host of [sz!, hk!, hkt!]) {
      expect(
        host.run(
          'stat -c "%a %U" /etc/wgchain/keys; stat -c "%a %U" /etc/wgchain/keys/*; ls -A /etc/wgchain/keys | grep -v "key\\$" || :',
        ),
      ).toMatch(/^700 root\n(600 root\n)+$/);
    }
    const vm = readFileSync(join(operator.directory, "private/gcp.wg6.key"), "utf8").trim();
    expect(wgPubkey(vm)).toBe(publicKey("gcp.wg6"));
    expect(statSync(join(operator.directory, "private/gcp.wg6.key")).mode & 0o777).toBe(0o600);
    expect(statSync(join(operator.directory, "private")).mode & 0o777).toBe(0o700);
    expect(operator.read("private/.gitignore")).toBe("*\n");

    expect(seen.some((word) => word.includes("wgchain.ts"))).toBe(true);
    expect(seen.some((word) => word.includes("HostKeyAlias=wgchain-hkt"))).toBe(true);
    for (const secret of [...secrets, vm]) {
      expect(Buffer.from(secret, "base64")).toHaveLength(32);
      expect(seen.filter((word) => word.includes(secret))).toEqual([]);
      expect(`${stdout}${stderr}`).not.toContain(secret);
    }
    expect(hkt!.run("cat /mnt/apt-get.log")).toMatch(/install wireguard-tools/);
    expect(stdout).toContain("hkt: installs wireguard-tools");
    expect(stdout).toMatch(/^missing +client\/ana .*wg genkey/m);
    expect(existsSync(join(operator.directory, "keys/client.ana.pub"))).toBe(false);
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^6 made, 1 kept, 1 missing; commit /);
  });

  test("records allocations, and never moves a number that stands there", async () => {
    const recorded = JSON.parse(operator.read("allocations.json")) as Record<string, Record<string, number>>;
    expect(Object.keys(recorded["port"] ?? {})).toContain("hk/wgp");
    writeFileSync(
      join(operator.directory, "allocations.json"),
      JSON.stringify({ port: { "old/gone": 51999 }, other: { b: 2, a: 1 } }),
    );
    await operator.wgchain("keys", "gcp");
    const merged = JSON.parse(operator.read("allocations.json")) as Record<string, Record<string, number>>;
    expect(merged).toEqual({ ...recorded, port: { ...recorded["port"], "old/gone": 51999 }, other: { a: 1, b: 2 } });
    expect(Object.keys(merged)).toEqual(Object.keys(merged).sort());
  });

  test("overwrites nothing when run again, and tightens loose modes", async () => {
    const list = 'sha256sum /etc/wgchain/keys/*; stat -c "%n %Y" /etc/wgchain/keys/*';
    const before = [sz, hk, hkt].map((host) => host!.run(list));
    const vm = operator.read("private/gcp.wg6.key");
    rmSync(join(operator.directory, "keys/hk.wgp.pub"));
    rmSync(join(operator.directory, "keys/gcp.wg6.pub"));
    hk!.run("chmod 0644 /etc/wgchain/keys/wg6.key; chmod 0755 /etc/wgchain/keys");
    chmodSync(join(operator.directory, "private/gcp.wg6.key"), 0o644);
    const { status, stdout } = await operator.wgchain("keys");
    expect(status).toBe(0);
    expect([sz, hk, hkt].map((host) => host!.run(list))).toEqual(before);
    expect(operator.read("private/gcp.wg6.key")).toBe(vm);
    expect(publicKey("hk.wgp")).toBe(wgPubkey(hostKey(hk, "wgp")));
    expect(hk!.run('stat -c "%a" /etc/wgchain/keys /etc/wgchain/keys/wg6.key')).toBe("700\n600\n");
    expect(statSync(join(operator.directory, "private/gcp.wg6.key")).mode & 0o777).toBe(0o600);
    expect(stdout).toMatch(/^read +hk\/wgp /m);
  });

  test("says so when a public key is not that of the host's private key, and changes neither", async () => {
    const [right, wrong] = [publicKey("sz.wgp"), wgPubkey(spawnSync("wg", ["genkey"], { encoding: "utf8" }).stdout)];
    writeFileSync(join(operator.directory, "keys/sz.wgp.pub"), `${wrong}\n`);
    const { status, stderr } = await operator.wgchain("keys", "sz/wgp");
    expect(stderr).toBe(
      `error: sz/wgp: keys/sz.wgp.pub says ${wrong}, but /etc/wgchain/keys/wgp.key on the host belongs to ${right}; nothing was changed. If the private key is the right one, delete keys/sz.wgp.pub, run again, commit and deploy; if not, put the right one in its place\n`,
    );
    expect(status).toBe(1);
    expect(publicKey("sz.wgp")).toBe(wrong);
    expect(wgPubkey(hostKey(sz, "wgp"))).toBe(right);
    writeFileSync(join(operator.directory, "keys/sz.wgp.pub"), `${right}\n`);
  });

  test("makes no new key on a host whose public key is known, for it could not fit", async () => {
    hk!.run("mv /etc/wgchain/keys/wg7.key /etc/aside-wg7.key");
    const { status, stderr } = await operator.wgchain("keys", "hk");
    expect(stderr).toMatch(
      /^error: hk\/wg7: keys\/hk.wg7.pub says .* the host has no private key at \/etc\/wgchain\/keys\/wg7.key .*delete keys\/hk.wg7.pub/,
    );
    expect(status).toBe(1);
    expect(hk!.run("ls /etc/wgchain/keys")).not.toContain("wg7");
    hk!.run("mv /etc/aside-wg7.key /etc/wgchain/keys/wg7.key");
  });

  test("does without the private key of a VM that another operator made", async () => {
    const key = operator.read("private/gcp.wg6.key");
    rmSync(join(operator.directory, "private/gcp.wg6.key"));
    const { status, stdout } = await operator.wgchain("keys", "gcp");
    expect(stdout).toMatch(/^elsewhere gcp\/wg6 /m);
    expect(status).toBe(0);
    expect(existsSync(join(operator.directory, "private/gcp.wg6.key"))).toBe(false);
    writeFileSync(join(operator.directory, "private/gcp.wg6.key"), key, { mode: 0o600 });
  });

  test("names an unreachable node, and does the others; --json stays clean", async () => {
    await hk!.stop();
    rmSync(join(operator.directory, "keys/sz.wgs.pub"));
    const { status, stdout, stderr } = await operator.wgchain("keys", "--json");
    expect(stderr).toMatch(/^error: hk: ssh hk cannot be reached: .*Connection refused$/m);
    expect(status).toBe(1);
    const { keys } = JSON.parse(stdout) as { keys: { name: string; result: string }[] };
    const result = Object.fromEntries(keys.map((one) => [one.name, one.result]));
    expect(result).toEqual({
      hk: "failed",
      "sz/wgp": "kept",
      "sz/wgs": "read",
      "hkt/wg7": "kept",
      "gcp/wg6": "kept",
      "client/ana": "missing",
    });
  });

  test("refuses a host whose SSH key has changed", async () => {
    await hk!.reinstall();
    const { status, stderr } = await operator.wgchain("keys", "hk");
    expect(stderr).toMatch(
      /^error: hk: ssh hk shows another host key than the one pinned as wgchain-hk in .*; if the host was made anew: wgchain trust hk; if not, somebody stands in between$/m,
    );
    expect(status).toBe(1);
    expect(hk!.run("ls /etc/wgchain 2>&1 || true")).toMatch(/No such file/);
    operator.pin(sz!, hk!, hkt!);
  });

  test("says how to mend a user without sudo", async () => {
    hk!.run("rm /etc/sudoers.d/admin");
    const { status, stderr } = await operator.wgchain("keys", "hk");
    expect(stderr).toBe(
      "error: hk: admin may not use sudo without a password on this host; allow it (NOPASSWD), or connect as root\n",
    );
    expect(status).toBe(1);
  });

  test("makes clients' pairs only when asked", async () => {
    const { status } = await operator.wgchain("keys", "gcp", "--clients");
    expect(status).toBe(0);
    expect(wgPubkey(operator.read("private/client.ana.key").trim())).toBe(publicKey("client.ana"));
    expect(statSync(join(operator.directory, "private/client.ana.key")).mode & 0o777).toBe(0o600);
  });

  test("git takes no private key", () => {
    const git = (...args: string[]): string => spawnSync("git", ["-C", operator.app, ...args], { encoding: "utf8" }).stdout;
    git("init", "-q");
    git("add", "-A", "wgchain");
    expect(git("ls-files").split("\n")).toContain("wgchain/keys/sz.wgp.pub");
    expect(git("ls-files")).not.toContain("private");
  });
});

describe("wgchain keys, what is in its way", () => {
  let operator: Operator;
  beforeAll(async () => void (operator = await Operator.start("")));
  afterAll(() => operator.end());

  const problem = (code: string) => ({ code, path: "network/wgp", message: `what ${code} says` });

  test("shows other problems of the app first, and stops", async () => {
    operator.writeInventory({ problems: [problem("missing-public-key"), problem("host-bits")] });
    const { status, stdout, stderr } = await operator.wgchain("keys");
    expect([status, stdout, stderr]).toEqual([
      1,
      "",
      "error: the app does not pass its checks; mend these first:\n  network/wgp: what host-bits says\n",
    ]);
    operator.writeInventory({ problems: [problem("missing-public-key"), problem("unrecorded-allocation")] });
    expect((await operator.wgchain("keys")).status).toBe(0);
  });

  test("a number on record stays, whatever the app says now", async () => {
    operator.writeInventory({ allocations: { port: { "hk/wgp": 51830, "hk/new": 51831 } } });
    mkdirSync(operator.directory, { recursive: true });
    writeFileSync(join(operator.directory, "allocations.json"), JSON.stringify({ port: { "hk/wgp": 51820 } }));
    expect((await operator.wgchain("keys")).stdout).toMatch(/^allocations.json: recorded port hk\/new$/m);
    expect(operator.read("allocations.json")).toBe('{\n  "port": {\n    "hk/new": 51831,\n    "hk/wgp": 51820\n  }\n}\n');
  });

  test("a key file that appears at the last moment is not overwritten", () => {
    const file = join(operator.folder, "late.key");
    writeFileSync(file, "theirs");
    expect(writeNew(file, "mine", 0o600)).toBe(false);
    expect(readFileSync(file, "utf8")).toBe("theirs");
    expect(readdirSync(operator.folder).filter((name) => name.startsWith("late"))).toEqual(["late.key"]);
  });

  test("names that could become another file or command are refused", async () => {
    const host = { kind: "ssh", address: "198.51.100.10", destination: "127.0.0.1" };
    const one = {
      name: "x;id",
      role: "clients",
      address: "10.0.0.1/24",
      listenPort: 1,
      mtuBytes: 1420,
      publicKey: null,
      keyMadeOn: "host",
    };
    operator.writeInventory({ nodes: [{ name: "sz", host, uplinkMtuBytes: 1500, interfaces: [one] }] });
    expect((await operator.wgchain("keys")).stderr).toMatch(/^error: sz: interface name 'x;id' may hold only letters/);
    operator.writeInventory({
      nodes: [
        {
          name: "sz",
          host: { ...host, destination: "-oProxyCommand=id" },
          uplinkMtuBytes: 1500,
          interfaces: [{ ...one, name: "wgp" }],
        },
      ],
    });
    expect((await operator.wgchain("keys")).stderr).toMatch(/^error: sz: ssh destination '-oProxyCommand=id' may hold only/);
    operator.writeInventory({
      nodes: [{ name: "../up", host: { kind: "gce" }, uplinkMtuBytes: 1500, interfaces: [{ ...one, name: "wgp" }] }],
    });
    expect((await operator.wgchain("keys")).stderr).toMatch(/^error: ..\/up\/wgp: node name '..\/up' may hold only/);
  });

  test("an app that cannot be run is a line with the way out", async () => {
    rmSync(join(operator.app, "cdktf.json"));
    expect((await operator.wgchain("keys")).stderr).toMatch(
      /^error: .*cdktf.json is not there; run this beside your cdktf.json, or name its directory with --app\n$/,
    );
    writeFileSync(join(operator.app, "cdktf.json"), '{ "app": "echo broken >&2; exit 3" }');
    const { status, stderr } = await operator.wgchain("keys");
    expect(stderr).toMatch(
      /^error: the app wrote no inventory: it ended with status 3 \(ran 'echo broken >&2; exit 3' in .*\)\nbroken\n$/,
    );
    expect(status).toBe(1);
  });

  test("what is typed wrong ends with status 2", async () => {
    expect((await operator.wgchain("keys", "--bogus")).status).toBe(2);
    expect((await operator.wgchain("trust", "--forget")).status).toBe(2);
    operator.writeInventory({});
    const { status, stderr } = await operator.wgchain("keys", "nobody");
    expect([status, stderr]).toEqual([1, "error: 'nobody' is no node or NODE/IFACE of this app; it has none\n"]);
  });

  test.each([["keys"], ["trust"], ["lab"]])("%s --help has an example", async (verb) => {
    const { status, stdout } = await operator.command([process.execPath, "--import", "tsx", "cli/wgchain.ts", verb, "--help"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\n  wgchain ${verb}`));
  });
});
