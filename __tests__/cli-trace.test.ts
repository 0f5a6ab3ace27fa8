import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { traceCommand } from "../cli/trace";
import type { Trace } from "../lib/trace";
import { inProcess, Project, type Ran } from "./support/cli-project";
import { removeTemporaryDirectories, temporaryDirectory } from "./support/directory";

jest.setTimeout(120_000);
afterAll(removeTemporaryDirectories);

const google = "google_compute_address.gcp_address.address";
const project = Project.make();
let out: string;
beforeAll(async () => {
  out = await project.synthesized();
});

/** Of output that is there already: the app is not run again for every question. */
const trace = (...parameters: string[]): Promise<Ran> => inProcess(traceCommand(), [...parameters, "--from", out]);
const json = async (...parameters: string[]): Promise<Trace> =>
  JSON.parse((await trace(...parameters, "--json")).stdout) as Trace;

test("the app's own network: a table of hops, and how it ends", async () => {
  const ran = await project.wgchain("trace", "10.66.224.2", "1.1.1.1");
  expect(ran).toEqual({
    status: 0,
    stderr: "",
    stdout: `   HOST    IN   OUT       ANSWERS AS     SOURCE                                      DESTINATION  MTU
1  client  lo   wg                       10.66.224.2                                 1.1.1.1      1400
2  sz      wgs  wgp       10.66.224.1    10.66.220.224                               1.1.1.1      1440
3  hk      wgp  wg6       10.66.220.200  10.66.6.250                                 1.1.1.1      1400
4  gcp     wg6  (uplink)  10.66.6.6      ${google}  1.1.1.1      1460

leaves at gcp as ${google}; the answer comes back by gcp > hk > sz > client; largest packet 1400 bytes
`,
  });
  expect(project.left).toEqual([]);
});

test("a client by its name, the exit's address from a state", async () => {
  const state = project.state(google, "203.0.113.7");
  const { status, stdout } = await trace("client2", "1.1.1.1", "--state", state);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^4 +gcp +wg6 +\(uplink\) +10\.66\.6\.6 +203\.0\.113\.7 +1\.1\.1\.1/m);
  expect(stdout).toContain("leaves at gcp as 203.0.113.7; ");
  expect((await json("client2", "1.1.1.1", "--state", state)).verdict.address).toBe("203.0.113.7");
  expect((await json("client2", "1.1.1.1")).hops.at(-1)?.source).toBe(google);
});

test("--why shows under each host the lines that decided, with the number that they have in the file", async () => {
  const { stdout } = await trace("10.66.225.2", "1.1.1.1", "--why");
  const shown = [...stdout.matchAll(/^ {6}(\w+):\/(\S+):(\d+): (.*)$/gm)].map(([, host = "", file = "", number, text = ""]) => {
    const lines = readFileSync(join(out, "stacks/reference/wgchain/nodes", host, file), "utf8").split("\n");
    expect((lines[Number(number) - 1] ?? "").trim().replaceAll("\t", " ")).toBe(text);
    return `${host} ${file}`;
  });
  expect(shown).toEqual(
    ["sz", "hk"]
      .flatMap((host) =>
        ["elements", "rules", "routes", "elements", "nftables.nft", "peers"].map((file) => `${host} etc/wgchain/${file}`),
      )
      .concat(["elements", "rules", "nftables.nft"].map((file) => `hkt etc/wgchain/${file}`)),
  );
  expect(stdout.indexOf("\n3  hk")).toBeLessThan(stdout.indexOf("      hk:/etc/wgchain/rules"));
  expect((await trace("10.66.225.2", "1.1.1.1")).stdout).not.toContain("/etc/wgchain");
});

