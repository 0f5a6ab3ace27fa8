import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Operator, type SshHost } from "./cli-hosts";
import { HOST_PROGRAM, hongKong, keyPair, publicKey, writePayload } from "./host/payload";
import { parseReport } from "../cli/host-report";
import { statusText } from "../cli/status";
import { ago, bytes } from "../cli/words";

jest.setTimeout(120_000);

const sshConfig = `
Host hk
  HostName 127.0.0.20
  User admin
Host bare
  HostName 127.0.0.30
  User root
Host said
  HostName 127.0.0.40
  User root
`;
const keys = { wgp: keyPair(), wg6: keyPair() };
const reference = hongKong(keys, publicKey(), publicKey());
/** Nobody is at the other end, so no handshake is asked for. */
const payload = {
  ...reference,
  interfaces: reference.interfaces.map((one) => ({ ...one, peers: one.peers.map(({ keepalive: _, ...peer }) => peer) })),
};

const own = "mkdir -p /usr/local/lib /var/lib/wgchain";
const admin = `useradd -M -d / -s /bin/sh admin; usermod -p "*" admin; echo "admin ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/admin; chmod 0440 /etc/sudoers.d/admin`;
/** A program that says what stands in a file. */
const saying = `mkdir -p /usr/local/lib/wgchain; printf "#!/bin/sh\\ncat /etc/said\\n" >/usr/local/lib/wgchain/wgchain-host; chmod 0755 /usr/local/lib/wgchain/wgchain-host`;

const iface = {
  name: "wgp",
  role: "tunnel-server",
  address: "10.0.0.1/24",
  listenPort: 1,
  mtuBytes: 1420,
  publicKey: null,
  keyMadeOn: "host",
};
const node = (name: string, destination = name) => ({
  name,
  host: { kind: "ssh", address: "198.51.100.10", destination },
  uplinkMtuBytes: 1500,
  interfaces: [iface],
});
const gcp = {
  ...node("gcp"),
  host: {
    kind: "gce",
    instance: "google_compute_instance.gcp_instance",
    externalAddress: "google_compute_address.gcp_address.address",
    user: "root",
    sshFrom: [],
  },
};

