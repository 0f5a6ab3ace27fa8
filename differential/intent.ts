import type { LabelIntent, NetworkIntent, NodeIntent, PolicyIntent, SourceIntent, TunnelIntent } from "../lib/intent";
import { keyPair } from "./keys";
import { usedNodes, type ExitShape, type Shape } from "./shape";

export const nodeName = (index: number): string => `n${index}`;
export const publicAddress = (index: number): string => `198.51.100.${index + 1}`;
const exitIndex = ({ through }: ExitShape): number => through.at(-1) ?? 0;
type Edge = readonly [client: number, server: number];
const edgesOf = ({ through }: ExitShape): Edge[] => through.map((node, index) => [through[index - 1] ?? 0, node]);
const tunnelName = ([client, server]: Edge): string => `t${client}${server}`;
const networkOf = ([client, server]: Edge): string => `10.1.${8 * client + server}`;
const key = (name: string) => ({ text: keyPair(name).publicKey, source: name });

export interface ClientShape {
  readonly name: string;
  readonly entry: number;
  readonly interface: string;
  /** With the exit; those without are declared nowhere. */
  readonly addresses: readonly { readonly address: string; readonly exit?: ExitShape; readonly own?: boolean }[];
}

export const clientInterfaces = (shape: Shape): { entry: number; name: string; octet: number }[] => {
  const relay = shape.second ? shape.exits[0]?.through[0] : undefined;
  return [{ entry: 0, name: "clients", octet: 64 }, ...(relay === undefined ? [] : [{ entry: relay, name: "more", octet: 65 }])];
};

/** Client a has an address of every exit and one that nobody declared, b the others, c is at the second entry. */
export function clientsOf(shape: Shape): ClientShape[] {
  const all = shape.exits.flatMap((exit) =>
    Array.from({ length: exit.addresses }, (_, index) => {
      const own = exit.own && index === exit.addresses - 1 && exit.through.length > 0;
      return { first: index === 0, address: `10.64.${exitIndex(exit) + 1}.${index + 2}`, exit, own };
    }),
  );
  const [first] = shape.exits;
  const inPrefix = shape.prefix && first !== undefined ? [{ address: "10.64.240.7", exit: first }] : [];
  const addresses = (wanted: boolean): ClientShape["addresses"] =>
    all.filter((one) => one.first === wanted).map(({ address, exit, own }) => ({ address, exit, own }));
  const [, second] = clientInterfaces(shape);
  const at = (entry: number, name: string): Pick<ClientShape, "entry" | "interface"> => ({ entry, interface: name });
  return [
    { name: "a", ...at(0, "clients"), addresses: [...addresses(true), ...inPrefix, { address: "10.64.200.2" }] },
    { name: "b", ...at(0, "clients"), addresses: addresses(false) },
    ...(second === undefined || first === undefined
      ? []
      : [{ name: "c", ...at(second.entry, second.name), addresses: [{ address: "10.65.1.2", exit: first }] }]),
  ].filter((client) => client.addresses.length > 0);
}

/** What constructs would write for it. */
export function intentOf(shape: Shape): NetworkIntent {
  const edges = new Map(shape.exits.flatMap(edgesOf).map((edge) => [tunnelName(edge), edge]));
  const clients = clientsOf(shape);
  return {
    nodes: usedNodes(shape).map((index) => nodeOf(shape, index)),
    clientInterfaces: clientInterfaces(shape).map(({ entry, name, octet }) => ({
      path: name,
      node: nodeName(entry),
      name,
      address: `10.${octet}.0.1/16`,
      listenPort: 51_000,
      key: key(`${nodeName(entry)}/${name}`),
    })),
    clients: clients.map((client) => ({
      path: client.name,
      name: client.name,
      interface: client.interface,
      addresses: client.addresses.map(({ address }) => address),
      key: key(`client ${client.name}`),
    })),
    tunnels: [...edges.values()].map((edge, index) => tunnelOf(shape, edge, index)),
    labels: shape.exits.flatMap((exit) => labelsOf(shape, exit)),
    policies: shape.exits.flatMap((exit) => policiesOf(shape, exit)),
    removed: [],
    recorded: {},
  };
}

function nodeOf(shape: Shape, index: number): NodeIntent {
  return {
    path: nodeName(index),
    name: nodeName(index),
    address: publicAddress(index),
    host: { kind: "ssh", destination: publicAddress(index) },
    uplinkMtuBytes: shape.uplinkMtus[index] ?? 1500,
    ...(index < shape.privateNodes ? { privateAddress: `172.16.0.${index + 1}/24` } : {}),
    privateMtuBytes: 1480,
    exit: shape.exits.some((exit) => exitIndex(exit) === index),
  };
}