describe("what does not arrive: status 3, and the line that decided", () => {
  test.each([
    [
      "a tunnel that is down",
      ["client2", "1.1.1.1", "--down", "hk/wg6"],
      /^unreachable at hk: an unreachable route of table (\d+), .*\n {2}hk:\/etc\/wgchain\/routes:\d+: unreachable default table \1 .*\n {2}the sender is told by 10\.66\.220\.200$/m,
    ],
    [
      "the far end of one",
      ["client2", "1.1.1.1", "--down", "sz/wgs", "--down", "gcp/wg6"],
      /^dropped at client2: sz has no interface wgs$/m,
    ],
    [
      "an address of nobody's at the entry",
      ["10.66.224.99", "1.1.1.1", "--at", "sz/wgs"],
      /^unreachable at sz: an unreachable route of table 7700/m,
    ],
    [
      "a foreign source from a client",
      ["10.66.224.99", "1.1.1.1", "--at", "client2"],
      /^dropped at sz: 10\.66\.224\.99 is not in the AllowedIPs of peer client2 on wgs\n {2}sz:\/etc\/wgchain\/peers:\d+: wgs /m,
    ],
    ["from the internet to a client", ["1.1.1.1", "10.66.224.2", "--at", "sz/uplink"], /^(dropped|unreachable) at sz/m],
    [
      "too large a packet that may not be cut",
      ["client2", "1.1.1.1", "--size", "1401", "--df"],
      /^too-big at client2: the client's MTU is 1400$/m,
    ],
    [
      "too large a packet of somebody whose MTU is larger",
      ["10.66.224.2", "1.1.1.1", "--at", "sz/wgs", "--size", "1441", "--df"],
      /^too-big at sz: 1441 bytes do not fit wgp, whose MTU is 1440\n {2}the sender is told by 10\.66\.224\.1$/m,
    ],
    [
      "a time to live that is over",
      ["client2", "1.1.1.1", "--ttl", "2"],
      /^expired at hk: .*\n {2}the sender is told by 10\.66\.220\.200$/m,
    ],
  ])("%s", async (_what, parameters, seen) => {
    const { status, stdout, stderr } = await trace(...parameters);
    expect(stdout).toMatch(seen);
    expect([status, stderr]).toEqual([3, ""]);
  });
});

test("what hosts send themselves has the address of the interface that it leaves by", async () => {
  const [outside, inside] = [await json("sz", "1.1.1.1"), await json("hk", "10.66.6.6")];
  expect([outside.verdict.end, outside.verdict.address]).toEqual(["left", "198.51.100.10"]);
  expect([inside.hops[0]?.source, inside.verdict.end, inside.verdict.at]).toEqual(["10.66.6.250", "delivered", "gcp"]);
  // By its own address of a tunnel a host is known, too.
  expect((await trace("10.66.6.250", "10.66.6.6")).status).toBe(0);
  expect((await trace("172.16.0.1", "hk")).stdout).toMatch(/^1 +sz +lo /m);
});

test("from the internet to a host: the answer goes back to the internet", async () => {
  const { status, stdout } = await trace("1.1.1.1", "sz", "--at", "internet");
  expect([status, stdout.split("\n").at(-2)]).toEqual([
    0,
    "delivered at sz: it is the host's own address; the answer comes back by sz; largest packet 1500 bytes",
  ]);
  expect((await trace("1.1.1.1", "gcp", "--at", "internet")).status).toBe(0);
});

test("the command's own exit statuses", async () => {
  const wgchain = async (...parameters: string[]): Promise<number> =>
    (await project.wgchain("trace", ...parameters, "--from", out)).status;
  expect(await wgchain("client2", "1.1.1.1", "--down", "hk/wg6")).toBe(3);
  expect(await wgchain("phone", "1.1.1.1")).toBe(1);
  expect(await wgchain("client2", "1.1.1")).toBe(2);
  expect(await wgchain("client2")).toBe(2);
});

