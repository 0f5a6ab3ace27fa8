import { callersAddress, counters, nothingChanged, table, traceroute, watch, type DeployResult, type Lab } from "../../lab";
import { ReferenceApp } from "./app";
import { ownLab, removeStaleLabs } from "./instance";
import { provedRows, seenRow } from "./proved";
import { leaked, leftOn, privateLineOf, type Wire } from "./wires";
import { privateKeysOf, seenSecrets, sampleProcesses } from "./secrets";

/** The "done when", on the unmodified main.ts: real Terraform, real SSH, real WireGuard, real packets. */
const gcpSource = "10.66.224.2";
const hktSource = "10.66.225.2";
const secondPerson = "10.66.224.3";
const target = "192.0.2.1";
/** A packet that should only be seen inside of tunnels: one with an inner address, or one to what clients ask for. */
const inner = `net 10.66.0.0/16 or host ${target}`;

const lab = ownLab("reference");
const app = new ReferenceApp();
let first: DeployResult;

const up = (): Promise<DeployResult> => lab.up({ app: app.directory });
const client = (): ReturnType<Lab["host"]> => lab.host("client");
const sh = (host: string, script: string): Promise<{ status: number; stdout: string; stderr: string }> =>
  lab.host(host).sh(script, { check: false });

beforeAll(async () => {
  await removeStaleLabs();
  first = await up();
}, 180_000);

afterAll(async () => {
  await lab.down({ force: true });
  app.remove();
}, 60_000);

/** Asks from all three addresses, in all ways at once; what fails is the point of some tests. */
const knock = (): Promise<unknown> =>
  Promise.all([
    sh(
      "client",
      `for i in 1 2 3 4 5; do ping -c1 -W1 -I ${gcpSource} ${target} & ping -c1 -W1 -I ${hktSource} ${target} & wait; done`,
    ),
    sh(
      "client",
      `curl -s --max-time 4 --interface ${gcpSource} http://${target}/; curl -s --max-time 4 --interface ${hktSource} http://${target}/`,
    ),
    sh("client2", `ping -c3 -i0.5 -W1 -I ${secondPerson} ${target}`),
  ]);

const leaks = (wires: readonly Wire[], action: () => Promise<unknown>): Promise<string[]> => leaked(lab, inner, wires, action);
const privateLine = (host: string): Promise<string> => privateLineOf(lab, host);

const relays = async (): Promise<Wire[]> => [
  ["sz", "eth0"],
  ["sz", await privateLine("sz")],
  ["hk", "eth0"],
];

