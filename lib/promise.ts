import { DeferredAddress, type Ipv4Address } from "./address";
import type { InventoryClient, InventoryPromise } from "./inventory";
import type { Client, Interface, Network } from "./model/model";
import { Policies, pathMtuBytes } from "./model/path";

/** What every client is promised by the declared policies: what the lab holds against real packets. */
export function promises(network: Network): readonly InventoryClient[] {
  const policies = new Policies(network);
  return network.clients.map((client) => {
    const addresses = client.addresses.map((address) => ({
      address: address.toString(),
      promise: promiseOf(policies, address, client.interface, hopOf(client)),
    }));
    return {
      name: client.name,
      node: client.interface.node.name,
      interface: client.interface.name,
      publicKey: client.publicKey,
      mtuBytes: Math.min(client.interface.mtuBytes, ...addresses.flatMap(({ promise }) => promise?.mtuBytes ?? [])),
      ...(client.interface.dns === undefined ? {} : { dns: client.interface.dns.servers.map(String) }),
      addresses,
    };
  });
}

const hopOf = (client: Client): string => client.interface.address.address.toString();

function promiseOf(policies: Policies, source: Ipv4Address, incoming: Interface, firstHop: string): InventoryPromise | null {
  const policy = policies.selecting(source, incoming);
  if (policy === undefined) return null;
  const path = policies.follow(policy);
  const all = [...policies.all(policy)];
  if (path.end.kind !== "exit") return null;
  const { node } = path.end;
  const others = [...new Set(all.map(({ end }) => end.node.name))].filter((name) => name !== node.name);
  return {
    exitNode: node.name,
    ...(others.length === 0 ? {} : { otherExits: others }),
    hops: [firstHop, ...path.tunnels.map((tunnel) => tunnel.serverAddress.toString())],
    exitAddress:
      node.address instanceof DeferredAddress ? { deferred: node.address.terraform } : { literal: node.address.toString() },
    // Also by the exit that takes over.
    mtuBytes: Math.min(...all.map((one) => pathMtuBytes(one, incoming))),
  };
}
