import { appendFileSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Operator, type SshHost } from "./cli-hosts";

jest.setTimeout(60_000);

const sshConfig = `
Host shenzhen
  HostName 127.0.0.10
  User root
Host behind
  HostName 127.0.0.20
  ProxyJump shenzhen
`;

const ssh = (name: string, destination: string) => ({
  name,
  host: { kind: "ssh", address: "198.51.100.10", destination },
  uplinkMtuBytes: 1500,
  interfaces: [],
});
const gcp = {
  name: "gcp",
  host: { kind: "gce", instance: "i", externalAddress: "a", user: "wgchain", sshFrom: [] },
  uplinkMtuBytes: 1460,
  interfaces: [],
};

describe("wgchain trust", () => {
  let operator: Operator;
  let [sz, hk]: SshHost[] = [];
  const knownHosts = (): string => operator.read("known_hosts");
  const pins = (): string[] =>
    knownHosts()
      .split("\n")
      .map((line) => line.split(" ")[0] ?? "")
      .filter((name) => name.startsWith("wgchain-"));

  beforeAll(async () => {
    operator = await Operator.start(sshConfig);
    sz = await operator.host("sz", "127.0.0.10");
    hk = await operator.host("hk", "127.0.0.20", "usermod -s /usr/sbin/nologin root");
    operator.writeInventory({ nodes: [ssh("sz", "shenzhen"), ssh("hk", "behind"), gcp] });
  });
  afterAll(() => operator.end());

  test("pins nothing without a terminal or --yes", async () => {
    const { status, stdout, stderr } = await operator.wgchain("trust");
    expect(stdout).toContain(`sz: ${sz!.fingerprint} (ssh-ed25519), shown by shenzhen\n`);
    expect(stderr).toBe(
      "error: no terminal to confirm at; compare the fingerprints above with the hosts' own, then run again with --yes\n",
    );
    expect(status).toBe(1);
    expect(existsSync(join(operator.directory, "known_hosts"))).toBe(false);
  });

  test("--json asks nobody, also at a terminal", async () => {
    const { status, stdout } = await operator.wgchain("trust", "sz", "--json");
    const refused = {
      ...{ node: "sz", result: "refused", detail: "not confirmed" },
      fingerprint: `${sz!.fingerprint} (ssh-ed25519)`,
    };
    expect(JSON.parse(stdout)).toEqual({ knownHosts: join(operator.directory, "known_hosts"), nodes: [refused] });
    expect(status).toBe(1);
    const typed = await operator.wgchainTyping("y\n", "trust", "sz", "--json");
    expect(typed.stdout).not.toContain("[y/N]");
    expect(existsSync(join(operator.directory, "known_hosts"))).toBe(false);
  });

  test("asks at a terminal, and pins only on a yes", async () => {
    const no = await operator.wgchainTyping("n\n", "trust", "sz");
    expect(no.stdout).toMatch(/pin sz\?.*\[y\/N\]/);
    expect(no.status).toBe(1);
    expect(existsSync(join(operator.directory, "known_hosts"))).toBe(false);
    const yes = await operator.wgchainTyping("y\n", "trust", "sz");
    expect(yes.status).toBe(0);
    expect(pins()).toEqual(["wgchain-sz"]);
    expect(statSync(join(operator.directory, "known_hosts")).mode & 0o777).toBe(0o644);
  });

  test("goes by aliases and jump hosts of ssh_config, keeps what is pinned, and explains Google VMs", async () => {
    const before = knownHosts();
    appendFileSync(join(operator.directory, "known_hosts"), "# a comment\n");
    const { status, stdout } = await operator.wgchain("trust", "--yes");
    expect(status).toBe(0);
    expect(stdout).toContain(`sz: already pinned, ${sz!.fingerprint} (ssh-ed25519)`);
    expect(stdout).toContain(`hk: ${hk!.fingerprint} (ssh-ed25519), shown by behind`);
    expect(stdout).toContain("gcloud compute instances get-guest-attributes gcp --query-path=hostkeys/");
    expect(knownHosts().startsWith(`${before}# a comment\nwgchain-hk ssh-ed25519 `)).toBe(true);
    expect(pins()).toEqual(["wgchain-sz", "wgchain-hk"]);
  });

  test("a changed key is shown against the pinned one, and replaced only on purpose", async () => {
    const [before, old] = [knownHosts(), hk!.fingerprint];
    await hk!.reinstall();
    const yes = await operator.wgchain("trust", "--yes");
    expect(yes.stdout).toContain(
      `hk: the host key has CHANGED\n  pinned: ${old} (ssh-ed25519)\n  shown:  ${hk!.fingerprint} (ssh-ed25519), by behind\n`,
    );
    expect(yes.stderr).toMatch(
      /^error: hk: --yes does not replace a pinned key; .*wgchain trust --yes --replace hk; if not, somebody stands in between$/m,
    );
    expect(yes.status).toBe(1);
    expect(knownHosts()).toBe(before);
    const json = await operator.wgchain("trust", "--yes", "--json", "hk");
    expect(JSON.parse(json.stdout)).toMatchObject({
      nodes: [{ node: "hk", result: "refused", detail: `the host key has changed; pinned: ${old} (ssh-ed25519)` }],
    });
    const no = await operator.wgchainTyping("n\n", "trust", "hk", "--replace");
    expect(no.status).toBe(1);
    expect(knownHosts()).toBe(before);
    expect((await operator.wgchain("trust", "--yes", "--replace", "hk")).status).toBe(0);
    expect(pins()).toEqual(["wgchain-sz", "wgchain-hk"]);
    expect((await operator.wgchain("trust", "hk")).stdout).toBe(`hk: already pinned, ${hk!.fingerprint} (ssh-ed25519)\n`);
  });

  test("compares with the kind of key that is pinned", async () => {
    const rsa = hk!.run(`cat ${operator.folder}/hosts/hk/rsa.pub`).trim();
    writeFileSync(join(operator.directory, "known_hosts"), `wgchain-hk ${rsa}\n`);
    const { status, stdout } = await operator.wgchain("trust", "hk");
    expect(stdout).toMatch(/^hk: already pinned, SHA256:.* \(ssh-rsa\)\n$/);
    expect(status).toBe(0);
  });

  test("an unreachable node is named, the others are pinned", async () => {
    operator.writeInventory({ nodes: [ssh("sz", "shenzhen"), ssh("lost", "127.0.0.99")] });
    const { status, stderr } = await operator.wgchain("trust", "--yes");
    expect(stderr).toMatch(/^error: lost: ssh 127.0.0.99 cannot be reached: .*Connection refused$/m);
    expect(status).toBe(1);
    expect(pins()).toEqual(["wgchain-sz"]);
    expect((await operator.wgchain("trust", "nobody")).stderr).toBe("error: 'nobody' is no node of this app; it has sz, lost\n");
  });

  test("--forget removes a node's names, a VM's with every id, and no other", async () => {
    operator.writeInventory({ nodes: [gcp, ssh("gcp-7", "shenzhen")] });
    mkdirSync(operator.directory, { recursive: true });
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/qcu02W8oOQX1mPBVFzuqWlPKwDCNFeVKRhu9FRmZ1";
    const revoked = `@revoked wgchain-gcp ${key}`;
    const names = ["wgchain-gcp-123,wgchain-other", "wgchain-gcp-456", "wgchain-gcp-7", "wgchain-gcpx"];
    writeFileSync(join(operator.directory, "known_hosts"), [...names.map((name) => `${name} ${key}`), revoked, ""].join("\n"));
    const { status, stdout } = await operator.wgchain("trust", "--forget", "gcp");
    expect([status, stdout]).toEqual([0, "forgot wgchain-gcp-123, wgchain-gcp-456\n"]);
    expect(knownHosts()).toBe(
      `${["wgchain-other", "wgchain-gcp-7", "wgchain-gcpx"].map((name) => `${name} ${key}`).join("\n")}\n${revoked}\n`,
    );
    const again = await operator.wgchain("trust", "--forget", "gcp");
    expect([again.status, again.stderr]).toEqual([1, `error: gcp: nothing is pinned in ${operator.directory}/known_hosts\n`]);
  });
});
