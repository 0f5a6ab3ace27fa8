import * as fc from "fast-check";
import { compile } from "../lib/compile";
import { directTable, priorities } from "../lib/model/numbers";
import type { RenderedHost } from "../lib/render/host";
import type { NetworkIntent, NodeIntent, TunnelIntent } from "../lib/intent";
import { publicKeyText } from "./support/keys";
import { compileSettled, intentOf, octet, reversed, shapes, type Shape } from "./support/random-network";

/** What must hold on every host of every network. */

const lines = (host: RenderedHost, file: string): string[] =>
  (host.files[`etc/wgchain/${file}`] ?? "").split("\n").filter((line) => line !== "");
const stateFiles = ["interfaces", "addresses", "peers", "probes", "rules", "routes", "sources", "elements"];
const interfaces = (host: RenderedHost): string[] => lines(host, "interfaces").map((line) => line.split(" ")[0] ?? "");
const tablesOf = (host: RenderedHost): Set<string> =>
  new Set(lines(host, "routes").map((line) => /table (\d+)/.exec(line)?.[1] ?? ""));

/** Every host of 80 networks. */
function onEveryHost(law: (host: RenderedHost, shape: Shape) => void): void {
  fc.assert(
    fc.property(shapes, (shape) => {
      for (const host of compileSettled(intentOf(shape)).hosts) law(host, shape);
    }),
    { numRuns: 80 },
  );
}

test("every policy table ends in an unreachable default", () => {
  onEveryHost((host) => {
    for (const table of tablesOf(host)) {
      expect(lines(host, "routes")).toContain(`unreachable default table ${table} metric 4278198272 protocol 119`);
    }
  });
});

test("every policy table has the direct route of every network of the host's own, and one way out at most", () => {
  onEveryHost((host) => {
    const networks = interfaces(host).map((name) => `${ownNetwork(name)} dev ${name}`);
    for (const table of tablesOf(host)) {
      const routes = lines(host, "routes");
      for (const network of networks) expect(routes).toContain(`${network} table ${table} protocol 119`);
      const ways = routes.filter((line) => line.startsWith("default dev") && line.includes(` table ${table} `));
      expect(ways).toHaveLength(table === String(directTable) ? 0 : 1);
    }
  });
});

function ownNetwork(name: string): string {
  return name === "clients" ? "10.64.0.0/16" : `10.1.${octet(Number(name[1]), Number(name[2]))}.0/24`;
}

test("every table that a rule names is there, and every interface has its three fail-closed rules", () => {
  onEveryHost((host) => {
    const rules = lines(host, "rules");
    for (const rule of rules) {
      const table = / lookup (\S+) /.exec(rule)?.[1] ?? "";
      if (table !== "main") expect(tablesOf(host)).toContain(table);
    }
    for (const name of interfaces(host)) {
      const network = ownNetwork(name);
      expect(rules).toContain(`pref ${priorities.failClosed} iif ${name} lookup ${directTable} protocol 119`);
      expect(rules).toContain(`pref ${priorities.toOwn} to ${network} lookup ${directTable} protocol 119`);
      expect(rules).toContain(`pref ${priorities.fromOwn} from ${network} iif lo lookup ${directTable} protocol 119`);
    }
  });
});

test("a selecting rule stands above the fail-closed ones and names the interface that it selects from", () => {
  onEveryHost((host) => {
    for (const rule of lines(host, "rules")) {
      const priority = Number(/^pref (\d+) /.exec(rule)?.[1]);
      if ([priorities.toOwn, priorities.fromOwn, priorities.failClosed].includes(priority as never)) continue;
      expect(rule).toMatch(
        /^pref (11000 (from \S+ iif \S+|iif \S+ fwmark 0x[0-9a-f]+) lookup \S+|10050 from \S+ iif lo fwmark 0x[0-9a-f]+ lookup main) protocol 119$/,
      );
    }
  });
});

test("an exit's rule to the uplink always needs a mark, and only at an exit is there one to masquerade by", () => {
  onEveryHost((host, { exits }) => {
    for (const rule of lines(host, "rules").filter((line) => line.includes("lookup main"))) {
      expect(rule).toMatch(/ iif \S+ fwmark 0x[0-9a-f]+ lookup main /);
    }
    const isExit = exits.some(({ through }) => `n${through.at(-1) ?? 0}` === host.node);
    expect(lines(host, "elements").filter((line) => line.startsWith("exits "))).toHaveLength(isExit ? 1 : 0);
  });
});

test("what an exit lets out has come by a declared way: its mark is set for single labels only", () => {
  onEveryHost((host) => {
    if (host.node !== "n0") expect(lines(host, "elements").filter((line) => line.startsWith("exit_of_nets_"))).toEqual([]);
  });
});

test("no line of a state file stands there twice", () => {
  onEveryHost((host) => {
    for (const file of stateFiles) {
      expect(new Set(lines(host, file)).size).toBe(lines(host, file).length);
    }
  });
});

