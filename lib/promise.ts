import { DeferredAddress, type Ipv4Address } from "./address";
import type { InventoryClient, InventoryPromise } from "./inventory";
import type { Client, ClientInterface, Interface, Network, Policy } from "./model/model";
import { Policies, pathMtuBytes } from "./model/path";

/** What every client is promised by the declared policies: what the lab holds against real packets. */
export function promises(network: Network): readonly InventoryClient[] {
  const policies = new Policies(network);
  // One for all that a policy takes of an interface: thousands of clients share few.
  const known = new Map<Interface, Map<Policy, InventoryPromise | null>>();
  const promiseTo = (source: Ipv4Address, { interface: incoming }: Client): InventoryPromise | null => {
    const policy = policies.selecting(source, incoming);
    if (policy === undefined) return null;
    const ofInterface = known.get(incoming) ?? new Map<Policy, InventoryPromise | null>();
    known.set(incoming, ofInterface);
    const promise = ofInterface.get(policy) ?? promiseOf(policies, policy, incoming);
    ofInterface.set(policy, promise);
    return promise;
  };
  return network.clients.map((client) => {
    const addresses = client.addresses.map((address) => ({ address: address.toString(), promise: promiseTo(address, client) }));
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

function promiseOf(policies: Policies, policy: Policy, incoming: ClientInterface): InventoryPromise | null {
  const path = policies.follow(policy);
  const all = [...policies.all(policy)];
  if (path.end.kind !== "exit") return null;
  const { node } = path.end;
  const others = [...new Set(all.map(({ end }) => end.node.name))].filter((name) => name !== node.name);
  return {
    exitNode: node.name,
    ...(others.length === 0 ? {} : { otherExits: others }),
    hops: [incoming.address.address.toString(), ...path.tunnels.map((tunnel) => tunnel.serverAddress.toString())],
    exitAddress:
      node.address instanceof DeferredAddress ? { deferred: node.address.terraform } : { literal: node.address.toString() },
    // Also by the exit that takes over.
    mtuBytes: Math.min(...all.map((one) => pathMtuBytes(one, incoming))),
  };
}