describe("the reference network in the lab", () => {
  test("is deployed, keeps every promise, and packets see the hops, exits and MTUs that wgchain prove prints", async () => {
    const rows = await lab.probe();
    process.stdout.write(`${table(rows)}\n`);
    expect(rows.flatMap((row) => row.problems)).toEqual([]);
    expect(rows.map((row) => row.address)).toEqual([gcpSource, hktSource, secondPerson]);
    expect(await provedRows(lab, app.directory, target)).toEqual(rows.map(seenRow));
  });

  test("each address leaves at its exit, by exactly the hops of S11", async () => {
    const google = /\b203\.0\.113\.\d+\b/.exec(JSON.stringify(await lab.probe()))?.[0];
    expect(google).toBeDefined();
    expect(await callersAddress(client(), gcpSource)).toBe(google);
    expect(await callersAddress(client(), hktSource)).toBe("198.51.100.30");
    expect(await traceroute(client(), gcpSource, 8)).toEqual(["10.66.224.1", "10.66.220.200", "10.66.6.6", target]);
    expect(await traceroute(client(), hktSource, 8)).toEqual(["10.66.224.1", "10.66.220.200", "10.66.7.7", target]);
  });

  test("a second deploy and a diff find nothing to change", async () => {
    expect(nothingChanged(await up())).toBe(true);
    expect((await lab.diff()).output).toMatch(/No changes/);
  });

  test("50 MB each way through each chain make no IP fragment on any host", async () => {
    const hosts = ["client", "sz", "hk", "gcp", "hkt"];
    const fragments = async (): Promise<number[]> =>
      Promise.all(
        hosts.map(async (host) => {
          const values = await counters(lab.host(host));
          return (values["Ip.FragCreates"] ?? NaN) + (values["Ip.ReasmReqds"] ?? NaN) + (values["Ip.FragFails"] ?? NaN);
        }),
      );
    const before = await fragments();
    for (const source of [gcpSource, hktSource]) {
      const down = await sh(
        "client",
        `curl -s --max-time 100 -o /dev/null -w '%{size_download}' --interface ${source} http://${target}/bytes/52428800`,
      );
      expect(down.stdout).toBe("52428800");
      const upload = `head -c 52428800 /dev/zero | curl -s --max-time 100 -o /dev/null -w '%{size_upload}' --interface ${source} -T - http://${target}/`;
      // With the overhead of chunks, since curl does not know the length.
      expect(Number((await sh("client", upload)).stdout)).toBeGreaterThanOrEqual(52428800);
    }
    expect(await fragments()).toEqual(before);
  });

  test("1400 bytes pass, 1401 fail at the client, and from a client with a larger MTU at the relay", async () => {
    const ping = (bytes: number): Promise<{ status: number; stdout: string; stderr: string }> =>
      sh("client", `ping -M do -c1 -W2 -s ${bytes - 28} -I ${gcpSource} ${target} 2>&1`);
    expect((await ping(1400)).status).toBe(0);
    expect((await ping(1401)).stdout).toMatch(/message too long, mtu=1400/);
    await sh("client", "ip link set wg0 mtu 1440");
    try {
      expect((await ping(1401)).stdout).toMatch(/From 10\.66\.220\.200 .*Frag needed and DF set \(mtu = 1400\)/);
    } finally {
      await sh("client", "ip link set wg0 mtu 1400; ip route flush cache");
    }
  });
});

