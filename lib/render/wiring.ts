import { DeferredAddress } from "../address";
import type { Network, Node } from "../model/model";
import { Policies, type PathEnd } from "../model/path";
import { promises } from "../promise";
import type { Declared, WiredNode, Wiring } from "../trace/wiring";

/** What no host's files say: cables, clients' keys, and what was declared. From the model alone, not from the plan that the trace is to judge. */
export function wiringOf(network: Network): Wiring {
  return {
    version: 1,
    nodes: network.nodes.map((node) => ({ ...nodeOf(node), ...inwardsOf(network, node) })),
    clients: promises(network).map(({ name, node, interface: one, publicKey, mtuBytes, addresses }) => ({
      name,
      node,
      interface: one,
      publicKey: publicKey ?? "",
      mtuBytes,
      addresses: addresses.map(({ address }) => address),
    })),
    declared: declaredOf(network),
    ...ownRoutesOf(network),
    ...resolversOf(network),
  };
}

function resolversOf({ clientInterfaces }: Network): Pick<Wiring, "resolvers"> {
  const resolvers = clientInterfaces.flatMap(({ node, name, dns }) =>
    dns === undefined ? [] : [{ node: node.name, interface: name, servers: dns.servers.map(String), enforce: dns.enforce }],
  );
  return resolvers.length === 0 ? {} : { resolvers };
}

function ownRoutesOf(network: Network): Pick<Wiring, "ownRoutes"> {
  const policies = Policies.of(network);
  const ownRoutes = network.tunnels.flatMap((tunnel) => {
    const { client, clientAddress, ownRoutes: prefixes } = tunnel;
    const { end } = policies.followOwn(tunnel);
    if (end.kind !== "exit" || clientAddress === undefined) return [];
    return prefixes.map((to) => ({
      node: client.node.name,
      interface: client.name,
      source: clientAddress.toString(),
      destination: to.toString(),
      exit: end.node.name,
    }));
  });
  return ownRoutes.length === 0 ? {} : { ownRoutes };
}

function nodeOf({ name, address, uplinkMtuBytes, privateLink, exit, kind }: Node): WiredNode {
  return {
    name,
    kind,
    address: address.toString(),
    ...(address instanceof DeferredAddress ? { deferred: address.terraform } : {}),
    uplinkMtuBytes,
    ...(privateLink === undefined
      ? {}
      : { privateLink: { address: privateLink.address.toString(), mtuBytes: privateLink.mtuBytes } }),
    exit,
  };
}

function inwardsOf(network: Network, node: Node): Pick<WiredNode, "lans" | "forwards"> {
  const lans = network.gateways
    .filter((one) => one.node === node)
    .map(({ name, inside, snat }) => ({
      name,
      address: inside.toString(),
      ...(snat === undefined ? {} : { snat: snat.toString() }),
    }));
  const forwards = network.forwards
    .filter((one) => one.node === node)
    .map(({ name, protocols, ports, address, to, toPort, source, from }) => ({
      name,
      protocols,
      firstPort: ports.first,
      lastPort: ports.last,
      ...(address === undefined ? {} : { address: address.toString() }),
      to: to.toString(),
      toPort,
      source: source.toString(),
      from: from.map(String),
    }));
  return { ...(lans.length === 0 ? {} : { lans }), ...(forwards.length === 0 ? {} : { forwards }) };
}

/** Every policy's sources, and what arrives at an exit that has no policy for it. */
function declaredOf(network: Network): Declared[] {
  const policies = Policies.of(network);
  const found = new Map<string, Declared>();
  const addAll = (node: Node, sources: readonly { incoming: string; source: string }[], ends: readonly PathEnd[]): void => {
    const [exit, ...others] = [...new Set(ends.flatMap((end) => (end.kind === "exit" ? [end.node.name] : [])))];
    if (exit === undefined) return;
    const more = others.length === 0 ? {} : { others };
    for (const { incoming, source } of sources)
      found.set(`${node.name} ${incoming} ${source}`, { node: node.name, interface: incoming, source, exit, ...more });
  };
  const add = (node: Node, incoming: string, source: string, ends: readonly PathEnd[]): void =>
    addAll(node, [{ incoming, source }], ends);
  const addArrival = (end: PathEnd): void => {
    if (end.kind !== "exit" || end.source === undefined) return;
    const { source, incoming } = end.source;
    if (policies.selecting(source, incoming) === undefined) add(end.node, incoming.name, `${source.toString()}/32`, [end]);
  };
  for (const policy of network.policies) {
    const ends = [...policies.all(policy)].map(({ end }) => end);
    const sources = policy.sources.map(({ prefix, incoming }) => ({ incoming: incoming.name, source: prefix.toString() }));
    addAll(policy.node, sources, ends);
    ends.forEach(addArrival);
  }
  for (const tunnel of network.tunnels) {
    if (tunnel.ownRoutes.length === 0) continue;
    const paths = [...policies.allOwn(tunnel)];
    // At the first relay it is a source like others.
    const { server, clientAddress } = tunnel;
    const ends = paths.flatMap(({ end, tunnels }) => (tunnels.length > 0 ? [end] : []));
    if (clientAddress !== undefined) add(server.node, server.name, `${clientAddress.toString()}/32`, ends);
    for (const { end } of paths) addArrival(end);
  }
  return [...found.values()];
}
