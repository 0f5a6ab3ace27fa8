import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callersAddress, watch, type Lab } from "../../lab";
import { ownLab } from "./instance";

const repository = join(__dirname, "..", "..");
const lab: Lab = ownLab("clients");
const app = mkdtempSync(join(tmpdir(), "wgchain-clients-"));

const mainTs = `import { App, TerraformStack } from "cdktf";
import { ExitNetwork, Host, WgNode } from "./constructs";
const app = new App();
const stack = new TerraformStack(app, "clients");
const node = (name: string, address: string, exit = false) => new WgNode(stack, name, { host: Host.ssh({ address }), exit });
const [sz, hk, tokyo] = [node("sz", "198.51.100.10"), node("hk", "198.51.100.20", true), node("tokyo", "198.51.100.40", true)];
new ExitNetwork(stack, "net", {
  entry: sz,
  exits: { hk: { through: [hk] }, tokyo: { through: [hk, tokyo] } },
  clientsFile: "clients.yaml",
});
app.synth();
`;

/** As a person calls it; keys and allocations are the lab's. */
const client = (...words: string[]): { stdout: string; stderr: string; status: number | null } =>
  spawnSync(process.execPath, ["--import", "tsx", join(repository, "cli/wgchain.ts"), "client", ...words, "--app", app], {
    encoding: "utf8",
    cwd: repository,
    env: { ...process.env, WGCHAIN_DIR: lab.paths.directory },
  });

beforeAll(async () => {
  for (const name of ["constructs", "lib", "host", "node_modules", "package.json"])
    symlinkSync(join(repository, name), join(app, name));
  mkdirSync(join(app, "wgchain"));
  writeFileSync(
    join(app, "cdktf.json"),
    JSON.stringify({ language: "typescript", app: "node --import tsx main.ts", context: {} }),
  );
  writeFileSync(join(app, "main.ts"), mainTs);
  writeFileSync(join(app, "clients.yaml"), "clients:\n  old: { exit: hk }\n");
  await lab.up({ app });
}, 180_000);
afterAll(async () => {
  await lab.down({ force: true });
  rmSync(app, { recursive: true, force: true });
}, 60_000);

/** What stock wg-quick makes of a configuration, on a person's machine. */
async function takeUp(name: string, config: string): Promise<void> {
  await lab.host(name).sh(
    `install -d -m 0700 /etc/wireguard
     (umask 077; cat >/etc/wireguard/wgchain.conf)
     wg-quick up wgchain >/run/up.log 2>&1 || { cat /run/up.log >&2; exit 1; }`,
    { input: config, timeoutMs: 30_000 },
  );
}

const addressOf = (config: string): string => /^Address = (.*)\/32$/m.exec(config)?.[1] ?? "";

test("a client that is added: its printed file with stock wg-quick, everything through the exit, nothing of IPv6 beside it", async () => {
  const start = Date.now();
  const { status, stdout, stderr } = client("add", "phone", "--exit", "tokyo");
  expect([status, stderr]).toEqual([0, expect.stringContaining("leaves at tokyo")]);
  const added = Date.now();
  await lab.up({ app });
  const deployed = Date.now();
  await takeUp("phone", stdout);
  const address = addressOf(stdout);
  const { packets } = await watch(lab.host("phone"), { device: "eth0", filter: "not (udp and host 198.51.100.10)" }, async () => {
    let exit: string | null = null;
    while (exit === null && Date.now() < deployed + 30_000) exit = await callersAddress(lab.host("phone"), address, 2);
    process.stdout.write(
      `client add ${(added - start) / 1000} s, deploy ${(deployed - added) / 1000} s, first answer ${(Date.now() - deployed) / 1000} s later\n`,
    );
    expect(exit).toBe("198.51.100.40");
    // A site of IPv6 goes into the tunnel, where nobody answers.
    expect((await lab.host("phone").sh("ip -6 route get 2001:db8::1 | head -n 1")).stdout).toContain(" dev wgchain ");
    await lab.host("phone").exec(["ping", "-6", "-c1", "-W1", "2001:db8::1"], { check: false });
    await lab.host("phone").exec(["ping", "-c1", "-W1", "192.0.2.1"]);
  });
  // Neighbours ask for each other's addresses on the wire itself.
  expect(packets.filter((line) => !/ ARP, |ICMP6, (router|neighbor)|IP6 fe80|IP6 ::/.test(line))).toEqual([]);
}, 180_000);

test("moved, it leaves elsewhere and its owner changes nothing; revoked, it gets nothing, and the other loses nothing", async () => {
  const config = (await lab.host("phone").sh("cat /etc/wireguard/wgchain.conf")).stdout;
  expect(client("move", "phone", "--exit", "hk").status).toBe(0);
  await lab.up({ app });
  expect(await callersAddress(lab.host("phone"), addressOf(config))).toBe("198.51.100.20");
  const [old] = (await lab.probe()).filter((row) => row.client === "old");
  expect(old?.problems).toEqual([]);

  // Whoever has its configuration, here on another machine, is in until it is revoked.
  const key = /^PrivateKey = (.*)$/m.exec(config)?.[1] ?? "";
  await lab.host("operator").sh(
    `wireguard-go stolen 2>/dev/null; (umask 077; cat >/run/stolen)
     wg set stolen private-key /run/stolen peer ${/^PublicKey = (.*)$/m.exec(config)?.[1]} endpoint 198.51.100.10:51820 allowed-ips 10.77.0.0/16
     ip address add ${addressOf(config)}/32 dev stolen; ip link set stolen up; ip route add 10.77.0.1 dev stolen`,
    { input: key },
  );
  const entry = async (): Promise<boolean> =>
    (await lab.host("operator").exec(["ping", "-c3", "-W1", "-q", "10.77.0.1"], { check: false })).status === 0;
  expect(await entry()).toBe(true);
  expect(client("revoke", "phone").status).toBe(0);
  expect(await entry()).toBe(true);
  const pings = lab.host("old").sh("ping -i 0.01 -c 1500 -W 1 192.0.2.1 | tail -n 3", { check: false });
  await lab.up({ app });
  const summary = (await pings).stdout;
  expect(await entry()).toBe(false);
  expect(summary).toMatch(/1500 packets transmitted, 1500 received/);
  expect((await lab.host("sz").sh("wg show wgs peers")).stdout.trim().split("\n")).toHaveLength(1);
}, 180_000);
