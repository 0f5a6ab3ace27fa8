import * as fc from "fast-check";
import { listName, stagesOf, UndecidableList, type Stage } from "../constructs/exit-ways";
import { compile } from "../lib/compile";
import type { FailoverIntent, LabelIntent, NetworkIntent, PolicyIntent } from "../lib/intent";
import { publicKeyText } from "./support/keys";
import { exitName, nodeOf, shapes, tunnelOf, type Shape } from "./support/random-network";

jest.setTimeout(60_000);

const probing: Omit<FailoverIntent, "others"> = {
  targets: ["1.1.1.1", "8.8.8.8"],
  intervalSeconds: 1,
  failures: 3,
  successes: 5,
  holdSeconds: 60,
};
type Lists = readonly (readonly string[])[];

const waysOf = (shape: Shape): Record<string, string[]> =>
  Object.fromEntries(shape.exits.map((exit) => [exitName(exit), exit.through.map((node) => `n${node}`)]));

/** Networks with lists of exits that a host can decide between; a client a list. */
const networks = shapes.chain((shape) => {
  const names = shape.exits.filter(({ through }) => through.length > 0).map(exitName);
  const lists = fc.uniqueArray(fc.shuffledSubarray(names, { minLength: Math.min(1, names.length) }), {
    minLength: 1,
    maxLength: 4,
    selector: (list) => list.join(),
  });
  return lists.map((all) => ({ shape, lists: all.filter((list) => list.length > 0 && decidable(shape, list)) }));
});

function decidable(shape: Shape, list: readonly string[]): boolean {
  try {
    return stagesOf("n0", waysOf(shape), [list]).length > 0;
  } catch (error) {
    if (!(error instanceof UndecidableList)) throw error;
    return false;
  }
}

/** As an `ExitNetwork` writes it. */
function intentOf(shape: Shape, lists: Lists): NetworkIntent {
  const exits = new Set(shape.exits.map(exitName));
  const stages = stagesOf("n0", waysOf(shape), lists);
  const hops = [...new Set(stages.flatMap((stage) => stage.hops.map(({ name }) => name)))];
  const labels = new Map<string, LabelIntent>();
  for (const hop of hops) {
    const wanted = new Set(
      stages.flatMap((stage) => stage.hops.filter(({ name }) => name === hop).map(({ list }) => listName(list))),
    );
    [...wanted].sort().forEach((list, index) => {
      const path = `${hop}/${list}`;
      labels.set(path, { path, name: path.replace("/", "-"), tunnel: hop, address: `10.1.${hops.indexOf(hop)}.${index + 10}` });
    });
  }
  return {
    nodes: Array.from({ length: shape.nodes }, (_, index) => nodeOf(index, exits.has(`n${index}`))),
    clientInterfaces: [
      { path: "clients", node: "n0", name: "clients", address: "10.64.0.1/16", listenPort: 51_820, key: keyOf("clients") },
    ],
    clients: lists.map((list, index) => ({
      path: `c-${listName(list)}`,
      name: `c-${listName(list)}`,
      interface: "clients",
      addresses: [`10.64.0.${index + 2}`],
      key: keyOf(`client ${index}`),
    })),
    tunnels: hops.map((hop, index) => {
      const [client = 0, server = 0] = hop.split("-").map((name) => Number(name.slice(1)));
      const tunnel = tunnelOf(hop, client, server, shape.clientAddresses);
      const network = { network: `10.1.${index}.0/24`, serverAddress: `10.1.${index}.1` };
      return { ...tunnel, ...network, ...(shape.clientAddresses ? { clientAddress: `10.1.${index}.2` } : {}) };
    }),
    labels: [...labels.values()],
    policies: stages.map((stage) => policyOf(stage, lists)),
    removed: [],
    recorded: {},
  };
}

const keyOf = (name: string) => ({ text: publicKeyText(name), source: name });

function policyOf({ node, before, list, hops }: Stage, lists: Lists): PolicyIntent {
  const [first, ...others] = hops.map((hop) => ({ tunnel: hop.name, label: `${hop.name}/${listName(hop.list)}` }));
  if (first === undefined) throw new Error("a stage without a hop");
  const client = lists.findIndex((one) => listName(one) === listName(list));
  return {
    path: `${node}-${before ?? ""}-${listName(list)}`,
    name: `on-${node}-${listName(list)}`,
    node,
    from: before === undefined ? [{ prefix: `10.64.0.${client + 2}/32` }] : [{ label: `${before}/${listName(list)}` }],
    via: { tunnel: first.tunnel },
    label: first.label,
    ...(others.length === 0 ? {} : { failover: { others, ...probing } }),
  };
}

/** Two lists with one table, and another label on the interface of their second exit. */
const sameTableOtherLabel = {
  shape: {
    nodes: 6,
    exits: [
      [1, 2, 4, 5],
      [2, 4],
      [2, 3],
    ].map((through) => ({ through, clients: 1, own: 0 })),
    clientAddresses: true,
    prefix: false,
  },
  lists: [["n5", "n4", "n3"], ["n5", "n4"], ["n5"]],
};

test("whatever lists of exits clients name, each leaves at its first, and in every state at the exits of its list and at no other", () => {
  let several = 0;
  fc.assert(
    fc.property(networks, ({ shape, lists }) => {
      fc.pre(lists.length > 0);
      const { problems, traced } = compile(intentOf(shape, lists));
      // Two names with one table are told, and recorded by `wgchain keys`.
      fc.pre(!problems.some(({ code }) => code === "unrecorded-allocation"));
      expect(problems).toEqual([]);
      for (const list of lists) {
        const way = traced?.ways.find(({ client }) => client === `c-${listName(list)}`);
        const instead = (way?.instead ?? []).map(({ exit }) => exit.node);
        expect([way?.exit?.node, [...new Set(instead)].sort()]).toEqual([list[0], [...list.slice(1)].sort()]);
        if (list.length > 1) several += 1;
      }
    }),
    { numRuns: 150, examples: [[sameTableOtherLabel]] },
  );
  expect(several).toBeGreaterThan(50);
});