describe("what must not pass does not pass", () => {
  test("the watch itself sees inner packets where they belong", async () => {
    const { packets } = await watch(lab.host("sz"), { device: "wgp", filter: inner }, knock);
    expect(packets.length).toBeGreaterThan(0);
  });

  test("with wgp down on SZ nothing of a client leaves SZ", async () => {
    await sh("sz", "wg-quick down wgp");
    try {
      expect(
        await leaks(
          [
            ["sz", "eth0"],
            ["sz", await privateLine("sz")],
          ],
          knock,
        ),
      ).toEqual([]);
      expect(await callersAddress(client(), gcpSource)).toBeNull();
    } finally {
      await sh("sz", "wg-quick up wgp");
    }
    expect(await callersAddress(client(), gcpSource)).toMatch(/^203\.0\.113\./);
  });

  test("with wg6 down on HK nothing leaves HK, and the other exit's clients lose nothing", async () => {
    await sh("hk", "wg-quick down wg6");
    try {
      expect(
        await leaks(
          [
            ["hk", "eth0"],
            ["hkt", "wg7"],
          ],
          () => sh("client", `ping -c4 -i0.3 -W1 -I ${gcpSource} ${target}`),
        ),
      ).toEqual([]);
      expect(await callersAddress(client(), hktSource)).toBe("198.51.100.30");
    } finally {
      await sh("hk", "wg-quick up wg6");
    }
  });

  test("a foreign source address gets nowhere", async () => {
    await sh("client", "ip addr add 10.66.224.77/32 dev wg0; ip addr add 10.9.9.9/32 dev wg0");
    try {
      const { packets } = await watch(lab.host("internet"), { device: "any", filter: `icmp and host ${target}` }, async () => {
        for (const source of ["10.66.224.77", "10.9.9.9"]) {
          expect((await sh("client", `ping -c2 -i0.3 -W1 -I ${source} ${target}`)).status).not.toBe(0);
        }
      });
      expect(packets).toEqual([]);
    } finally {
      await sh("client", "ip addr del 10.66.224.77/32 dev wg0; ip addr del 10.9.9.9/32 dev wg0");
    }
  });

  test("a client's neighbour address, spoofed by another client, gets nowhere", async () => {
    await sh("client2", `ip addr add ${gcpSource}/32 dev wg0`);
    try {
      expect((await sh("client2", `ping -c2 -i0.3 -W1 -I ${gcpSource} ${target}`)).status).not.toBe(0);
    } finally {
      await sh("client2", `ip addr del ${gcpSource}/32 dev wg0`);
    }
  });

  test("traffic from client to client2 stays on SZ", async () => {
    const { packets } = await watch(
      lab.host("sz"),
      { device: "wgp", filter: `host ${secondPerson} or host 10.66.220.224` },
      async () => {
        expect((await sh("client", `ping -c3 -i0.3 -W1 -I ${gcpSource} ${secondPerson}`)).status).toBe(0);
      },
    );
    expect(packets).toEqual([]);
    const wires = await leaks([["sz", "eth0"]], () => sh("client", `ping -c3 -i0.3 -W1 -I ${gcpSource} ${secondPerson}`));
    expect(wires).toEqual([]);
  });

  test("what a neighbour on the uplink sends to an inner address reaches nobody, whatever the reverse-path filter", async () => {
    const filters = (await sh("sz", "sysctl -n net.ipv4.conf.eth0.rp_filter net.ipv4.conf.all.rp_filter")).stdout;
    // Loose and strict would drop the inner source by themselves; the table must.
    await sh("sz", "sysctl -qw net.ipv4.conf.eth0.rp_filter=0");
    await sh("internet", "ip route add 10.66.224.0/19 via 198.51.100.10");
    try {
      const { packets } = await watch(lab.host("sz"), { device: "wgs", filter: `host ${target}` }, async () => {
        const arrived = await watch(lab.host("sz"), { device: "eth0", filter: `dst host ${gcpSource}` }, () =>
          sh("internet", `ping -c3 -i0.2 -W1 -I ${target} ${gcpSource}`),
        );
        expect(arrived.packets.length).toBeGreaterThan(0);
      });
      expect(packets).toEqual([]);
    } finally {
      await sh("internet", "ip route del 10.66.224.0/19");
      await sh("sz", `sysctl -qw net.ipv4.conf.eth0.rp_filter=${filters.split("\n")[0] ?? "2"}`);
    }
  });

  test("no client reaches the metadata server of an exit", async () => {
    const { packets } = await watch(lab.host("gcp"), { device: "ens4", filter: "host 169.254.169.254" }, async () => {
      const asked = await sh("client", `curl -s --max-time 2 --interface ${gcpSource} http://169.254.169.254/`);
      expect(asked.status).not.toBe(0);
    });
    expect(packets).toEqual([]);
    // It does come to the entry.
    const inside = await watch(lab.host("sz"), { device: "wgs", filter: "host 169.254.169.254" }, () =>
      sh("client", `curl -s --max-time 2 --interface ${gcpSource} http://169.254.169.254/`),
    );
    expect(inside.packets.length).toBeGreaterThan(0);
  });

  test.each([
    ["sz", async () => relays()],
    ["hk", async () => relays()],
  ] as const)("after nft flush ruleset on %s nothing leaks", async (host, wires) => {
    await sh(host, "nft flush ruleset");
    try {
      expect(await leaks(await wires(), knock)).toEqual([]);
    } finally {
      await sh(host, "/usr/local/lib/wgchain/wgchain-host boot");
    }
    expect(await callersAddress(client(), gcpSource)).toMatch(/^203\.0\.113\./);
  });

  test("after nft flush ruleset on an exit no inner address is on its uplink", async () => {
    await sh("hkt", "nft flush ruleset");
    try {
      const { packets } = await watch(lab.host("hkt"), { device: "eth0", filter: inner }, knock);
      expect(packets).toEqual([]);
      expect(await callersAddress(client(), hktSource)).toBeNull();
    } finally {
      await sh("hkt", "/usr/local/lib/wgchain/wgchain-host boot");
    }
    expect(await callersAddress(client(), hktSource)).toBe("198.51.100.30");
  });

  test("after conntrack -D on SZ, HK and HKT under traffic no inner address is on an uplink", async () => {
    const download = sh(
      "client",
      `curl -s --max-time 12 --limit-rate 2M -o /dev/null --interface ${hktSource} http://${target}/bytes/52428800`,
    );
    const innerOnly = "net 10.66.0.0/16";
    const under = async (): Promise<void> => {
      for (let round = 0; round < 4; round += 1) {
        await Promise.all(
          ["sz", "hk", "hkt"].map((host) => sh(host, "conntrack -D -p tcp >/dev/null 2>&1; conntrack -F >/dev/null 2>&1")),
        );
        await sh("client", `ping -c2 -i0.2 -W1 -I ${gcpSource} ${target}`);
      }
    };
    const wires = [
      ["sz", "eth0"],
      ["sz", await privateLine("sz")],
      ["hk", "eth0"],
      ["hkt", "eth0"],
      ["gcp", "ens4"],
    ] as const;
    const seen = await leaked(lab, innerOnly, wires, under);
    await download;
    expect(seen).toEqual([]);
  });

  test("the VM's network lets in nothing but HK's tunnel and the operator's SSH", async () => {
    const address = (await callersAddress(client(), gcpSource)) ?? "";
    const connects = (host: string): Promise<{ status: number }> => sh(host, `timeout 3 bash -c '</dev/tcp/${address}/22'`);
    expect((await connects("operator")).status).toBe(0);
    expect((await connects("hkt")).status).not.toBe(0);
    expect((await connects("hk")).status).not.toBe(0);
  });
});

