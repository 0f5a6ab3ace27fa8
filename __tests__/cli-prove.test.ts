import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { wayLines } from "../cli/way-table";
import { untold } from "../lib/prove/summary";
import type { TracedNetwork, TracedWay } from "../lib/trace";
import { Project } from "./support/cli-project";
import { removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { largeIntent } from "./support/large";
import { compileSettled } from "./support/random-network";

jest.setTimeout(120_000);
afterAll(removeTemporaryDirectories);

const google = "google_compute_address.gcp_address.address";
const project = Project.make();
const proofsOf = (...lines: string[]) =>
  project.edit(
    [`import { Host,`, `import { Host, Proof,`],
    ['new SourcePolicy(this, "hk-hkt", { on: hk, from: [viaHkt], via: wg7 });', (all) => [all, ...lines].join("\n")],
  );
afterEach(() => project.restore());

interface Json {
  readonly proved: boolean;
  readonly failures: readonly { readonly code: string; readonly where: string; readonly message: string }[];
  readonly checked: readonly string[];
  readonly assertions: readonly string[];
  readonly network: TracedNetwork | null;
}

test("the whole table of main.ts, what was proved, and how long it took", async () => {
  const { status, stdout, stderr } = await project.wgchain("prove");
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout.replace(/in \d+\.\d\d s/, "in N s")).toBe(
    `CLIENT   ADDRESS      HOPS                                     LEAVES AT  AS                                          MTU   WITH A TUNNEL DOWN
client   10.66.224.2  10.66.224.1 > 10.66.220.200 > 10.66.6.6  gcp        ${google}  1400  reaches nothing
client   10.66.225.2  10.66.224.1 > 10.66.220.200 > 10.66.7.7  hkt        198.51.100.30                               1400  reaches nothing
client2  10.66.224.3  10.66.224.1 > 10.66.220.200 > 10.66.6.6  gcp        ${google}  1400  reaches nothing

proved in N s:
  3 sources leave where declared, with that exit's address, and the answers come back
  6 cases of a tunnel of the way down, at either end: nothing leaves
  8 cases of a host's nftables table or rules flushed: nothing leaves that should not; each closes without the other
  4 hosts: what is not declared reaches nothing, nothing enters by an uplink, and the hosts' own traffic stays as it is
  3 tunnels: no packet that fits is cut into fragments, and TCP learns the MTU
  4 hosts: labels lead to their exits, no peer takes another's addresses, every hop shows itself, and a boot brings up the same
`,
  );
  expect(project.left).toEqual([]);
});

test("JSON, addresses from a state, and assertions of the app's own", async () => {
  proofsOf('Proof.of(this).toExit("client2", gcp).holds("nobody is alone", ({ ways }) => ways.length > 1);');
  const { status, stdout } = await project.wgchain("prove", "--json", "--state", project.state(google, "203.0.113.7"));
  const { proved, failures, checked, assertions, network } = JSON.parse(stdout) as Json;
  expect([status, proved, failures]).toEqual([0, true, []]);
  expect(checked[0]).toMatch(/^3 sources leave where declared/);
  expect(assertions).toEqual(["client2 should exit at gcp", "nobody is alone"]);
  expect(network?.ways.map(({ address, hops, exit }) => [address, hops.at(-1), exit?.address])).toEqual([
    ["10.66.224.2", "10.66.6.6", "203.0.113.7"],
    ["10.66.225.2", "10.66.7.7", "198.51.100.30"],
    ["10.66.224.3", "10.66.6.6", "203.0.113.7"],
  ]);
  expect((await project.wgchain("prove")).stdout).toContain(
    "and what the app asserts of its own:\n  client2 should exit at gcp\n  nobody is alone\n",
  );
});

test("without any key yet it is proved with stand-ins, and says so", async () => {
  const { status, stdout, stderr } = await project.wgchain("prove", { WGCHAIN_DIR: temporaryDirectory() });
  expect([status, stderr]).toEqual([
    0,
    "note: 10 public keys are not there yet and have stand-ins here; 'wgchain keys' makes them\n",
  ]);
  expect(stdout).toContain("3 sources leave where declared");
  expect(project.left).toEqual([]);
});

test("an app that asserts what does not hold: status 3, what fails, and no table", async () => {
  proofsOf('Proof.of(this).toExit("client2", "hkt");');
  const { status, stdout, stderr } = await project.wgchain("prove");
  expect([status, stderr]).toEqual([3, ""]);
  expect(stdout).toMatch(
    /^packets would not do what is declared \(1, in \d+\.\d\d s\):\n {2}reference: 'client2 should exit at hkt' does not hold: 10\.66\.224\.3 \(client2\) leaves at gcp as /,
  );
  const json = JSON.parse((await project.wgchain("prove", "--json")).stdout) as Json;
  expect([json.proved, json.network, json.failures.map(({ code, where }) => [code, where])]).toEqual([
    false,
    null,
    [["assertion", "reference"]],
  ]);
  // An error of its own is none of packets.
  project.edit(["exit: true", () => "exit: false"]);
  const broken = await project.wgchain("prove");
  expect([broken.status, broken.stdout]).toEqual([1, ""]);
  expect(broken.stderr).toMatch(/^error: the app does not pass its checks; mend these first:\n.*is no exit/);
});

