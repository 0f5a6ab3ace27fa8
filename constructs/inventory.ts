import { interfacesByNode, type Compiled } from "../lib/compile";
import type { NetworkIntent, NodeIntent } from "../lib/intent";
import type { Inventory, InventoryNode } from "../lib/inventory";
import type { Interface, Network } from "../lib/model/model";
import type { Problem } from "../lib/problem";
import { promises } from "../lib/promise";
import { DeferredAddress } from "../lib/address";
import type { Directory } from "./directory";

export function inventoryOf(
  stack: string,
  directory: Directory,
  intent: NetworkIntent,
  compiled: Compiled,
  problems: readonly Problem[],
  ownAllocations: Readonly<Record<string, Readonly<Record<string, string | number>>>>,
): Inventory {
  return {
    version: 1,
    stack,
    directory: directory.absolute,
    nodes: intent.nodes.flatMap((node) => inventoryNode(node, compiled.network) ?? []),
    clients: promises(compiled.network),
    allocations: { ...compiled.allocations, ...ownAllocations },
    problems,
  };
}

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
      keyMadeOn: node.kind === "gce" ? ("operator" as const) : ("host" as const),
    })),
  };
}

function hostOf({ host, address }: NodeIntent): InventoryNode["host"] {
  if (host.kind === "ssh") {
    const { destination, user, port, jump } = host;
    return {
      kind: "ssh",
      address: String(address),
      destination,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port }),
      ...(jump === undefined ? {} : { jump }),
    };
  }
  return {
    kind: "gce",
    instance: host.instance,
    externalAddress: address instanceof DeferredAddress ? address.terraform : address,
    user: host.user,
    sshFrom: host.sshFrom,
  };
}

function addressOf(one: Interface, network: Network): string {
  const tunnel = network.tunnels.find(({ server, client }) => server === one || client === one);
  if (tunnel === undefined) {
    return network.clientInterfaces.find((clients) => clients === one)?.address.toString() ?? "";
  }
  if (tunnel.server === one) return `${tunnel.serverAddress.toString()}/${tunnel.network.length}`;
  const label = network.labels.find((candidate) => candidate.tunnel === tunnel);
  return `${(tunnel.clientAddress ?? label?.address ?? tunnel.network).toString()}/32`;
}