describe("a change", () => {
  const moved: [string, string][] = [
    [`from: ["10.66.224.2/32", "10.66.224.3/32"], via: wgp, snat: viaGcp`, `from: ["10.66.224.3/32"], via: wgp, snat: viaGcp`],
    [`from: ["10.66.225.2/32"], via: wgp, snat: viaHkt`, `from: ["10.66.225.2/32", "10.66.224.2/32"], via: wgp, snat: viaHkt`],
  ];

  test("moving an address to HKT shows what differs on SZ and nothing else; deploying it moves the traffic", async () => {
    app.edit(...moved);
    const { output } = await lab.diff();
    const replaced = [...output.matchAll(/null_resource\.(\w+)[^\n]* must be replaced/g)].map((match) => match[1]).sort();
    expect(replaced).toEqual(["deploy", "sz_config"]);
    const lines = output.split("\n").map((line) => line.replace(/^\S*\s+/, ""));
    expect(lines.filter((line) => /^[-+~] +"source /.test(line)).map((line) => line.replace(/ +/g, " "))).toEqual([
      `~ "source 10.66.224.2 on wgs" = "exit gcp via wgp from 10.66.220.224" -> "exit hkt via wgp from 10.66.220.225"`,
    ]);
    expect(lines.filter((line) => /^[-+~] +"(peer|interface|address) /.test(line))).toEqual([]);

    const udp = sh(
      "client",
      `for i in $(seq 1 20); do echo $i; sleep 0.3; done | timeout 8 nc -u -s ${gcpSource} -p 5555 ${target} 9 || true`,
    );
    expect((await up()).changes).toEqual({ added: 2, changed: 0, destroyed: 2 });
    expect(await callersAddress(client(), gcpSource)).toBe("198.51.100.30");
    expect(await callersAddress(lab.host("client2"), secondPerson)).toMatch(/^203\.0\.113\./);
    expect((await lab.probe()).flatMap((row) => row.problems)).toEqual([]);
    await udp;
  });

  test("and back, while no private key is in output, state, logs, arguments or environment of the operator", async () => {
    app.restore();
    const { result, processes } = await sampleProcesses(up);
    const keys = await privateKeysOf(lab);
    expect(keys.length).toBeGreaterThanOrEqual(9);
    expect(
      seenSecrets(keys, { text: [first.output, result.output, processes], directories: [lab.paths.out, lab.paths.logs] }),
    ).toEqual([]);
    expect(seenSecrets(keys, { text: [], directories: [lab.paths.tfstate, lab.paths.cloud] })).toEqual([]);
    expect(
      [/wgchain\/deploy apply/, /wgchain\/deliver deploy/, /wgchain\/deliver confirm/].map((one) => one.test(processes)),
    ).toEqual([true, true, true]);
    expect(await callersAddress(client(), gcpSource)).toMatch(/^203\.0\.113\./);
  });

  test("a VM made anew gets its key and configuration again, and a smaller network MTU reaches both ends and the clients", async () => {
    app.edit([`networkMtuBytes: 1460,`, `networkMtuBytes: 1400, image: "ubuntu-os-cloud/ubuntu-2204-lts-amd64",`]);
    const before = await lab.host("gcp").sh("cat /etc/ssh/ssh_host_ed25519_key.pub || cat /run/sshd/*.pub", { check: false });
    await up();
    const after = await lab.host("gcp").sh("cat /etc/ssh/ssh_host_ed25519_key.pub || cat /run/sshd/*.pub", { check: false });
    expect(after.stdout).not.toBe(before.stdout);
    const rows = await lab.probe();
    expect(rows.flatMap((row) => row.problems)).toEqual([]);
    expect(rows.map((row) => row.seen.mtuBytes)).toEqual([1340, 1340, 1340]);
    expect((await sh("hk", "ip -o link show wg6")).stdout).toContain(" mtu 1340 ");
    expect((await sh("gcp", "ip -o link show wg6")).stdout).toContain(" mtu 1340 ");
    app.restore();
    await up();
  });

  test("a node that leaves is cleaned by its RemovedNode", async () => {
    expect(await leftOn(lab, "hkt")).toContain("lookup 7700");
    app.edit(
      [`import { Host, SnatLabel,`, `import { Host, RemovedNode, SnatLabel,`],
      [
        `const hkt = new WgNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30" }), exit: true });`,
        `new RemovedNode(this, "hkt", { host: Host.ssh({ address: "198.51.100.30" }) });`,
      ],
      [
        `    const wg7 = new WgTunnel(this, "wg7", {
      server: hkt,
      client: hk,
      network: "10.66.7.0/24",
      serverAddress: "10.66.7.7",
      clientAddress: "10.66.7.250",
    });
`,
        "",
      ],
      [`    new SourcePolicy(this, "sz-hkt", { on: sz, from: ["10.66.225.2/32"], via: wgp, snat: viaHkt });\n`, ""],
      [`    new SourcePolicy(this, "hk-hkt", { on: hk, from: [viaHkt], via: wg7 });\n`, ""],
    );
    await up();
    expect(await leftOn(lab, "hkt")).toBe("/etc/wgchain/keys/wg7.key");
    expect((await sh("hk", "wg show interfaces")).stdout.trim().split(/\s+/).sort()).toEqual(["wg6", "wgp"]);
    expect((await lab.probe()).flatMap((row) => row.problems)).toEqual([]);
  });
});

test("cdktf destroy leaves every host as it was found, keys aside, and no VM", async () => {
  app.restore();
  await up();
  expect(lab.hosts).toContain("gcp");
  await lab.destroy();
  expect(await leftOn(lab, "sz")).toBe("/etc/wgchain/keys/wgp.key\n/etc/wgchain/keys/wgs.key");
  expect(await leftOn(lab, "hk")).toBe("/etc/wgchain/keys/wg6.key\n/etc/wgchain/keys/wg7.key\n/etc/wgchain/keys/wgp.key");
  expect(await leftOn(lab, "hkt")).toBe("/etc/wgchain/keys/wg7.key");
  expect(lab.hosts).not.toContain("gcp");
  expect(nothingChanged(await up())).toBe(false);
  expect((await lab.probe()).flatMap((row) => row.problems)).toEqual([]);
});
