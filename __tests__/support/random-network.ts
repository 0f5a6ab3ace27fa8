import * as fc from "fast-check";
import { compile, type Compiled } from "../../lib/compile";
import type { LabelIntent, NetworkIntent, NodeIntent, PolicyIntent, TunnelIntent } from "../../lib/intent";
import { publicKeyText } from "./keys";

/** One exit: the nodes behind the entry, in order, and the clients that leave there. */
export interface ExitShape {
  readonly through: readonly number[];
  readonly clients: number;
  /** Labels of their own for this many of them, on the first tunnel. */
  readonly own: number;
}

/** A network in short: node 0 is the entry, tunnels go from lower to higher numbers. */
export interface Shape {
  readonly nodes: number;
  readonly exits: readonly ExitShape[];
  /** Whether tunnels' client ends have an address of their own, too. */
  readonly clientAddresses: boolean;
  /** A prefix at the entry besides the single addresses, for the first exit. */
  readonly prefix: boolean;
}

/** 2 to 8 nodes, 1 to 5 exits; chains share nodes and tunnels, and an exit can be another's relay, or the entry itself. */
export const shapes: fc.Arbitrary<Shape> = fc.integer({ min: 2, max: 8 }).chain((nodes) =>
  fc.record({
    nodes: fc.constant(nodes),
    exits: fc.uniqueArray(
      fc.record({
        through: fc.subarray(Array.from({ length: nodes - 1 }, (_, index) => index + 1)),
        clients: fc.integer({ min: 1, max: 4 }),
        own: fc.integer({ min: 0, max: 2 }),
      }),
      { minLength: 1, maxLength: Math.min(5, nodes), selector: ({ through }) => through.at(-1) ?? 0 },
    ),
    clientAddresses: fc.boolean(),
    prefix: fc.boolean(),
  }),
);

const nodeName = (index: number): string => `n${index}`;
export const exitName = ({ through }: ExitShape): string => nodeName(through.at(-1) ?? 0);
const key = (name: string) => ({ text: publicKeyText(name), source: name });
const hops = ({ through }: ExitShape): (readonly [number, number])[] =>
  through.map((node, index) => [index === 0 ? 0 : (through[index - 1] ?? 0), node] as const);

/** Third octet of the network of the tunnel between two nodes. */
export const octet = (client: number, server: number): number => 8 * client + server;

/** What constructs would write for it. */
export function intentOf(shape: Shape): NetworkIntent {
  const exits = new Set(shape.exits.map(exitName));
  const edges = new Map(shape.exits.flatMap(hops).map(([client, server]) => [`t${client}${server}`, [client, server] as const]));
  const clients = shape.exits.flatMap((exit) =>
    Array.from({ length: exit.clients }, (_, index) => {
      const address = `10.64.${16 * Number(exitName(exit).slice(1)) + 1 + Math.floor(index / 250)}.${(index % 250) + 2}`;
      return { name: `c${exitName(exit)}-${index}`, exit, address, own: index < exit.own };
    }),
  );
  const labels = shape.exits.flatMap((exit) =>
    hops(exit).flatMap(([from, to], index): LabelIntent[] => {
      const tunnel = `t${from}${to}`;
      const host = 10 * Number(exitName(exit).slice(1)) + 10;
      const name = `${tunnel}-${exitName(exit)}`;
      const own = index > 0 ? [] : clients.filter((client) => client.exit === exit && client.own);
      return [
        { path: name, name, tunnel, address: `10.1.${octet(from, to)}.${host}` },
        ...own.map((client, n) => {
          const ownName = `${name}-${client.name}`;
          return { path: ownName, name: ownName, tunnel, address: `10.1.${octet(from, to)}.${host + n + 1}` };
        }),
      ];
    }),
  );
  return {
    nodes: Array.from({ length: shape.nodes }, (_, index) => nodeOf(index, exits.has(nodeName(index)))),
    clientInterfaces: [
      { path: "clients", node: nodeName(0), name: "clients", address: "10.64.0.1/16", listenPort: 51_820, key: key("clients") },
    ],
    clients: clients.map(({ name, address }) => ({
      path: name,
      name,
      interface: "clients",
      addresses: [address],
      key: key(name),
    })),
    tunnels: [...edges].map(([name, [client, server]]) => tunnelOf(name, client, server, shape.clientAddresses)),
    labels,
    policies: shape.exits.flatMap((exit, index) => policiesOf(exit, clients, shape.prefix && index === 0)),
    removed: [],
    recorded: {},
  };
}