describe("what is typed wrong", () => {
  test.each([
    [
      "phone",
      "1.1.1.1",
      [],
      1,
      "error: 'phone' is no address, client or node of this network; its nodes: sz, hk, gcp, hkt; its clients: client, client2",
    ],
    ["client", "1.1.1.1", [], 1, "error: client 'client' has the addresses 10.66.224.2, 10.66.225.2; name one of them"],
    [
      "10.66.224.99",
      "1.1.1.1",
      [],
      1,
      "error: nobody in this network has the address 10.66.224.99; say where its packet comes in, e.g. --at sz/wgs",
    ],
    [
      "client2",
      "1.1.1.1",
      ["--down", "sz/wg9"],
      1,
      "error: --down sz/wg9: there is no such interface; there are sz/wgp, sz/wgs, hk/wg6, hk/wg7, hk/wgp, gcp/wg6, hkt/wg7",
    ],
    ["client2", "1.1.1.1", ["--at", "sz/wg9"], 1, "error: --at sz/wg9: sz has no interface 'wg9'; it has wgp, wgs, uplink"],
    [
      "client2",
      "1.1.1.1",
      ["--at", "us/wgs"],
      1,
      "error: --at us/wgs: there is no such node, NODE/INTERFACE or client; there are sz, hk, gcp, hkt, client, client2, and internet",
    ],
    [
      "1.1.1.1",
      "10.66.224.2",
      ["--at", "internet"],
      1,
      "error: --at internet: 10.66.224.2 is no public address of a node, so no packet to it comes from there; name the node, e.g. --at sz/uplink",
    ],
    ["client2", "1.1.1.1", ["--stack", "other"], 1, /^error: .* has no stack 'other' with a network; it has reference$/],
    [
      "10.66.224.02",
      "1.1.1.1",
      [],
      2,
      /^error: command-argument value '10\.66\.224\.02' is invalid for argument 'source'\. address '10\.66\.224\.02' is not an IPv4 address; write four decimal numbers/,
    ],
    ["client2", "1.1.1", [], 2, /argument 'destination'\. address '1\.1\.1' is not an IPv4 address/],
    ["client2", "1.1.1.1", ["--size", "70000"], 2, /write a whole number from 20 to 65535\./],
    ["client2", "1.1.1.1", ["--ttl", "0"], 2, /write a whole number from 1 to 255\./],
    ["client2", "1.1.1.1", ["--protocol", "sctp"], 2, /Allowed choices are icmp, udp, tcp\./],
  ])("%s %s %p", async (source, destination, more, status, message) => {
    const ran = await trace(source, destination, ...more);
    expect([ran.status, ran.stdout]).toEqual([status, ""]);
    if (typeof message === "string") expect(ran.stderr).toBe(`${message}\n`);
    else expect(ran.stderr.trimEnd()).toMatch(message);
  });
});

test("output that cannot be read, or that would steer a terminal, does no harm", async () => {
  const other = temporaryDirectory();
  cpSync(out, other, { recursive: true });
  const rules = join(other, "stacks/reference/wgchain/nodes/sz/etc/wgchain/rules");
  const ran = (...more: string[]): Promise<Ran> => project.wgchain("trace", "client2", "1.1.1.1", "--from", other, ...more);
  writeFileSync(rules, `${readFileSync(rules, "utf8")}pref what\n`);
  const unread = await ran();
  expect([unread.status, unread.stdout]).toEqual([1, ""]);
  expect(unread.stderr).toMatch(/^error: the trace cannot read sz:\/etc\/wgchain\/rules:\d+: pref what/);

  cpSync(out, other, { recursive: true });
  const peers = join(other, "stacks/reference/wgchain/nodes/sz/etc/wgchain/peers");
  writeFileSync(peers, readFileSync(peers, "utf8").replace(/\thk$/m, "\thk\u001b[2J"));
  const { status, stdout } = await ran("--why");
  expect(status).toBe(0);
  expect(stdout).toContain("hk?[2J");
  expect(stdout).not.toContain("\u001b");
});