test("two policies of one way that differ in their priority share its table, and nothing stands twice", () => {
  const base = intentOf({ nodes: 3, exits: [{ through: [1, 2], clients: 2, own: 2 }], clientAddresses: true, prefix: false });
  let priority = 12_000;
  const policies = base.policies.map((policy) => (policy.node === "n0" ? { ...policy, priority: priority++ } : policy));
  const out = { path: "x1", name: "x1", node: "n2", via: "uplink" as const, priority: 13_000 };
  const more = [
    { ...out, from: [{ label: "t12-n2" }] },
    { ...out, path: "x2", name: "x2", from: [{ prefix: "10.1.10.99" }], priority: 13_001 },
  ];
  for (const host of compileSettled({ ...base, policies: [...policies, ...more] }).hosts) {
    for (const file of ["rules", "routes"]) expect(new Set(lines(host, file)).size).toBe(lines(host, file).length);
    expect(lines(host, "elements").filter((line) => line.startsWith("exits "))).toHaveLength(host.node === "n2" ? 1 : 0);
  }
});

test("neither files nor objects hold a private key's word", () => {
  onEveryHost((host) => {
    expect(JSON.stringify([host.files, host.objects])).not.toMatch(/PrivateKey/i);
  });
});

test("rendering does not depend on the order of declaration", () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const byName = (hosts: readonly RenderedHost[]) => Object.fromEntries(hosts.map((host) => [host.node, host]));
      const forward = compileSettled(intentOf(shape));
      expect(byName(compileSettled(reversed(intentOf(shape))).hosts)).toEqual(byName(forward.hosts));
    }),
    { numRuns: 100 },
  );
});

test("state files and objects are sorted", () => {
  onEveryHost((host) => {
    for (const file of stateFiles) {
      expect(lines(host, file)).toEqual(lines(host, file).sort());
    }
    expect(Object.keys(host.objects)).toEqual(Object.keys(host.objects).sort());
  });
});

test("every node comes after those it sends to, whatever the order of declaration", () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      for (const intent of [intentOf(shape), reversed(intentOf(shape))]) {
        const { network, order } = compileSettled(intent);
        for (const { client, server } of network.tunnels)
          expect(order.indexOf(server.node)).toBeLessThan(order.indexOf(client.node));
      }
    }),
    { numRuns: 100 },
  );
});

test("2,000 clients make as many rules, routes and nft rules as one, on every host", () => {
  const sizes = (clients: number) =>
    compile(
      intentOf({
        nodes: 4,
        exits: [
          { through: [1, 3], clients, own: 0 },
          { through: [2], clients, own: 0 },
        ],
        clientAddresses: true,
        prefix: false,
      }),
    ).hosts.map((host) => [
      host.node,
      lines(host, "rules").length,
      lines(host, "routes").length,
      lines(host, "addresses").length,
    ]);
  expect(sizes(2000)).toEqual(sizes(1));
  const chains = (clients: number) =>
    compile(intentOf({ nodes: 2, exits: [{ through: [1], clients, own: 0 }], clientAddresses: true, prefix: false })).hosts.map(
      (host) => host.objects["nftables"],
    );
  expect(chains(2000)).toEqual(chains(1));
});