export function nodeOf(index: number, exit: boolean): NodeIntent {
  const address = `198.51.100.${index + 1}`;
  return {
    path: nodeName(index),
    name: nodeName(index),
    address,
    host: { kind: "ssh", destination: address },
    uplinkMtuBytes: 1500,
    privateMtuBytes: 1500,
    exit,
  };
}

export function tunnelOf(name: string, client: number, server: number, clientAddress: boolean): TunnelIntent {
  const end = (node: number) => ({ node: nodeName(node), interfaceName: name, key: key(`${name}@${node}`) });
  return {
    path: name,
    name,
    client: end(client),
    server: end(server),
    over: "public",
    network: `10.1.${octet(client, server)}.0/24`,
    serverAddress: `10.1.${octet(client, server)}.1`,
    ...(clientAddress ? { clientAddress: `10.1.${octet(client, server)}.2` } : {}),
    keepaliveSeconds: 25,
  };
}

interface ClientShape {
  readonly name: string;
  readonly exit: ExitShape;
  readonly address: string;
  readonly own: boolean;
}

function policiesOf(exit: ExitShape, clients: readonly ClientShape[], prefix: boolean): PolicyIntent[] {
  const name = exitName(exit);
  const ours = clients.filter((client) => client.exit === exit);
  const policy = (suffix: string, rest: Omit<PolicyIntent, "path" | "name">): PolicyIntent => ({
    path: `${name}-${suffix}`,
    name: `${name}-${suffix}`,
    ...rest,
  });
  const prefixes = prefix ? [{ prefix: "10.64.240.0/24" }] : [];
  const way = hops(exit);
  if (way.length === 0) {
    const from = [...ours.map(({ address }) => ({ prefix: address })), ...prefixes];
    return [policy("out", { node: nodeName(0), from, via: "uplink" })];
  }
  return way.flatMap(([node, to], index): PolicyIntent[] => {
    const via = { tunnel: `t${node}${to}` };
    const label = `t${node}${to}-${name}`;
    if (index > 0) {
      const [before] = way.slice(index - 1);
      const arrived = `t${before?.join("") ?? ""}-${name}`;
      const own = index > 1 ? [] : ours.filter((client) => client.own).map((client) => ({ label: `${arrived}-${client.name}` }));
      return [policy(`on-${node}`, { node: nodeName(node), from: [{ label: arrived }, ...own], via, label })];
    }
    const shared = [...ours.filter((client) => !client.own).map(({ address }) => ({ prefix: address })), ...prefixes];
    return [
      ...(shared.length === 0 ? [] : [policy("on-entry", { node: nodeName(0), from: shared, via, label })]),
      ...ours
        .filter((client) => client.own)
        .map((client) =>
          policy(client.name, { node: nodeName(0), from: [{ prefix: client.address }], via, label: `${label}-${client.name}` }),
        ),
    ];
  });
}

/** As after `wgchain keys`: chance collisions are on record. Throws when there is a problem all the same. */
export function compileSettled(intent: NetworkIntent): Compiled {
  const first = compile(intent);
  const compiled = first.problems.length === 0 ? first : compile({ ...intent, recorded: first.allocations });
  if (compiled.problems.length > 0) throw new Error(JSON.stringify(compiled.problems, null, 2));
  return compiled;
}

/** Every list the other way round. */
export function reversed(intent: NetworkIntent): NetworkIntent {
  const back = <T>(list: readonly T[]): T[] => [...list].reverse();
  return {
    ...intent,
    nodes: back(intent.nodes),
    clients: back(intent.clients),
    tunnels: back(intent.tunnels),
    labels: back(intent.labels),
    policies: back(intent.policies).map((policy) => ({ ...policy, from: back(policy.from) })),
  };
}