describe("synthesized output", () => {
  test("is proved as it stands; what somebody changed in it fails, table and all", async () => {
    const out = temporaryDirectory();
    cpSync(await project.synthesized(), out, { recursive: true });
    expect((await project.wgchain("prove", "--from", out)).status).toBe(0);
    const elements = join(out, "stacks/reference/wgchain/nodes/sz/etc/wgchain/elements");
    const text = readFileSync(elements, "utf8");
    const [, other = ""] = /exit_of_wgs 10\.66\.225\.2 : (\S+)/.exec(text) ?? [];
    writeFileSync(
      elements,
      text
        .replace(/(exit_of_wgs 10\.66\.224\.3 : )\S+/, `$1${other}`)
        .replace(/(label_on_wgp 10\.66\.224\.3 : )\S+/, "$110.66.220.225"),
    );
    const { status, stdout } = await project.wgchain("prove", "--from", out);
    expect(status).toBe(3);
    expect(stdout).toMatch(/^client2 +10\.66\.224\.3 .*10\.66\.7\.7 +hkt +198\.51\.100\.30/m);
    expect(stdout).toMatch(
      /packets would not do what is declared \(\d+, in [^]*\n {2}sz: 10\.66\.224\.3 \(client2\) should leave at gcp, but leaves at hkt as 198\.51\.100\.30/,
    );
    expect(stdout).not.toContain("proved in");
    expect(stdout).not.toContain("@{");
  });

  test("of 10,000 clients is a table of a few lines", async () => {
    const { hosts, wiring } = compileSettled(largeIntent(10_000));
    const out = temporaryDirectory();
    const root = join(out, "stacks/large/wgchain");
    for (const { node, files } of hosts) {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, "nodes", node, name)), { recursive: true });
        writeFileSync(join(root, "nodes", node, name), text);
      }
    }
    writeFileSync(join(root, "network.json"), JSON.stringify(wiring));
    const { status, stdout } = await project.wgchain("prove", "--from", out);
    expect(status).toBe(0);
    const lines = stdout.split("\n");
    expect(lines.slice(0, 5).map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ["CLIENT", "ADDRESS"],
      ["c0 and 3333 more", "10.64.0.2 ... 10.64.39.17 (3334)"],
      ["c1 and 3332 more", "10.64.0.3 ... 10.64.39.15 (3333)"],
      ["c2 and 3332 more", "10.64.0.4 ... 10.64.39.16 (3333)"],
      [""],
    ]);
    expect(stdout).toContain("10,000 sources leave where declared");
    expect(stdout).toContain("20,000 cases of a tunnel of the way down");
  });
});

test("every obligation has its sentence", () => {
  expect(untold()).toEqual([]);
});

test("a way that leaves nowhere says why; one that leaves by another tunnel, where; a declared prefix has no client", () => {
  const way: TracedWay = {
    ...{
      client: "phone",
      address: "10.66.224.2",
      node: "sz",
      interface: "wgs",
      tunnels: ["sz/wgp", "hk/wg6"],
      labels: [],
      mtuBytes: 1400,
    },
    ...{
      exit: { node: "gcp", address: "203.0.113.7", deferred: false },
      hops: ["10.66.224.1"],
      down: [{ tunnel: "hk/wg6", exit: "hkt" }],
    },
  };
  const [, open, nowhere, prefix] = wayLines(
    [
      way,
      { ...way, exit: null, why: "unreachable at sz: no route", down: [], tunnels: [] },
      { ...way, client: null, down: [{ tunnel: "hk/wg6", exit: null }] },
    ],
    false,
  );
  expect(open).toMatch(/^phone .* gcp +203\.0\.113\.7 +1400 +hk\/wg6: leaves at hkt$/);
  expect(nowhere).toMatch(/^phone .* nowhere +unreachable at sz: no route$/);
  expect(prefix).toMatch(/^\(declared\) .* 1400 +reaches nothing$/);
});

test("from the sixth on ways alike are one line, in the place of the first", () => {
  const alike = (count: number, exit: string): TracedWay[] =>
    Array.from({ length: count }, (_, index) => ({
      ...{
        client: `${exit}${index}`,
        address: `10.0.0.${index}`,
        node: "sz",
        interface: "wgs",
        tunnels: [],
        labels: [],
        mtuBytes: 1400,
        down: [],
        hops: [],
      },
      exit: { node: exit, address: "203.0.113.7", deferred: false },
    }));
  const [five, six] = [alike(5, "a"), alike(6, "b")];
  const mixed = [...six.slice(0, 1), ...five, ...six.slice(1)];
  expect(
    wayLines(mixed, false)
      .slice(1)
      .map((line) => line.split(" ")[0]),
  ).toEqual(["b0", "a0", "a1", "a2", "a3", "a4"]);
  expect(wayLines(mixed, false)[1]).toMatch(/^b0 and 5 more +10\.0\.0\.0 \.\.\. 10\.0\.0\.5 \(6\)/);
  expect(wayLines(mixed, true)).toHaveLength(12);
});