function tunnelOf(shape: Shape, edge: Edge, index: number): TunnelIntent {
  const name = tunnelName(edge);
  const over = Math.max(...edge) < shape.privateNodes ? "private" : "public";
  // Not more than the exit behind it can take.
  const uplinks = Math.min(...edge.map((node) => shape.uplinkMtus[node] ?? 1500));
  const link = over === "private" ? Math.min(1480, uplinks) : uplinks;
  const mtuBytes = link - 60 - (shape.smaller[index % shape.smaller.length] ?? 0);
  const end = (node: number) => ({
    node: nodeName(node),
    interfaceName: name,
    mtuBytes,
    key: key(`${nodeName(node)}/${name}`),
  });
  return {
    path: name,
    name,
    client: end(edge[0]),
    server: end(edge[1]),
    over,
    network: `${networkOf(edge)}.0/24`,
    serverAddress: `${networkOf(edge)}.1`,
    ...(shape.clientAddresses ? { clientAddress: `${networkOf(edge)}.2` } : {}),
    keepaliveSeconds: 25,
  };
}

/** One exit alone goes by this tunnel. */
function alone(shape: Shape, edge: Edge): boolean {
  const users = shape.exits.filter((exit) => edgesOf(exit).some((one) => tunnelName(one) === tunnelName(edge)));
  return shape.whole && users.length === 1;
}
const unlabelled = (shape: Shape, edge: Edge): boolean => alone(shape, edge) && shape.clientAddresses;
const labelName = (edge: Edge, exit: ExitShape): string => `${tunnelName(edge)}-${nodeName(exitIndex(exit))}`;
const ownName = (edge: Edge, exit: ExitShape): string => `${labelName(edge, exit)}-own`;

function labelsOf(shape: Shape, exit: ExitShape): LabelIntent[] {
  return edgesOf(exit).flatMap((edge, index): LabelIntent[] => {
    const host = 10 * exitIndex(exit) + 10;
    const label = (name: string, number: number): LabelIntent => ({
      path: name,
      name,
      tunnel: tunnelName(edge),
      address: `${networkOf(edge)}.${number}`,
    });
    const shared = unlabelled(shape, edge) ? [] : [label(labelName(edge, exit), host)];
    return [...shared, ...(index === 0 && exit.own ? [label(ownName(edge, exit), host + 1)] : [])];
  });
}

function policiesOf(shape: Shape, exit: ExitShape): PolicyIntent[] {
  const end = exitIndex(exit);
  const edges = edgesOf(exit);
  const entries = clientInterfaces(shape);
  const sources = (entry: number, own: boolean): SourceIntent[] => [
    ...clientsOf(shape)
      .filter((client) => client.entry === entry)
      .flatMap((client) => client.addresses)
      .filter((one) => one.exit === exit && (one.own === true) === own && one.address !== "10.64.240.7")
      .map(({ address }) => ({ prefix: address })),
    ...(entry === 0 && !own && shape.prefix && exit === shape.exits[0] ? [{ prefix: "10.64.240.0/24" }] : []),
  ];
  const policy = (name: string, node: number, from: readonly SourceIntent[], edge?: Edge, label?: string): PolicyIntent[] =>
    from.length === 0
      ? []
      : [
          {
            path: `${nodeName(end)}-${name}`,
            name: `${nodeName(end)}-${name}`,
            node: nodeName(node),
            from,
            via: edge === undefined ? "uplink" : { tunnel: tunnelName(edge) },
            ...(label === undefined ? {} : { label }),
          },
        ];
  const arrived = (edge: Edge, first: boolean): SourceIntent[] => {
    if (alone(shape, edge)) return [{ tunnel: tunnelName(edge) }];
    return [{ label: labelName(edge, exit) }, ...(first && exit.own ? [{ label: ownName(edge, exit) }] : [])];
  };
  return [0, ...exit.through].flatMap((node, index): PolicyIntent[] => {
    const edge = edges[index];
    const before = edges[index - 1];
    const label = edge === undefined || unlabelled(shape, edge) ? undefined : labelName(edge, exit);
    const served = entries.some(({ entry }) => entry === node);
    return [
      ...(served ? policy(`clients-${node}`, node, sources(node, false), edge, label) : []),
      ...(served && edge !== undefined && index === 0 ? policy("own", node, sources(node, true), edge, ownName(edge, exit)) : []),
      // What arrives at its exit leaves there without a policy.
      ...(before === undefined || edge === undefined
        ? []
        : policy(`on-${node}`, node, arrived(before, index === 1), edge, label)),
    ];
  });
}
