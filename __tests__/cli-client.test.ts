import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { add, revoke } from "../cli/client/verbs";
import { Project } from "./support/cli-project";
import { removeTemporaryDirectories } from "./support/directory";
import { keyPair } from "./support/keys";

jest.setTimeout(120_000);
afterAll(removeTemporaryDirectories);

const project = Project.make();
const file = (name: string): string => join(project.directory, name);
const read = (name: string): string => readFileSync(file(name), "utf8");
const mainTs = `import { App, TerraformStack } from "cdktf";
import { ExitNetwork, Host, WgNode } from "./constructs";
class Network extends TerraformStack {
  constructor(scope: App) {
    super(scope, "network");
    const node = (name: string, n: number, exit = false) => new WgNode(this, name, { host: Host.ssh({ address: \`198.51.100.\${n}\` }), exit });
    const [sz, hk, gcp, hkt] = [node("sz", 10), node("hk", 20), node("gcp", 40, true), node("hkt", 30, true)];
    new ExitNetwork(this, "net", {
      entry: sz,
      exits: { gcp: { through: [hk, gcp] }, hkt: { through: [hk, hkt] } },
      clients: { desk: { exit: "gcp", publicKey: "${keyPair("desk").publicKey}" } },
      clientsFile: "clients.yaml",
    });
  }
}
const app = new App();
new Network(app);
app.synth();
`;
const client = (...words: string[]) => project.wgchain("client", ...words);

beforeAll(() => {
  writeFileSync(file("main.ts"), mainTs);
  for (const end of ["sz.wgs", "sz.wg-hk", "hk.wg-sz", "hk.wg-gcp", "hk.wg-hkt", "gcp.wg-hk", "hkt.wg-hk"])
    writeFileSync(file(`wgchain/keys/${end}.pub`), `${keyPair(end).publicKey}\n`);
  const host = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFWgUNDs1SPgRKRgcMYjTExNjOXRrGGIjbNP7WXvY0fj";
  writeFileSync(file("wgchain/known_hosts"), ["sz", "hk", "gcp", "hkt"].map((name) => `wgchain-${name} ${host}\n`).join(""));
});

const config = (key: string, address: string): string => `[Interface]
${key}
Address = ${address}/32
MTU = 1440

[Peer]
PublicKey = ${keyPair("sz.wgs").publicKey}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 198.51.100.10:51820
PersistentKeepalive = 25
`;
const addressOf = (text: string): string => /^Address = (.*)\/32$/m.exec(text)?.[1] ?? "";