describe("whatever changes a file of a host changes one of its objects: Terraform compares these, and delivers by them", () => {
  const base = intentOf({
    nodes: 3,
    exits: [
      { through: [1, 2], clients: 2, own: 1 },
      { through: [1], clients: 1, own: 0 },
    ],
    clientAddresses: true,
    prefix: true,
  });
  const first = <T>([one, ...rest]: readonly T[], change: Partial<T>): T[] => [{ ...(one as T), ...change }, ...rest];
  const node = (change: Partial<NodeIntent>): NetworkIntent => ({ ...base, nodes: first(base.nodes, change) });
  const tunnel = (change: Partial<TunnelIntent>): NetworkIntent => ({ ...base, tunnels: first(base.tunnels, change) });
  const end = (base.tunnels[0] as TunnelIntent).server;
  const psk = (digit: string) => ({ text: digit.repeat(64), source: "psk" });
  /** The first tunnel's client end has its labels alone. */
  const labelled = { ...base, tunnels: base.tunnels.map(({ clientAddress: _none, ...one }) => one) };
  const psks = tunnel({ preshared: psk("a") });

  test.each<[string, NetworkIntent, NetworkIntent?]>([
    ["a host's repairs", node({ repairEvery: "5min" })],
    ["how often it repairs", node({ repairEvery: "5min" }), node({ repairEvery: "6min" })],
    [
      "a host's address",
      { ...base, nodes: base.nodes.map((one) => ({ ...one, address: one.address.toString().replace("198", "199") })) },
    ],
    ["a link's MTU", node({ uplinkMtuBytes: 1400 })],
    ["a tunnel's keepalive", tunnel({ keepaliveSeconds: 0 })],
    ["a tunnel's MTU", tunnel({ server: { ...end, mtuBytes: 1300 } })],
    ["a tunnel's port", tunnel({ server: { ...end, listenPort: 40_000 } })],
    ["a tunnel's interface", tunnel({ server: { ...end, interfaceName: "other" } })],
    ["a tunnel's key", tunnel({ server: { ...end, key: { text: publicKeyText("other"), source: "other" } } })],
    ["a tunnel's addresses", tunnel({ serverAddress: "10.1.1.9", clientAddress: "10.1.1.8" })],
    ["a tunnel's first pre-shared key", psks],
    ["a tunnel's other pre-shared key", psks, tunnel({ preshared: psk("b") })],
    ["a label", { ...base, labels: first(base.labels, { address: "10.1.1.99" }) }],
    [
      "a label that nobody uses, at which the peer answers from now on",
      labelled,
      { ...labelled, labels: [{ path: "x", name: "x", tunnel: "t01", address: "10.1.1.3" }, ...base.labels] },
    ],
    ["the entry's network", { ...base, clientInterfaces: first(base.clientInterfaces, { address: "10.64.0.1/15" }) }],
    ["a client less", { ...base, clients: base.clients.slice(1) }],
    ["a policy's table", { ...base, policies: first(base.policies, { routeTable: 5 }) }],
    ["a policy's priority", { ...base, policies: first(base.policies, { priority: 12_000 }) }],
    ["a source less", { ...base, policies: first(base.policies, { from: [{ prefix: "10.64.240.0/24" }] }) }],
  ])("%s", (_what, after, before = base) => {
    const [old, now] = [compileSettled(before).hosts, compileSettled(after).hosts];
    const differs = (of: (host: RenderedHost) => unknown): string[] =>
      now
        .filter((host, index) => JSON.stringify(of(host)) !== JSON.stringify(of(old[index] as RenderedHost)))
        .map((host) => host.node);
    expect(differs(({ files }) => files)).not.toEqual([]);
    expect(differs(({ objects }) => objects)).toEqual(differs(({ files }) => files));
  });
});

test("a tunnel end's probe goes to the peer's own address, and clients are not probed", () => {
  const { hosts } = compileSettled(
    intentOf({ nodes: 2, exits: [{ through: [1], clients: 2, own: 1 }], clientAddresses: false, prefix: false }),
  );
  const key = (name: string): string => publicKeyText(name);
  expect(hosts.map((host) => lines(host, "probes"))).toEqual([
    [`t01 ${key("t01@1")} 10.1.1.1`],
    // Its client end has labels only; the lowest answers.
    [`t01 ${key("t01@0")} 10.1.1.20`],
  ]);
  expect(lines(hosts[0] as RenderedHost, "peers")).toHaveLength(3);
});

test("a peer's line ends in its pre-shared key's digest and its name; no wg-quick file holds the key or asks for it", () => {
  const base = intentOf({ nodes: 2, exits: [{ through: [1], clients: 1, own: 0 }], clientAddresses: true, prefix: false });
  const preshared = { text: "ab".repeat(32), source: "psk" };
  const { hosts } = compileSettled({ ...base, tunnels: base.tunnels.map((one) => ({ ...one, preshared })) });
  const ends = hosts.map((host) => lines(host, "peers").map((line) => line.split("\t").slice(5)));
  expect(ends).toEqual([
    [
      ["(none)", "cn1-0"],
      ["ab".repeat(32), "n1"],
    ],
    [["ab".repeat(32), "n0"]],
  ]);
  for (const { files, objects } of hosts) {
    expect(JSON.stringify(files)).not.toMatch(/PresharedKey/i);
    expect(Object.values(objects).filter((value) => value.includes("psk sha256:abababababab"))).toHaveLength(1);
  }
});

test("every wg-quick file runs the hooks, in their order, and a change of them is an object's", () => {
  onEveryHost((host) => {
    const hooks = host.objects["wg-quick hooks"] ?? "";
    expect(hooks).toMatch(/^PreUp = \S+ ready %i\nPostUp = .*\.key\nPostUp = \S+ up %i\n$/);
    for (const name of interfaces(host)) expect(host.files[`etc/wireguard/${name}.conf`]).toContain(`\n${hooks}`);
  });
});

test("a tunnel comes up after what closes the host, and does not go down with it: nftables.service may restart", () => {
  onEveryHost((host) => {
    for (const name of interfaces(host)) {
      const dropIn = host.files[`etc/systemd/system/wg-quick@${name}.service.d/wgchain.conf`];
      expect(dropIn).toContain("After=wgchain.service\nWants=wgchain.service\n");
      expect(dropIn).not.toMatch(/^(Requires|Requisite|BindsTo|PartOf|ReloadPropagatedFrom|Conflicts)=/m);
    }
  });
});
