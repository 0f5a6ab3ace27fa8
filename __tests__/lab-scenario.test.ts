import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeTable } from "../lab";
import { planOf } from "../lab/plan";
import { readScenario, type Machine, type Probe, type ScenarioLab } from "../lab/scenario";
import { runProbes } from "../lab/scenario-probes";
import type { Inventory } from "../lib/inventory";

const inventory = (lans?: { name: string; address: string }[]): Inventory => ({
  ...{ version: 1, stack: "s", directory: "/d", clients: [], allocations: {}, problems: [] },
  nodes: [
    {
      name: "gw",
      host: { kind: "ssh", address: "198.18.0.1", destination: "gw" },
      uplinkMtuBytes: 1500,
      interfaces: [],
      ...(lans === undefined ? {} : { lans }),
    },
  ],
});
const pc: Machine = { name: "pc", lan: { node: "gw", address: "192.168.1.2/24" } };

describe("machines of a scenario", () => {
  test("a LAN that the app declares, and one that only the scenario knows, are wired alike", () => {
    const declared = planOf("l", inventory([{ name: "lan", address: "192.168.1.1/24" }]), { machines: [pc] });
    const known = planOf("l", inventory(), { machines: [{ ...pc, lan: { ...pc.lan!, gateway: "192.168.1.1" } }] });
    const wire = {
      lan: true,
      network: "192.168.1.0/24 behind gw",
      ends: [
        { host: "gw", address: "192.168.1.1/24", mtuBytes: 1500, device: "lan0" },
        { host: "pc", address: "192.168.1.2/24", mtuBytes: 1500, device: "eth0", gateway: "192.168.1.1" },
      ],
    };
    expect(declared.privateLinks).toEqual([wire]);
    expect(known.privateLinks).toEqual([wire]);
  });

  test("a LAN without anybody is a wire all the same", () => {
    const { privateLinks } = planOf("l", inventory([{ name: "lan", address: "192.168.1.1/24" }]));
    expect(privateLinks.map(({ ends }) => ends.map(({ host }) => host))).toEqual([["gw"]]);
  });

  test("one on the internet has its address, or one that is free", () => {
    const { hosts } = planOf("l", inventory(), {
      internet: ["198.18.0.2"],
      machines: [{ name: "visitor", address: "203.0.113.7" }, { name: "other" }],
    });
    const addressOf = (name: string): string | undefined => hosts.find((host) => host.name === name)?.address;
    expect([addressOf("visitor"), addressOf("operator"), addressOf("other")]).toEqual([
      "203.0.113.7",
      "198.18.0.3",
      "198.18.0.4",
    ]);
  });

  test.each<[string, Machine[], string]>([
    [
      "a LAN that nobody knows",
      [pc],
      "machine 'pc': the app has no LAN behind 'gw' with 192.168.1.2/24; say the node's address there: lan.gateway",
    ],
    [
      "a node that is none",
      [{ name: "pc", lan: { node: "nobody", address: "10.0.0.2/24", gateway: "10.0.0.1" } }],
      "'nobody', which is no node",
    ],
    [
      "a name that is taken",
      [{ name: "gw", address: "203.0.113.7" }],
      "machine 'gw' of the scenario and node 'gw' have one name",
    ],
    ["an address that is taken", [{ name: "pc", address: "198.18.0.1" }], "have one address, 198.18.0.1"],
  ])("%s is refused", (_, machines, message) => {
    expect(() => planOf("l", inventory(), { machines })).toThrow(message);
  });
});

describe("reading one", () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "wgchain-scenario-"))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const read = (body: string): unknown => {
    writeFileSync(join(directory, "scenario.js"), `exports.default = ${body};`);
    return readScenario(directory);
  };

  test("none is none", () => expect(readScenario(directory)).toBeUndefined());
  test("what stands in it", () => expect(read('{ internet: ["1.1.1.1"] }')).toEqual({ internet: ["1.1.1.1"] }));
  test.each([
    ["undefined", "its default export must be a scenario"],
    ['{ internet: ["1.1.1.0/24"] }', "internet: '1.1.1.0/24' is a network; a single address is wanted"],
    ['{ machines: [{ name: "../x" }] }', "machine '../x': lower-case letters"],
    ['{ machines: [{ name: "pc", lan: { node: "gw", address: "192.168.1.2" } }] }', "machine 'pc': "],
    ['{ machines: [{ name: "pc", lan: { node: "gw", address: "192.168.1.2/24", gateway: "x; y" } }] }', "machine 'pc''s gateway"],
    [
      '{ machines: [{ name: "pc", address: "1.2.3.4", lan: { node: "gw", address: "192.168.1.2/24" } }] }',
      "both a lan and an address",
    ],
    ["(() => { throw new Error('no good') })()", "cannot be loaded: no good"],
  ])("%s is refused", (body, message) => {
    expect(() => read(body)).toThrow(`${join(directory, "scenario.js")}`);
    expect(() => read(body)).toThrow(message);
  });
});

describe("its probes", () => {
  const lab: ScenarioLab = {
    inventory: inventory(),
    host: () => {
      throw new Error("not asked for here");
    },
  };
  const probe = (name: string, run: () => Promise<string | undefined>): Probe => ({ name, run });

  test("one after the other; one that cannot be tried has failed", async () => {
    const order: string[] = [];
    const results = await runProbes(
      [
        probe("a", () => new Promise((resolve) => setTimeout(() => resolve(void order.push("a")), 20))),
        probe("b", () => Promise.resolve(`saw ${order.push("b")}`)),
        probe("c", () => Promise.reject(new Error("no host"))),
      ],
      lab,
    );
    expect(order).toEqual(["a", "b"]);
    expect(results).toEqual([
      { name: "a" },
      { name: "b", problem: "saw 2" },
      { name: "c", problem: "it could not be tried: no host" },
    ]);
    expect(probeTable(results)).toBe("PASS  a\nFAIL  b: saw 2\nFAIL  c: it could not be tried: no host\n\nFAIL: 2 of 3 probes");
    expect(probeTable(results.slice(0, 1))).toBe("PASS  a\n\nPASS: 1 of 1 probes");
  });
});
