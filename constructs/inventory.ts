import { interfacesByNode, type Compiled } from "../lib/compile";
import type { NetworkIntent, NodeIntent } from "../lib/intent";
import type { Inventory, InventoryForward, InventoryInterface, InventoryLan, InventoryNode } from "../lib/inventory";
import type { Forward, Gateway, Interface, Network, Node, Tunnel } from "../lib/model/model";
import type { Problem } from "../lib/problem";
import { promises } from "../lib/promise";
import { DeferredAddress } from "../lib/address";
import type { Directory } from "./directory";

export interface InventorySources {
  readonly stack: string;
  readonly directory: Directory;
  readonly intent: NetworkIntent;
  readonly compiled: Compiled;
  readonly problems: readonly Problem[];
  /** Nodes that the next deploy cleans. */
  readonly leaving: readonly InventoryNode[];
  /** What constructs allocated themselves. */
  readonly ownAllocations: Inventory["allocations"];
}

export function inventoryOf(sources: InventorySources): Inventory {
  const { compiled, intent, leaving } = sources;
  return {
    version: 1,
    stack: sources.stack,
    directory: sources.directory.absolute,
    nodes: [...intent.nodes.flatMap((node) => inventoryNode(node, compiled.network) ?? []), ...leaving],
    clients: promises(compiled.network),
    allocations: { ...compiled.allocations, ...sources.ownAllocations },
    ...probeTargetsOf(compiled.network),
    problems: sources.problems,
  };
}

function probeTargetsOf({ policies }: Network): Pick<Inventory, "probeTargets"> {
  const targets = new Set(policies.flatMap(({ failover }) => (failover?.probing.targets ?? []).map(String)));
  return targets.size === 0 ? {} : { probeTargets: [...targets].sort() };
}

const keyMadeOn = { ssh: "host", gce: "operator", unmanaged: "elsewhere" } as const;

function inventoryNode(intent: NodeIntent, network: Network): InventoryNode | undefined {
  const node = network.nodes.find((one) => one.path === intent.path);
  if (node === undefined) return undefined;
  const { privateLink } = node;
  return {
    name: node.name,
    host: hostOf(intent),
    uplinkMtuBytes: node.uplinkMtuBytes,
    ...(privateLink === undefined
      ? {}
      : { privateLink: { address: privateLink.address.toString(), mtuBytes: privateLink.mtuBytes } }),
    interfaces: interfacesByNode(network, node).map((one) => ({
      name: one.name,
      role: one.role,
      address: addressOf(one, network),
      listenPort: one.listenPort,
      mtuBytes: one.mtuBytes,
      publicKey: one.publicKey,
      ...presharedOf(one, network),
      keyMadeOn: keyMadeOn[node.kind],
    })),
    ...inwardsOf(node, network),
  };
}

/** What the node passes on to a private network, or elsewhere; nothing for a node that does neither. */
function inwardsOf(node: Node, network: Network): Pick<InventoryNode, "lans" | "forwards"> {
  const lans = network.gateways.filter((one) => one.node === node);
  const forwards = network.forwards.filter((one) => one.node === node);
  return {
    ...(lans.length === 0 ? {} : { lans: lans.map(inventoryLan) }),
    ...(forwards.length === 0 ? {} : { forwards: forwards.map(inventoryForward) }),
  };
}

const inventoryLan = ({ name, inside, snat }: Gateway): InventoryLan => ({
  name,
  address: inside.toString(),
  ...(snat === undefined ? {} : { snat: snat.toString() }),
});

function inventoryForward({ name, protocols, ports, address, to, toPort, source, from }: Forward): InventoryForward {
  return {
    name,
    protocols,
    firstPort: ports.first,
    lastPort: ports.last,
    ...(address === undefined ? {} : { address: address.toString() }),
    to: to.toString(),
    toPort,
    source: typeof source === "string" ? source : { address: source.toString() },
    from: from.map(String),
  };
}

function hostOf({ host, address }: NodeIntent): InventoryNode["host"] {
  if (host.kind !== "gce") return { address: String(address), ...host };
  return {
    kind: "gce",
    instance: host.instance,
    externalAddress: address instanceof DeferredAddress ? address.terraform : address,
    user: host.user,
    sshFrom: host.sshFrom,
  };
}

const tunnelOf = (one: Interface, network: Network): Tunnel | undefined =>
  network.tunnels.find(({ server, client }) => server === one || client === one);

function presharedOf(one: Interface, network: Network): Pick<InventoryInterface, "preshared"> {
  const { server, preshared } = tunnelOf(one, network) ?? {};
  if (server === undefined || preshared === undefined) return {};
  return { preshared: { node: server.node.name, interface: server.name, digest: preshared.digest } };
}

function addressOf(one: Interface, network: Network): string {
  const tunnel = tunnelOf(one, network);
  if (tunnel === undefined) {
    return network.clientInterfaces.find((clients) => clients === one)?.address.toString() ?? "";
  }
  if (tunnel.server === one) return `${tunnel.serverAddress.toString()}/${tunnel.network.length}`;
  const label = network.labels.find((candidate) => candidate.tunnel === tunnel);
  return `${(tunnel.clientAddress ?? label?.address ?? tunnel.network).toString()}/32`;
}