describe("wgchain status and doctor", () => {
  let operator: Operator;
  let [hk, bare, said]: SshHost[] = [];

  beforeAll(async () => {
    operator = await Operator.start(sshConfig);
    hk = await operator.host("hk", "127.0.0.20", `${admin}; ${own}`);
    bare = await operator.host("bare", "127.0.0.30", own);
    said = await operator.host("said", "127.0.0.40", `${own}; ${saying}`);
    const tree = join(operator.folder, "tree");
    writePayload(tree, payload);
    cpSync(HOST_PROGRAM, join(operator.folder, "program"));
    hk.run(`ip link add eth0 type veth peer name far; ip link set eth0 up; ip link set far up; ip addr add 198.51.100.20/24 dev eth0; ip route add default via 198.51.100.1
      umask 077; mkdir -p /etc/wgchain/keys; echo ${keys.wgp.private} >/etc/wgchain/keys/wgp.key; echo ${keys.wg6.private} >/etc/wgchain/keys/wg6.key; umask 022
      cd ${tree}; generation=$(find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d" " -f1); cd /
      printf "%s\\n" prepare add switch bye | bash ${operator.folder}/program deploy ${tree} $generation f00d 0
      printf "%s\\n" commit bye | bash ${operator.folder}/program confirm $generation f00d`);
    operator.writeInventory({ nodes: [node("hk"), node("bare")] });
    operator.pin(hk, bare, said);
  });
  afterAll(() => operator.end());

  /** As operator.writeInventory, but the pinned keys stay. */
  const write = (...nodes: object[]): void => {
    const known = operator.read("known_hosts");
    operator.writeInventory({ nodes });
    mkdirSync(operator.directory, { recursive: true });
    writeFileSync(join(operator.directory, "known_hosts"), known);
  };
  const says = (...lines: string[]): string =>
    said!.run(
      `printf "%s\\n" ${["version\t1", `clock\t$(date +%s)`, ...lines].map((line) => `"${line}"`).join(" ")} | sed "s/\\\\\\\\t/\\t/g" >/etc/said`,
    );

  test("status shows what a host carries in words, as a user with sudo, and names those that cannot be asked", async () => {
    write(node("hk"), node("bare"), node("lost", "127.0.0.99"), gcp);
    const { status, stdout, stderr } = await operator.wgchain("status");
    expect(stdout).toMatch(
      /^hk: generation [0-9a-f]{12}; last deploy committed\n {2}wg6 {2}up, port 51826, MTU 1400, public key .*\n {4}peer {2}198.51.100.40:51820 {2}never {2}0 B received {2}.* sent\n {2}wgp {2}up/,
    );
    expect(stdout).toMatch(/^ {2}table 7706\n( {4}.*\n)* {4}default dev wg6\n/m);
    expect(stderr.split("\n").sort()).toEqual([
      "",
      "error: bare: wgchain is not deployed on it (no /usr/local/lib/wgchain/wgchain-host)",
      expect.stringMatching(
        /^error: gcp: not deployed yet, or its state is not reachable from here \(.*cdktf.out\/stacks\/network holds no synthesized stack\)$/,
      ),
      expect.stringMatching(/^error: lost: ssh 127.0.0.99 cannot be reached: .*Connection refused$/),
    ]);
    expect(status).toBe(1);
    for (const { private: secret } of Object.values(keys)) expect(`${stdout}${stderr}`).not.toContain(secret);
  });

  test("status of one node, as JSON", async () => {
    const { status, stdout } = await operator.wgchain("status", "hk", "--json");
    const { nodes } = JSON.parse(stdout) as {
      nodes: { node: string; report: { interfaces: { name: string; state: string }[] } }[];
    };
    expect(nodes.map(({ node, report }) => [node, report.interfaces.map(({ name, state }) => [name, state])])).toEqual([
      [
        "hk",
        [
          ["wg6", "up"],
          ["wgp", "up"],
        ],
      ],
    ]);
    expect(status).toBe(0);
    for (const { private: secret } of Object.values(keys)) expect(stdout).not.toContain(secret);
  });

  test("names of nodes that are none, and wrong options", async () => {
    expect(await operator.wgchain("status", "nobody")).toMatchObject({
      status: 1,
      stderr: "error: 'nobody' is no node of this app; it has hk, bare, lost, gcp\n",
    });
    expect((await operator.wgchain("doctor", "--bogus")).status).toBe(2);
    const wgchain = [process.execPath, "--import", "tsx", "cli/wgchain.ts"];
    expect(await operator.command([...wgchain, "lab", "shell", "hk", "--instance", "other"])).toMatchObject({
      status: 1,
      stderr:
        "error: '--instance' stands behind the host, where the command to run begins; an option of the lab stands before it: wgchain lab shell --instance NAME hk\n",
    });
    const help = (await operator.command([...wgchain, "doctor", "--help"])).stdout;
    expect(help).toMatch(
      /^Exit status:\n {2}0 {2}all healthy\n {2}1 {2}a node could not be asked\n {2}2 {2}wrong arguments\n {2}3 {2}something differs or would break$/m,
    );
  });

  test("doctor: 0 healthy, 3 differs, and --repair mends it and looks again", async () => {
    expect(await operator.wgchain("doctor", "hk")).toEqual({ status: 0, stdout: "hk: ok\n", stderr: "" });
    hk!.run("ip rule del pref 12000; ip link set wgp mtu 1300");
    const differs = await operator.wgchain("doctor", "hk");
    expect(differs.stdout).toBe(
      `hk: differs from what was deployed in 2\n  differs, would be mended by: ip -4 rule add pref 12000 iif wgp lookup 7700 protocol 119\n  differs, would be mended by: ip link set dev wgp mtu 1440\n  mend: wgchain doctor --repair hk\n`,
    );
    expect(differs.status).toBe(3);
    expect(hk!.run("ip rule show pref 12000")).toBe("");
    const repaired = await operator.wgchain("doctor", "--repair", "hk");
    expect(repaired.stdout).toMatch(/^hk: repair: \[#\] ip link set dev wgp mtu 1440$/m);
    expect(repaired.stdout.trimEnd().split("\n").at(-1)).toBe("hk: ok");
    expect(repaired.status).toBe(0);
    expect(hk!.run("ip rule show pref 12000")).not.toBe("");
  });

  test("doctor: what would break has a code and how to mend it; --json has all", async () => {
    hk!.run("ip rule add pref 100 lookup 254");
    const { status, stdout } = await operator.wgchain("doctor", "hk");
    expect(stdout).toMatch(/^hk: 1 problem\n {2}foreign-rule: the rule 'pref 100 lookup 254', .*remove it/);
    expect(status).toBe(3);
    const json = JSON.parse((await operator.wgchain("doctor", "--json", "hk")).stdout) as {
      nodes: { healthy: boolean; problems: { code: string }[] }[];
    };
    expect(json.nodes.map(({ healthy, problems }) => [healthy, problems.map(({ code }) => code)])).toEqual([
      [false, ["foreign-rule"]],
    ]);
    // Where one could not be asked, that is what the status says.
    expect((await operator.wgchain("doctor", "hk", "bare")).status).toBe(1);
    hk!.run("ip rule del pref 100");
  });

  test("a VM is reached by its address in Terraform's state, under its instance's name", async () => {
    write(gcp);
    const stack = join(operator.app, "cdktf.out/stacks/network");
    mkdirSync(stack, { recursive: true });
    writeFileSync(join(stack, "cdk.tf.json"), "{}");
    const resource = (type: string, name: string, attributes: object) => ({
      mode: "managed",
      type,
      name,
      provider: 'provider["registry.terraform.io/hashicorp/google"]',
      instances: [{ schema_version: 0, attributes }],
    });
    writeFileSync(
      join(stack, "terraform.tfstate"),
      JSON.stringify({
        version: 4,
        terraform_version: "1.9.0",
        serial: 1,
        lineage: "x",
        outputs: {},
        check_results: null,
        resources: [
          resource("google_compute_instance", "gcp_instance", { instance_id: "4711" }),
          resource("google_compute_address", "gcp_address", { address: "127.0.0.20" }),
        ],
      }),
    );
    const unknown = await operator.wgchain("status", "gcp");
    expect(unknown.stderr).toMatch(
      /^error: gcp: ssh root@127.0.0.20: .*known_hosts has no line wgchain-gcp-4711; the first deploy of a VM records it/,
    );
    writeFileSync(
      join(operator.directory, "known_hosts"),
      operator.read("known_hosts").replace("wgchain-hk ", "wgchain-hk,wgchain-gcp-4711 "),
    );
    const { status, stdout, stderr } = await operator.wgchain("status", "gcp");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^gcp: generation /);
  });

  test("a clock that is off by more than 30 s is a problem; one that is nearly right is not", async () => {
    write(node("said"));
    says("forwarding\t1", "end");
    expect((await operator.wgchain("doctor")).stdout).toBe("said: ok\n");
    said!.run('sed -i "s/^clock.*/clock\\t$(($(date +%s) + 100))/" /etc/said');
    const { status, stdout } = await operator.wgchain("doctor");
    expect(stdout).toMatch(/^said: 1 problem\n {2}clock: its clock is (9\d|100) s ahead of this machine's; .*set it/);
    expect(status).toBe(3);
  });

  test("a report that breaks off, an older program, another version", async () => {
    says("forwarding\t1");
    expect((await operator.wgchain("status")).stderr).toBe("error: said: 'report' ended with status 0 before it was done\n");
    said!.run('echo "wgchain-host: unknown verb" >/etc/said');
    expect((await operator.wgchain("status")).stderr).toMatch(
      /^error: said: its .*wgchain-host is of an older version and has no 'report'; deploy to it first\n$/,
    );
    said!.run('printf "version\\t2\\nend\\n" >/etc/said');
    expect((await operator.wgchain("status")).stderr).toMatch(/^error: said: its report has version 2, this command reads 1;/);
  });
});

describe("words", () => {
  test("ages and sizes", () => {
    expect([null, 988, 400, 1001].map((then) => ago(then, 1000))).toEqual([
      "never",
      "12 s ago",
      "10 min ago",
      "in the future by its clock",
    ]);
    expect([ago(0, 10_000), ago(0, 200_000)]).toEqual(["2 h ago", "2 days ago"]);
    expect([0, 1023, 1024, 1_300_000, 5 * 2 ** 40].map(bytes)).toEqual(["0 B", "1023 B", "1.0 KiB", "1.2 MiB", "5.0 TiB"]);
  });
  test("a report in text: a deploy under way, peers by name, an unknown one by its key", () => {
    const lines = [
      "version 1",
      "generation 0123456789abcdef",
      "pending d1 42",
      "clock 1000",
      "forwarding 0",
      "interface wgs down 1420 51820 KEY",
      "peer wgs K2 zoe (none) 0 0 0",
      "peer wgs K1 ana 192.0.2.1:5 988 2048 10",
      "peer wgs K3 (unknown) (none) 0 0 0",
      "rule r",
    ];
    expect(
      statusText(
        "sz",
        parseReport(
          lines.map((line) => line.replaceAll(" ", "\t")),
          1000,
        ),
      ),
    ).toBe(
      `sz: generation 0123456789ab; deploy d1 is not confirmed, back to the last good configuration in 42 s
  wgs  DOWN, port 51820, MTU 1420, public key KEY
    (unknown) K3  -            never     0 B received      0 B sent
    ana           192.0.2.1:5  12 s ago  2.0 KiB received  10 B sent
    zoe           -            never     0 B received      0 B sent
  1 rules, forwarding OFF
`,
    );
  });
});
