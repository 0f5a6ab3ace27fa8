import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until, type Lab } from "../../lab";
import { labProgram } from "../../lab/files";
import { ownLab } from "./instance";
import { leaked, type Wire } from "./wires";

const repository = join(__dirname, "..", "..");
const lab: Lab = ownLab("dns");
const app = mkdtempSync(join(tmpdir(), "wgchain-dns-"));

/** The network's resolver, and the one that somebody has written into a device. */
const [resolver, other, overIpv6] = ["9.9.9.9", "8.8.8.8", "2001:db8::53"];

const mainTs = (enforce: boolean): string => `import { App, TerraformStack } from "cdktf";
import { ExitNetwork, Host, WgNode } from "./constructs";
const app = new App();
const stack = new TerraformStack(app, "dns");
const node = (name: string, address: string, exit = false) => new WgNode(stack, name, { host: Host.ssh({ address }), exit });
const [sz, hk, tokyo] = [node("sz", "198.51.100.10"), node("hk", "198.51.100.20", true), node("tokyo", "198.51.100.40", true)];
new ExitNetwork(stack, "net", {
  entry: sz,
  exits: { hk: { through: [hk] }, tokyo: { through: [hk, tokyo] } },
  clientsFile: "clients.yaml",
  dns: { servers: ["${resolver}"], enforce: ${String(enforce)} },
});
app.synth();
`;

/** Every device by which something could leave in the clear. */
const uplinks: readonly Wire[] = ["phone", "sz", "hk", "tokyo"].map((host) => [host, "eth0"]);

/** Destinations of queries that were seen meanwhile, by uplink: "tokyo > 9.9.9.9". */
async function queries(action: () => Promise<unknown>): Promise<string[]> {
  const lines = await leaked(lab, "dst port 53", uplinks, action);
  return [...new Set(lines.map((line) => line.replace(/^(\S+) .* > (\S+)\.53: .*$/, "$1 > $2")))].sort();
}

/** Names that nobody has asked for yet: nothing between is allowed to know them. */
let names = 0;
const freshName = (): string => `name${String(names++)}.example`;

/** By the client's own resolv.conf. */
async function lookUp(): Promise<string> {
  const { stdout } = await lab.host("phone").exec(["getent", "ahostsv4", freshName()], { check: false, timeoutMs: 15_000 });
  return stdout.split(" ")[0] ?? "";
}

const queryOf = (name: string): string =>
  `\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00${name
    .split(".")
    .map((part) => `\\x${part.length.toString(16).padStart(2, "0")}${part}`)
    .join("")}\\x00\\x00\\x01\\x00\\x01`;

/** As it is over TCP. */
function withLength(query: string): string {
  const bytes = query.replaceAll(/\\x../g, "x").length;
  return `\\x00\\x${bytes.toString(16).padStart(2, "0")}${query}`;
}

/** Of a server by its address, as something that has it written into it; the address that the answer names: its own, if it is who answered. */
async function ask(server: string, protocol: "udp" | "tcp"): Promise<string> {
  const text = protocol === "udp" ? queryOf(freshName()) : withLength(queryOf(freshName()));
  // The socket is connected, so that it takes an answer only from whom was asked; the answer's last four bytes are the address.
  const script = `exec 3<>/dev/${protocol}/${server}/53; printf '${text}' >&3; timeout 2 dd bs=512 count=1 status=none <&3 | tail -c 4 | od -An -tu1`;
  const { stdout } = await lab.host("phone").sh(`{ ${script}; } 2>/dev/null`, { check: false, timeoutMs: 10_000 });
  return stdout.trim().split(/ +/).join(".");
}

/** What wg-quick asks for a resolver: its standard input becomes resolv.conf, as -x ("nobody else's") says; -d takes it back. Debian's two packages of it would change the machine's own. */
const resolvconf = `#!/bin/sh
case $1 in
-a) [ -e /run/resolv.before ] || cp /etc/resolv.conf /run/resolv.before; cat >/etc/resolv.conf ;;
-d) mv /run/resolv.before /etc/resolv.conf ;;
esac
`;

async function takeUp(config: string): Promise<void> {
  await lab.host("phone").sh(
    `wg-quick down wgchain >/dev/null 2>&1 || true
     for _ in {1..100}; do [ -S /var/run/wireguard/wgchain.sock ] || break; sleep 0.05; done
     install -d -m 0700 /etc/wireguard
     (umask 077; cat >/etc/wireguard/wgchain.conf)
     wg-quick up wgchain >/run/up.log 2>&1 || { cat /run/up.log >&2; exit 1; }`,
    { input: config, timeoutMs: 30_000 },
  );
  await until("an answer through the tunnel", 20, async () => {
    const { status } = await lab.host("phone").exec(["ping", "-c1", "-W1", "-q", "10.77.0.1"], { check: false });
    return status === 0 || undefined;
  });
}

let config = "";

