import { DeferredAddress, type Ipv4Address } from "./address";
import type { InventoryClient, InventoryPromise } from "./inventory";
import type { Client, ClientInterface, Interface, Network, Policy } from "./model/model";
import { Policies, pathMtuBytes } from "./model/path";

/** What every client is promised by the declared policies: what the lab holds against real packets. */
export function promises(network: Network): readonly InventoryClient[] {
  const policies = Policies.of(network);
  // One for all that a policy takes of an interface: thousands of clients share few.
  const known = new Map<Interface, Map<Policy, InventoryPromise | null>>();
  const promiseTo = (source: Ipv4Address, { interface: incoming }: Client): InventoryPromise | null => {
    const policy = policies.selecting(source, incoming);
    if (policy === undefined) return null;
    let ofInterface = known.get(incoming);
    if (ofInterface === undefined) known.set(incoming, (ofInterface = new Map<Policy, InventoryPromise | null>()));
    let promise = ofInterface.get(policy);
    if (promise === undefined) ofInterface.set(policy, (promise = promiseOf(policies, policy, incoming)));
    return promise;
  };
  return network.clients.map((client) => {
    let { mtuBytes } = client.interface;
    const addresses = client.addresses.map((address) => {
      const promise = promiseTo(address, client);
      if (promise !== null) mtuBytes = Math.min(mtuBytes, promise.mtuBytes);
      return { address: address.toString(), promise };
    });
    return {
      name: client.name,
      node: client.interface.node.name,
      interface: client.interface.name,
      publicKey: client.publicKey,
      mtuBytes,
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
