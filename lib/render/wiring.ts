import { DeferredAddress } from "../address";
import type { Network, Node } from "../model/model";
import { Policies } from "../model/path";
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
  };
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
  const policies = new Policies(network);
  const found = new Map<string, Declared>();
  const add = (node: Node, incoming: string, source: string, exit: Node): void => {
    found.set(`${node.name} ${incoming} ${source}`, { node: node.name, interface: incoming, source, exit: exit.name });
  };
  for (const policy of network.policies) {
    const { end } = policies.follow(policy);
    if (end.kind !== "exit") continue;
    for (const { prefix, incoming } of policy.sources) add(policy.node, incoming.name, prefix.toString(), end.node);
    const { source } = end;
    if (source !== undefined && policies.selecting(source.source, source.incoming) === undefined) {
      add(end.node, source.incoming.name, `${source.source.toString()}/32`, end.node);
    }
  }
  return [...found.values()];
}
