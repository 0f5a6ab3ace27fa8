import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Operator, ProcessWatch, type SshHost } from "./cli-hosts";

jest.setTimeout(120_000);

const sshConfig = `
Host sz
  HostName 127.0.0.10
  User root
Host hk
  HostName 127.0.0.20
  User admin
`;
const admin = `useradd -M -d / -s /bin/sh admin; usermod -p "*" admin; echo "admin ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/admin; chmod 0440 /etc/sudoers.d/admin`;
const wg = (verb: string, input = ""): string => spawnSync("wg", [verb], { input, encoding: "utf8" }).stdout.trim();
const digestOf = (key: string): string => createHash("sha256").update(key).digest("hex");

describe("wgchain keys rotate, and pre-shared keys", () => {
  let operator: Operator;
  let [sz, hk]: SshHost[] = [];

  const key = (host: SshHost | undefined, file: string): string => host!.run(`cat /etc/wgchain/keys/${file}`).trim();
  const keysOf = (host: SshHost | undefined): string[] => host!.run("ls -A /etc/wgchain/keys").split("\n").filter(Boolean);
  const at = (file: string): string => join(operator.directory, file);
  const recorded = (file: string): string | null => (existsSync(at(file)) ? operator.read(file).trim() : null);

  /** An app as it is after what stands in the directory now: hk-sz by wgp, and hk-gcp by wg6, both with a pre-shared key; clients at sz by wgs. */
  const app = (problems: object[] = []): void => {
    const preshared = { wgp: { node: "hk", interface: "wgp" }, wg6: { node: "gcp", interface: "wg6" } };
    const iface = (node: string, name: "wgp" | "wg6" | "wgs", keyMadeOn = "host") => ({
      ...{
        name,
        role: name === "wgs" ? "clients" : "tunnel-server",
        address: "10.0.0.1/24",
        listenPort: 1,
        mtuBytes: 1420,
        keyMadeOn,
      },
      publicKey: recorded(`keys/${node}.${name}.pub`),
      ...(name === "wgs"
        ? {}
        : { preshared: { ...preshared[name], digest: recorded(`keys/${preshared[name].node}.${name}.psk.sha256`) } }),
    });
    const ssh = (name: string) => ({ kind: "ssh", address: "198.51.100.10", destination: name });
    const text = JSON.stringify({
      ...{ version: 1, stack: "network", directory: operator.directory, allocations: {}, problems },
      nodes: [
        { name: "sz", host: ssh("sz"), uplinkMtuBytes: 1500, interfaces: [iface("sz", "wgp"), iface("sz", "wgs")] },
        { name: "hk", host: ssh("hk"), uplinkMtuBytes: 1500, interfaces: [iface("hk", "wgp"), iface("hk", "wg6")] },
        {
          ...{ name: "gcp", uplinkMtuBytes: 1460, interfaces: [iface("gcp", "wg6", "operator")] },
          host: { kind: "gce", instance: "i.x", externalAddress: "a.x.address", user: "wgchain", sshFrom: [] },
        },
      ],
      clients: ["ana", "zoe"].map((name) => ({
        name,
        node: "sz",
        interface: "wgs",
        publicKey: wg("pubkey", wg("genkey")),
        mtuBytes: 1420,
        addresses: [],
      })),
    });
    writeFileSync(join(operator.app, "inventory.json"), text);
  };
  const run = (...args: string[]): ReturnType<Operator["wgchain"]> => {
    app();
    return operator.wgchain("keys", ...args);
  };

  beforeAll(async () => {
    operator = await Operator.start(sshConfig);
    sz = await operator.host("sz", "127.0.0.10");
    hk = await operator.host("hk", "127.0.0.20", admin);
    operator.writeInventory({});
    operator.pin(sz, hk);
  });
  afterAll(() => operator.end());

  test("a pre-shared key is made once, reaches both ends, and is seen nowhere on the way", async () => {
    const watch = new ProcessWatch();
    const { status, stdout, stderr } = await run();
    const seen = await watch.stop();
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^made +hk\/wgp psk +keys\/hk.wgp.psk.sha256; the key is on (hk\/wgp and sz\/wgp|sz\/wgp and hk\/wgp)$/m,
    );
    const psk = key(hk, "wgp.psk");
    expect(Buffer.from(psk, "base64")).toHaveLength(32);
    expect(key(sz, "wgp.psk")).toBe(psk);
    expect(operator.read("keys/hk.wgp.psk.sha256")).toBe(`${digestOf(psk)}\n`);
    for (const host of [sz!, hk!]) expect(host.run('stat -c "%a %U" /etc/wgchain/keys/wgp.psk')).toBe("600 root\n");
    const vm = readFileSync(at("private/gcp.wg6.psk"), "utf8").trim();
    expect(key(hk, "wg6.psk")).toBe(vm);
    expect(statSync(at("private/gcp.wg6.psk")).mode & 0o777).toBe(0o600);
    expect(existsSync(at("private/hk.wgp.psk"))).toBe(false);
    expect(seen.some((word) => word.includes("wgchain.ts"))).toBe(true);
    for (const secret of [psk, vm]) {
      expect(seen.filter((word) => word.includes(secret))).toEqual([]);
      expect(stdout).not.toContain(secret);
    }
  });

  test("again keeps all; what one end lost comes from the other", async () => {
    const psk = key(hk, "wgp.psk");
    sz!.run("rm /etc/wgchain/keys/wgp.psk");
    const { status, stdout } = await run();
    expect(stdout).toMatch(/^read +hk\/wgp psk +keys\/hk.wgp.psk.sha256; brought to sz\/wgp$/m);
    expect(status).toBe(0);
    expect(key(sz, "wgp.psk")).toBe(psk);
    expect((await run()).stdout).toMatch(/^kept +hk\/wgp psk/m);
    rmSync(at("keys/hk.wgp.psk.sha256"));
    expect((await run("sz/wgp")).stdout).toMatch(/^read +hk\/wgp psk/m);
    expect([key(hk, "wgp.psk"), key(sz, "wgp.psk"), recorded("keys/hk.wgp.psk.sha256")]).toEqual([psk, psk, digestOf(psk)]);
  });

  test("keys that differ, or that nobody has any more, are refused", async () => {
    const psk = key(hk, "wgp.psk");
    const other = randomBytes(32).toString("base64");
    sz!.run(`echo ${other} >/etc/wgchain/keys/wgp.psk`);
    const mismatch = await run("--json", "hk/wgp");
    expect(mismatch.stderr).toMatch(
      /^error: hk\/wgp psk: keys\/hk.wgp.psk.sha256 says [0-9a-f]{12}\.\.\., but the pre-shared key of sz\/wgp is [0-9a-f]{12}\.\.\.; nothing was changed. .*wgchain keys rotate --psk hk\/wgp$/m,
    );
    expect(mismatch.status).toBe(1);
    const digest = operator.read("keys/hk.wgp.psk.sha256");
    rmSync(at("keys/hk.wgp.psk.sha256"));
    const differ = await run("hk/wgp");
    expect(differ.stderr).toMatch(
      /^error: hk\/wgp psk: .* have pre-shared keys that differ; nothing was changed: take the wrong one away and run again$/m,
    );
    expect([key(hk, "wgp.psk"), key(sz, "wgp.psk"), recorded("keys/hk.wgp.psk.sha256")]).toEqual([psk, other, null]);
    for (const text of [mismatch.stdout, mismatch.stderr, differ.stderr])
      for (const secret of [psk, other]) expect(text).not.toContain(secret);
    sz!.run("echo junk >/etc/wgchain/keys/wgp.psk");
    expect((await run("hk/wgp")).stderr).toMatch(
      /^error: hk\/wgp psk: sz\/wgp: \/etc\/wgchain\/keys\/wgp.psk holds no WireGuard key \(not shown\)/m,
    );
    writeFileSync(at("keys/hk.wgp.psk.sha256"), digest);
    for (const host of [sz!, hk!]) host.run("mv /etc/wgchain/keys/wgp.psk /etc/aside");
    expect((await run("hk/wgp")).stderr).toMatch(
      /no end has that pre-shared key any more; delete keys\/hk.wgp.psk.sha256 and run again for a new one$/m,
    );
    for (const host of [sz!, hk!]) host.run(`echo ${psk} >/etc/wgchain/keys/wgp.psk`);
    expect((await run("hk/wgp")).status).toBe(0);
  });

  test("rotate: a new pair waits on the host beside the old, and its public key is on record", async () => {
    const before = { private: key(hk, "wgp.key"), public: operator.read("keys/hk.wgp.pub").trim() };
    const watch = new ProcessWatch();
    const { status, stdout, stderr } = await run("rotate", "hk/wgp");
    const seen = await watch.stop();
    expect([status, stderr]).toEqual([0, ""]);
    const next = key(hk, "wgp.key.next");
    const now = wg("pubkey", next);
    expect(stdout).toBe(
      `hk/wgp: ${before.public} -> ${now}\n  keys/hk.wgp.pub; the private key is /etc/wgchain/keys/wgp.key.next on the host\ncommit ${operator.directory}/keys, then deploy: it switches both ends\n`,
    );
    expect(operator.read("keys/hk.wgp.pub")).toBe(`${now}\n`);
    expect(key(hk, "wgp.key")).toBe(before.private);
    expect(hk!.run('stat -c "%a %U" /etc/wgchain/keys/wgp.key.next')).toBe("600 root\n");
    expect(seen.filter((word) => word.includes(next))).toEqual([]);
    expect(await run("rotate", "hk/wgp")).toMatchObject({ status: 0, stdout });
    expect(key(hk, "wgp.key.next")).toBe(next);
    const keys = await run("hk/wgp");
    expect(keys.stdout).toMatch(
      /^kept +hk\/wgp +keys\/hk.wgp.pub; .*wgp.key.next waits on the host, the next deploy switches to it$/m,
    );
    expect(keys.status).toBe(0);
    // What a deploy does.
    hk!.run("cd /etc/wgchain/keys; mv wgp.key.next wgp.key");
    expect((await run("rotate", "hk/wgp")).stdout).toMatch(new RegExp(`^hk/wgp: ${now.replaceAll("+", "\\+")} -> `));
    hk!.run("cd /etc/wgchain/keys; mv wgp.key.next wgp.key");
  });

  test("rotate: a VM's new key is here, and the old one stays beside it", async () => {
    const [old, published] = [operator.read("private/gcp.wg6.key"), operator.read("keys/gcp.wg6.pub")];
    const { status, stdout } = await run("rotate", "gcp/wg6", "--json");
    expect(status).toBe(0);
    const now = wg("pubkey", operator.read("private/gcp.wg6.key").trim());
    expect(operator.read("private/gcp.wg6.key.old")).toBe(old);
    expect(JSON.parse(stdout)).toMatchObject({
      rotated: [{ name: "gcp/wg6", result: "rotated", former: published.trim(), now }],
    });
    expect(operator.read("keys/gcp.wg6.pub")).toBe(`${now}\n`);
    for (const name of ["private/gcp.wg6.key", "private/gcp.wg6.key.old"]) {
      expect(statSync(at(name)).mode & 0o777).toBe(0o600);
      expect(stdout).not.toContain(operator.read(name).trim());
    }
    // A run that broke off before it published is taken up.
    writeFileSync(at("keys/gcp.wg6.pub"), published);
    expect((await run("rotate", "gcp/wg6")).status).toBe(0);
    expect(operator.read("keys/gcp.wg6.pub")).toBe(`${now}\n`);
    expect((await run("gcp")).stdout).toMatch(/^kept +gcp\/wg6 /m);
    rmSync(at("private/gcp.wg6.key.old"));
    writeFileSync(at("keys/gcp.wg6.pub"), published);
    expect((await run("rotate", "gcp/wg6")).stderr).toMatch(
      /^error: gcp\/wg6: private\/gcp.wg6.key belongs to .*, but keys\/gcp.wg6.pub says .*; nothing was changed/,
    );
    writeFileSync(at("keys/gcp.wg6.pub"), `${now}\n`);
  });

  test("rotate: an interface of clients only on purpose", async () => {
    const { status, stdout, stderr } = await run("rotate", "sz/wgs", "hk/wgp");
    expect([status, stdout, stderr]).toEqual([
      1,
      "",
      "error: the new key of sz/wgs cuts off its 2 clients from the next deploy until each has the new public key in its configuration: ana, zoe; if that is what you want: wgchain keys rotate --yes sz/wgs\n",
    ]);
    expect([...keysOf(sz), ...keysOf(hk)].filter((name) => name.endsWith(".key.next"))).toEqual([]);
    expect((await run("rotate", "--yes", "sz/wgs")).stdout).toMatch(/; after the deploy 2 clients need the new public key$/m);
    expect(keysOf(sz)).toContain("wgs.key.next");
  });

  test("rotate: what is typed wrong, was never made, or stands in the code", async () => {
    expect((await run("rotate")).status).toBe(2);
    expect((await run("rotate", "hk")).stderr).toBe(
      "error: 'hk' is no NODE/IFACE of this app; it has sz/wgp, sz/wgs, hk/wgp, hk/wg6, gcp/wg6\n",
    );
    expect((await run("rotate", "--psk", "sz/wgs")).stderr).toMatch(/^error: sz\/wgs has no pre-shared key in this app/);
    const published = operator.read("keys/sz.wgp.pub");
    rmSync(at("keys/sz.wgp.pub"));
    expect((await run("rotate", "sz/wgp")).stderr).toBe("error: sz/wgp: it has no key yet; make it: wgchain keys\n");
    writeFileSync(at("keys/sz.wgp.pub"), published);
    app();
    rmSync(at("keys/sz.wgp.pub"));
    expect((await operator.wgchain("keys", "rotate", "sz/wgp")).stderr).toMatch(
      /^error: sz\/wgp: its public key stands in the code, .*keys\/sz.wgp.pub, take publicKey out/,
    );
    writeFileSync(at("keys/sz.wgp.pub"), `${wg("pubkey", wg("genkey"))}\n`);
    expect((await run("rotate", "sz/wgp")).stderr).toMatch(
      /^error: sz\/wgp: keys\/sz.wgp.pub says .*, but \/etc\/wgchain\/keys\/wgp.key on the host belongs to .*; nothing was changed here/,
    );
    sz!.run("rm /etc/wgchain/keys/wgp.key.next");
    writeFileSync(at("keys/sz.wgp.pub"), published);
  });

  test("rotate --psk: the same new key waits at both ends; a run that broke off is taken up", async () => {
    const psk = key(hk, "wgp.psk");
    const { status, stdout, stderr } = await run("rotate", "--psk", "sz/wgp");
    expect([status, stderr]).toEqual([0, ""]);
    const next = key(hk, "wgp.psk.next");
    expect(next).not.toBe(psk);
    expect([key(sz, "wgp.psk.next"), key(sz, "wgp.psk"), key(hk, "wgp.psk")]).toEqual([next, psk, psk]);
    expect(stdout).toContain(`hk/wgp psk: sha256 ${digestOf(psk).slice(0, 12)}... -> ${digestOf(next).slice(0, 12)}...`);
    expect(operator.read("keys/hk.wgp.psk.sha256")).toBe(`${digestOf(next)}\n`);
    expect((await run("hk/wgp")).stdout).toMatch(/^kept +hk\/wgp psk/m);
    sz!.run("rm /etc/wgchain/keys/wgp.psk.next");
    writeFileSync(at("keys/hk.wgp.psk.sha256"), `${digestOf(psk)}\n`);
    expect((await run("rotate", "--psk", "hk/wgp")).status).toBe(0);
    expect([key(sz, "wgp.psk.next"), key(hk, "wgp.psk.next"), recorded("keys/hk.wgp.psk.sha256")]).toEqual([
      next,
      next,
      digestOf(next),
    ]);
    sz!.run(`echo ${psk} >/etc/wgchain/keys/wgp.psk.next`);
    expect((await run("rotate", "--psk", "hk/wgp")).stderr).toMatch(/have next pre-shared keys that differ; nothing was changed/);
  });

  test("rotate --psk with a VM: its new key is here, the host's waits there", async () => {
    const psk = key(hk, "wg6.psk");
    expect((await run("rotate", "--psk", "hk/wg6")).status).toBe(0);
    const next = operator.read("private/gcp.wg6.psk").trim();
    expect([key(hk, "wg6.psk.next"), key(hk, "wg6.psk"), operator.read("private/gcp.wg6.psk.old").trim()]).toEqual([
      next,
      psk,
      psk,
    ]);
    expect(recorded("keys/gcp.wg6.psk.sha256")).toBe(digestOf(next));
    expect((await run("hk/wg6")).stdout).toMatch(/^kept +gcp\/wg6 psk/m);
  });

  test("an unreachable end is named, and nothing is recorded", async () => {
    const digest = recorded("keys/gcp.wg6.psk.sha256");
    await hk!.stop();
    const { status, stderr } = await run("rotate", "--psk", "hk/wg6");
    expect(stderr).toMatch(/^error: gcp\/wg6 psk: hk\/wg6: ssh hk cannot be reached: .*Connection refused\n$/);
    expect(status).toBe(1);
    expect(recorded("keys/gcp.wg6.psk.sha256")).toBe(digest);
  });

  test("a name that is none is what is said first, whatever else the app lacks", async () => {
    mkdirSync(operator.directory, { recursive: true });
    app([{ code: "no-authorized-key", path: "network/gcp", message: "no SSH public key; put yours into authorized_keys" }]);
    for (const verb of [["keys"], ["keys", "rotate"]]) {
      const { status, stderr } = await operator.wgchain(...verb, "nosuch");
      expect(stderr).toMatch(
        /^error: 'nosuch' is no (node or )?NODE\/IFACE of this app; it has sz\/wgp, sz\/wgs, hk\/wgp, hk\/wg6, gcp\/wg6\n$/,
      );
      expect(status).toBe(1);
    }
  });
});
