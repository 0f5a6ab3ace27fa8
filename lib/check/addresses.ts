import { DeferredAddress, Ipv4Address, type Ipv4Prefix } from "../address";
import type { Network } from "../model/model";
import type { Problems } from "../problem";

interface Named {
  readonly path: string;
  readonly what: string;
  readonly network: Ipv4Prefix;
}

/** Networks must be disjoint, and no host's underlay address may stand in one: a selector or direct route would catch it. */
export function checkNetworks(network: Network, problems: Problems): void {
  const tunnelled: Named[] = [
    ...network.tunnels.map((tunnel) => ({ path: tunnel.path, what: `tunnel '${tunnel.name}'`, network: tunnel.network })),
    ...network.clientInterfaces.map((one) => ({ path: one.path, what: `clients of '${one.name}'`, network: one.network })),
  ];
  const others = [...tunnelled, ...uniqueLinks(network)];
  reportOverlaps(others, problems);
  // Subnetworks of two VMs may be alike: each VM has a network of its own.
  for (const { path, name, subnetwork } of network.nodes) {
    if (subnetwork === undefined) continue;
    const own = { path, what: `subnetwork of '${name}'`, network: subnetwork };
    for (const other of others.filter((one) => one.network.overlaps(subnetwork))) reportOverlap(own, other, problems);
  }

  for (const node of network.nodes) {
    const own = [
      ...(node.address instanceof DeferredAddress ? [] : [{ address: node.address, what: "address" }]),
      ...(node.privateLink === undefined ? [] : [{ address: node.privateLink.address.address, what: "privateAddress" }]),
    ];
    for (const { address, what } of own) {
      for (const one of tunnelled.filter(({ network: prefix }) => prefix.contains(address))) {
        problems.report(
          "selector-catches-underlay",
          one.path,
          `network ${one.network.toString()} of ${one.what} holds ${address.toString()}, the ${what} of '${node.name}': rules for it would catch that host's underlay, endpoint and SSH traffic; take another network`,
        );
      }
    }
  }
}

function uniqueLinks(network: Network): Named[] {
  const links = new Map<string, Named>();
  for (const { path, privateLink } of network.nodes) {
    if (privateLink === undefined) continue;
    const prefix = privateLink.address.network;
    const key = prefix.toString();
    if (!links.has(key)) links.set(key, { path, what: "private link", network: prefix });
  }
  return [...links.values()];
}

function reportOverlaps(all: readonly Named[], problems: Problems): void {
  const sorted = [...all].sort((a, b) => a.network.base - b.network.base || a.network.length - b.network.length);
  let widest: Named | undefined;
  for (const one of sorted) {
    if (widest?.network.overlaps(one.network)) reportOverlap(one, widest, problems);
    if (widest === undefined || one.network.last > widest.network.last) widest = one;
  }
}

function reportOverlap(one: Named, other: Named, problems: Problems): void {
  problems.report(
    "overlapping-networks",
    one.path,
    `network ${one.network.toString()} of ${one.what} overlaps ${other.network.toString()} of ${other.what} (${other.path}); give one of them another network`,
  );
}

/** Two hosts with one address, or two with one private address. */
export function checkHostAddresses(network: Network, problems: Problems): void {
  const seen = new Map<string, string>();
  for (const node of network.nodes) {
    const addresses = [node.address, node.privateLink?.address.address].filter((one) => one instanceof Ipv4Address);
    for (const address of addresses) {
      const other = seen.get(address.toString());
      if (other !== undefined) {
        problems.report(
          "address-used-twice",
          node.path,
          `address ${address.toString()} is used by '${other}' and '${node.name}'; set another on one`,
        );
      }
      seen.set(address.toString(), node.name);
    }
  }
}

/** Labels: in their tunnel's network, and used once. */
export function checkLabels(network: Network, problems: Problems): void {
  const seen = new Map<string, string>();
  for (const { tunnel } of network.labels) {
    seen.set(`${tunnel.path} ${tunnel.serverAddress.toString()}`, `the server end of tunnel '${tunnel.name}'`);
    if (tunnel.clientAddress !== undefined) {
      seen.set(`${tunnel.path} ${tunnel.clientAddress.toString()}`, `the client end of tunnel '${tunnel.name}' itself`);
    }
  }
  for (const label of network.labels) {
    const text = label.address.toString();
    if (!label.tunnel.network.assignable(label.address)) {
      problems.report(
        "label-outside-tunnel",
        label.path,
        `label ${text} can't be given to a host of ${label.tunnel.network.toString()}, the network of tunnel '${label.tunnel.name}'; take an address in it`,
      );
    }
    const key = `${label.tunnel.path} ${text}`;
    const other = seen.get(key);
    if (other !== undefined) {
      problems.report(
        "label-used-twice",
        label.path,
        `label ${text} is used by '${label.name}' and ${other}; set another address on one`,
      );
    }
    seen.set(key, `label '${label.name}'`);
  }
}

/** Clients: in their interface's network, none another's or the interface's own (their AllowedIPs must not overlap). */
export function checkClients(network: Network, problems: Problems): void {
  const seen = new Map<string, string>();
  for (const one of network.clientInterfaces) {
    seen.set(`${one.path} ${one.address.address.toString()}`, `interface '${one.name}' itself`);
  }
  for (const client of network.clients) {
    for (const address of client.addresses) {
      const text = address.toString();
      if (!client.interface.network.assignable(address)) {
        problems.report(
          "address-outside-network",
          client.path,
          `address ${text} can't be given to a client of ${client.interface.network.toString()} on '${client.interface.name}'; take one in it`,
        );
      }
      const key = `${client.interface.path} ${text}`;
      const other = seen.get(key);
      if (other !== undefined) {
        problems.report(
          "allowed-ips-overlap",
          client.path,
          `AllowedIPs ${text}/32 of client '${client.name}' is claimed by ${other}: WireGuard would give it to one peer only; set another address`,
        );
      }
      seen.set(key, `client '${client.name}'`);
    }
  }
}