beforeAll(async () => {
  for (const name of ["constructs", "lib", "host", "node_modules", "package.json"])
    symlinkSync(join(repository, name), join(app, name));
  mkdirSync(join(app, "wgchain"));
  const cdktf = { language: "typescript", app: "node --import tsx main.ts", context: {} };
  writeFileSync(join(app, "cdktf.json"), JSON.stringify(cdktf));
  writeFileSync(join(app, "main.ts"), mainTs(false));
  writeFileSync(join(app, "clients.yaml"), "clients:\n  phone: { exit: tokyo }\n");
  await lab.up({ app });
  // The lab has made its pair; from here on it is its owner's, who brings up what is printed.
  const key = await lab
    .host("phone")
    .sh("cat /etc/wireguard/wg0.key; wg-quick down wg0 >/dev/null 2>&1; rm /etc/wireguard/wg0.*");
  const printed = spawnSync(
    process.execPath,
    ["--import", "tsx", join(repository, "cli/wgchain.ts"), "client", "config", "phone", "--app", app],
    { encoding: "utf8", cwd: repository, env: { ...process.env, WGCHAIN_DIR: lab.paths.directory } },
  );
  expect([printed.status, printed.stdout]).toEqual([0, expect.stringContaining(`DNS = ${resolver}`)]);
  config = printed.stdout.replace(/^# PrivateKey = .*$/m, `PrivateKey = ${key.stdout.trim()}`);
  const server = labProgram("resolver", [resolver, other]).map((word) => `'${word}'`);
  await lab.host("internet").sh(
    `ip address replace ${resolver}/32 dev lo; ip address replace ${other}/32 dev lo
     setsid ${server.join(" ")} </dev/null >/run/resolver.log 2>&1 &
     for _ in {1..400}; do if (exec 3<>/dev/tcp/${other}/53) 2>/dev/null; then exit 0; fi; sleep 0.05; done
     cat /run/resolver.log >&2; exit 1`,
    { timeoutMs: 30_000 },
  );
  // At home it has IPv6, too.
  await lab.host("phone").sh(
    `ip -6 address add 2001:db8:1::2/64 dev eth0 nodad; ip -6 route add default dev eth0
     ip -6 neigh replace ${overIpv6} lladdr 02:00:00:00:00:01 dev eth0`,
  );
  await lab.host("phone").sh("cat >/usr/local/bin/resolvconf; chmod 0755 /usr/local/bin/resolvconf", { input: resolvconf });
}, 180_000);
afterAll(async () => {
  await lab.down({ force: true });
  rmSync(app, { recursive: true, force: true });
}, 60_000);

test("what is not configured leaks, and the watchers see it", async () => {
  const bare = config.replace(/^DNS = .*\n/m, "").replace(/^AllowedIPs = .*$/m, "AllowedIPs = 10.77.0.0/16");
  await takeUp(bare);
  await lab.host("phone").sh(`echo 'nameserver ${other}' >/etc/resolv.conf`);
  const seen = await queries(async () => {
    expect(await lookUp()).toBe(other);
    expect(await ask(overIpv6, "udp")).toBe("");
  });
  expect(seen).toEqual([`phone > ${overIpv6}`, `phone > ${other}`]);
}, 60_000);

test("the printed file with stock wg-quick: the resolver is asked by the client's own exit, and nobody on any uplink", async () => {
  await takeUp(config);
  expect(await queries(async () => expect(await lookUp()).toBe(resolver))).toEqual([`tokyo > ${resolver}`]);
  // Not enforced: whom a device has written into it hears from the exit.
  const written = await queries(async () => expect([await ask(other, "udp"), await ask(other, "tcp")]).toEqual([other, other]));
  expect(written).toEqual([`tokyo > ${other}`]);
}, 60_000);

test("enforced by a deploy that interrupts nobody, all that is asked anywhere goes to the resolver by the same exit", async () => {
  const host = lab.host("phone");
  // To the other one by TCP and UDP, begun before and gone on with after.
  const answer = (socket: number): string => `timeout 2 dd bs=512 count=1 status=none <&${socket} | tail -c 4 | od -An -tu1`;
  const query = queryOf(freshName());
  const [file = "", ...args] = host.command([
    "bash",
    "-c",
    `exec 3<>/dev/tcp/${other}/53 4<>/dev/udp/${other}/53
     udp() { printf '${query}' >&4; ${answer(4)}; }
     udp; read -r _; printf '${withLength(query)}' >&3; ${answer(3)}; udp`,
  ]);
  const before = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  before.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  await until("the first answer", 10, () => Promise.resolve(said.includes("\n") || undefined));
  const pings = host.sh("ping -i 0.01 -c 1000 -W 1 192.0.2.1 | tail -n 3", { check: false, timeoutMs: 60_000 });
  writeFileSync(join(app, "main.ts"), mainTs(true));
  await lab.up({ app });
  const ended = once(before, "exit");
  before.stdin.end("\n");
  await ended;
  expect((await pings).stdout).toContain("1000 packets transmitted, 1000 received");
  expect(
    said
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/ +/).join(".")),
  ).toEqual([other, other, resolver]);

  const seen = await queries(async () => {
    expect(await lookUp()).toBe(resolver);
    expect([await ask(other, "udp"), await ask(other, "tcp"), await ask("192.0.2.1", "udp")]).toEqual(Array(3).fill(resolver));
    // A resolver of IPv6 goes into the tunnel, where nobody answers.
    expect(await ask(overIpv6, "udp")).toBe("");
  });
  expect(seen).toEqual([`tokyo > ${resolver}`]);
}, 120_000);

test("switched off by a deploy, whoever is asked answers again", async () => {
  writeFileSync(join(app, "main.ts"), mainTs(false));
  await lab.up({ app });
  expect(await queries(async () => expect(await ask(other, "udp")).toBe(other))).toEqual([`tokyo > ${other}`]);
  const left = await lab
    .host("sz")
    .sh("nft list table ip wgchain | grep -c -e dns_of_ -e resolvers_of_; ls /etc/wgchain/resolvers", { check: false });
  expect(left.stdout.trim()).toBe("0");
}, 60_000);