test("add: the file, the public key, a configuration that holds the only private one; QR codes of it", async () => {
  const { status, stdout, stderr } = await client(
    "add",
    "phone",
    "--exit",
    "gcp",
    "--qr",
    file("phone.png"),
    "--qr",
    file("phone.svg"),
  );
  expect(status).toBe(0);
  const privateKey = /^PrivateKey = (.*)$/m.exec(stdout)?.[1] ?? "";
  expect(stdout).toBe(config(`PrivateKey = ${privateKey}`, addressOf(stdout)));
  const publicKey = execFileSync("wg", ["pubkey"], { input: privateKey, encoding: "utf8" });
  expect(read("wgchain/keys/client.phone.pub")).toBe(publicKey);
  expect(read("clients.yaml")).toMatch(/^# .*\nclients:\n {2}phone: \{ exit: gcp \}\n$/);
  expect(stderr).toContain(`phone: ${addressOf(stdout)}, leaves at gcp; written to `);
  expect(stderr).not.toContain(privateKey);
  const held = spawnSync("grep", [
    "-rlF",
    privateKey,
    project.directory,
    "--exclude-dir=node_modules",
    "--exclude-dir=constructs",
  ]);
  expect([held.status, held.stdout.toString()]).toEqual([1, ""]);
  // The QR codes hold it as a picture.
  for (const name of ["phone.png", "phone.svg"]) expect(statSync(file(name)).mode & 0o777).toBe(0o600);
  const decoded = execFileSync("zbarimg", ["-q", "--raw", file("phone.png")], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  expect(decoded.trimEnd()).toBe(stdout.trimEnd());
  expect(PNG.sync.read(readFileSync(file("phone.png"))).width).toBeGreaterThan(300);
  expect(read("phone.svg")).toMatch(/^<svg /);
});

test("add: a public key of its own, split routes, a resolver, a name to call", async () => {
  const words = ["--route", "10.0.0.0/8", "--route", "192.0.2.1", "--dns", "9.9.9.9", "--endpoint", "vpn.example.org:443"];
  const { status, stdout } = await client(
    "add",
    "laptop",
    "--exit",
    "hkt",
    "--public-key",
    keyPair("laptop").publicKey,
    ...words,
  );
  expect(status).toBe(0);
  expect(stdout).toContain("# PrivateKey = (the client's own)\n");
  expect(stdout).toContain("DNS = 9.9.9.9\n");
  expect(stdout).toContain("AllowedIPs = 10.0.0.0/8, 192.0.2.1/32, 9.9.9.9/32\nEndpoint = vpn.example.org:443\n");
  expect(read("wgchain/keys/client.laptop.pub")).toBe(`${keyPair("laptop").publicKey}\n`);
});

test("list, move, config", async () => {
  expect((await client("move", "laptop", "--exit", "gcp")).stderr).toMatch(
    /^laptop: hkt -> gcp; commit .*clients.yaml, then deploy. Its owner changes nothing$/m,
  );
  expect((await client("move", "laptop", "--exit", "gcp")).stderr).toBe("laptop leaves at gcp already\n");
  const { stdout } = await client("list");
  expect(stdout.split("\n")[0]).toMatch(/^CLIENT {2,}ADDRESS {2,}LEAVES AT {2,}ENTERS AT {2,}MTU {2,}PUBLIC KEY$/);
  expect(stdout).toMatch(/^laptop +10\.77\.\S+ +gcp +sz\/wgs +1440 /m);
  expect((await client("move", "laptop", "--exit", "hkt, gcp")).stderr).toMatch(/^laptop: gcp -> hkt, else gcp; commit /m);
  expect(read("clients.yaml")).toMatch(/laptop: \{ exit: \[ hkt, gcp \]/);
  expect((await client("list")).stdout).toMatch(/^laptop +10\.77\.\S+ +hkt, else gcp +sz\/wgs +1440 /m);
  expect((await client("move", "laptop", "--exit", "hkt,moon")).stderr).toContain("there is no exit 'moon'");
  expect((await client("move", "laptop", "--exit", "hkt,hkt")).stderr).toContain("wants hkt, hkt; name each exit once");
  expect((await client("move", "laptop", "--exit", "gcp")).stderr).toMatch(/^laptop: hkt, else gcp -> gcp; commit /m);
  const { clients } = JSON.parse((await client("list", "--json")).stdout) as { clients: { client: string; address: string }[] };
  expect(clients.map((one) => one.client).sort()).toEqual(["desk", "laptop", "phone"]);
  const address = clients.find((one) => one.client === "laptop")?.address ?? "";
  expect((await client("config", "laptop")).stdout).toBe(config("# PrivateKey = (the client's own)", address));
});

test("revoke: its address is nobody's until its day, then the entry goes", async () => {
  const before = addressOf((await client("config", "phone")).stdout);
  const now = Date.UTC(2026, 0, 1);
  const stderr = jest.spyOn(process.stderr, "write").mockReturnValue(true);
  const stdout = jest.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await revoke("phone", { app: project.directory }, now);
    expect(read("clients.yaml")).toContain(`revoked:\n  phone: { address: ${before}, keptUntil: 2026-04-01 }\n`);
    expect(existsSync(file("wgchain/keys/client.phone.pub"))).toBe(false);
    // Its name's own address is kept from it, too.
    await expect(add("phone", { app: project.directory, exit: "gcp" }, now)).rejects.toThrow(
      "its address is kept until 2026-04-01",
    );
    await expect(add("other", { app: project.directory, exit: "gcp", address: before }, now)).rejects.toThrow(
      `client 'other' has ${before}, which was phone's, who was revoked, and is kept until 2026-04-01`,
    );
    await add("fourth", { app: project.directory, exit: "gcp" }, now);
    expect(read("clients.yaml")).toContain("revoked:");
    await add("third", { app: project.directory, exit: "gcp" }, Date.UTC(2026, 3, 1));
    expect(read("clients.yaml")).not.toContain("revoked:");
  } finally {
    stderr.mockRestore();
    stdout.mockRestore();
  }
});

test.each<[string, string[], string]>([
  ["an exit that is none", ["add", "x", "--exit", "gpc"], "error: there is no exit 'gpc'; this network has 'gcp', 'hkt'\n"],
  [
    "one who is there",
    ["add", "laptop", "--exit", "gcp"],
    "error: client 'laptop' is there already; move it: wgchain client move laptop --exit gcp\n",
  ],
  ["a name that would be a path", ["add", "../x", "--exit", "gcp"], "error: client name '../x' may hold only"],
  [
    "a private key",
    ["add", "x", "--exit", "gcp", "--public-key", keyPair("a private key").privateKey],
    "error: --public-key is a private key",
  ],
  ["an address elsewhere", ["add", "x", "--exit", "gcp", "--address", "10.9.9.9"], "10.9.9.9"],
  ["a route that is none", ["add", "x", "--exit", "gcp", "--route", "10.0.0.1/8"], "error: route '10.0.0.1/8'"],
  [
    "an endpoint that is none",
    ["add", "x", "--exit", "gcp", "--endpoint", "a b"],
    "error: endpoint 'a b' is not HOST or HOST:PORT",
  ],
  ["a picture of another kind", ["add", "x", "--exit", "gcp", "--qr", "x.gif"], "x.gif: a QR code is written as .svg or .png"],
  ["one of the code", ["move", "desk", "--exit", "hkt"], "error: client 'desk' stands in the code, not in "],
  ["nobody", ["revoke", "nobody"], "error: there is no client 'nobody'; there are 'laptop', "],
])("%s is refused, and nothing has changed", async (_, words, message) => {
  const before = read("clients.yaml");
  const { status, stderr } = await client(...words);
  expect(stderr).toContain(message);
  expect(status).toBe(1);
  expect(read("clients.yaml")).toBe(before);
  expect(existsSync(file("wgchain/keys/client.x.pub"))).toBe(false);
});

test("an app that has its clients in the code; a file that is not there, or is wrong", async () => {
  writeFileSync(file("main.ts"), mainTs.replace('      clientsFile: "clients.yaml",\n', ""));
  expect((await client("add", "x", "--exit", "gcp")).stderr).toContain('give its ExitNetwork clientsFile: "clients.yaml"');
  writeFileSync(file("main.ts"), mainTs);
  writeFileSync(file("clients.yaml"), "clients:\n  phone: { exit: gcp, adress: 10.0.0.1 }\n");
  expect((await client("add", "x", "--exit", "gcp")).stderr).toContain("clients.yaml:2:23: clients.phone has 'adress'");
  rmSync(file("clients.yaml"));
  expect((await project.wgchain("prove")).stderr).toContain(
    "clientsFile clients.yaml is not there; make it: wgchain client add NAME --exit EXIT",
  );
  expect((await client("add", "x", "--exit", "gcp", "--out", file("x.conf"))).status).toBe(0);
  expect(statSync(file("x.conf")).mode & 0o777).toBe(0o600);
});
