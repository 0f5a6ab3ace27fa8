import * as fc from "fast-check";
import { compile } from "../lib/compile";
import { directTable, priorities } from "../lib/model/numbers";
import type { RenderedHost } from "../lib/render/host";
import { compileSettled, intentOf, octet, reversed, shapes, type Shape } from "./support/random-network";

/** What must hold on every host of every network. */

const lines = (host: RenderedHost, file: string): string[] =>
  (host.files[`etc/wgchain/${file}`] ?? "").split("\n").filter((line) => line !== "");
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

test("an exit's rule to the uplink always needs a mark, and so does its masquerade", () => {
  onEveryHost((host, { exits }) => {
    for (const rule of lines(host, "rules").filter((line) => line.includes("lookup main"))) {
      expect(rule).toMatch(/ iif \S+ fwmark 0x[0-9a-f]+ lookup main /);
    }
    const masquerades = (host.files["etc/wgchain/nftables.nft"] ?? "").split("\n").filter((line) => line.includes("masquerade"));
    for (const line of masquerades) expect(line).toMatch(/^ +oifname != .* meta mark 0x[0-9a-f]+ masquerade$/);
    const isExit = exits.some(({ through }) => `n${through.at(-1) ?? 0}` === host.node);
    expect(masquerades).toHaveLength(isExit ? 1 : 0);
  });
});

test("what an exit lets out has come by a declared way: its mark is set for single labels only", () => {
  onEveryHost((host) => {
    const text = host.files["etc/wgchain/nftables.nft"] ?? "";
    if (host.node !== "n0") expect(text).not.toContain("exit_of_nets_");
  });
});

test("no line of a state file stands there twice", () => {
  onEveryHost((host) => {
    for (const file of ["interfaces", "addresses", "peers", "rules", "routes", "sources"]) {
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
    expect((host.files["etc/wgchain/nftables.nft"] ?? "").match(/masquerade/g) ?? []).toHaveLength(host.node === "n2" ? 1 : 0);
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
    for (const file of ["interfaces", "addresses", "peers", "rules", "routes", "sources"]) {
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
  // From the second on all is one map lookup.
  expect(chains(2000)).toEqual(chains(2));
});
