import { DeferredAddress, Ipv4Address, type Ipv4Prefix } from "../address";
import type { Forward, Gateway, Network, Node } from "../model/model";
import { notPublic, targetOf } from "../model/targets";
import type { Problems } from "../problem";
import { interfacesOf } from "./names";

const shown = ({ ports }: Forward): string => (ports.first === ports.last ? String(ports.first) : `${ports.first}-${ports.last}`);
const holds = ({ ports }: Forward, port: number): boolean => ports.first <= port && port <= ports.last;

/** Private networks behind nodes: none may be part of the chain, or hold what the node needs for its uplink. */
export function checkGateways(network: Network, problems: Problems): void {
  network.gateways.forEach((gateway, index) => {
    const { path, node, inside } = gateway;
    const before = network.gateways.slice(0, index).filter((one) => one.node === node);
    const overlap = (what: string): void => {
      const message = `inside ${inside.toString()} overlaps ${what}; give the private network another prefix`;
      problems.report("overlapping-networks", path, message);
    };
    for (const other of before) {
      if (other.name === gateway.name) reportName(gateway, other, problems);
      if (other.inside.network.overlaps(inside.network))
        overlap(`${other.inside.toString()} of gateway '${other.name}' (${other.path})`);
    }
    for (const one of chainNetworks(network)) {
      if (one.network.overlaps(inside.network)) overlap(`${one.network.toString()} of '${one.name}' (${one.path})`);
    }
    if (node.privateLink?.address.network.overlaps(inside.network) === true) {
      overlap(`${node.privateLink.address.network.toString()}, the private line of '${node.name}'`);
    }
    if (node.subnetwork?.overlaps(inside.network) === true)
      overlap(`${node.subnetwork.toString()}, the subnetwork of '${node.name}'`);
    if (node.address instanceof Ipv4Address && inside.network.contains(node.address)) {
      const message = `inside ${inside.toString()} holds ${node.address.toString()}, the public address of '${node.name}': everything at its uplink would be taken for the private network; give that another prefix`;
      problems.report("selector-catches-underlay", path, message);
    }
    checkOwned(network, gateway, "snat", gateway.snat, problems);
  });
}

interface ChainNetwork {
  readonly path: string;
  readonly name: string;
  readonly network: Ipv4Prefix;
}
const chainNetworks = ({ tunnels, clientInterfaces }: Network): readonly ChainNetwork[] => [...tunnels, ...clientInterfaces];

/** An address that the node is said to have: one that is known to be somebody else's would get no answers. */
function checkOwned(
  network: Network,
  { path, node }: Pick<Gateway, "path" | "node">,
  what: string,
  address: Ipv4Address | undefined,
  problems: Problems,
): void {
  if (address === undefined || ownAddresses(network, node).some((own) => own.equals(address))) return;
  const owner = ownerOf(network, node, address);
  if (owner === undefined) return;
  const message = `${what} ${address.toString()} is ${owner}, and no address of '${node.name}'; take one that '${node.name}' has`;
  problems.report("address-not-ours", path, message);
}

function ownAddresses(network: Network, node: Node): Ipv4Address[] {
  return [
    ...(node.address instanceof Ipv4Address ? [node.address] : []),
    ...(node.privateLink === undefined ? [] : [node.privateLink.address.address]),
    ...network.gateways.filter((one) => one.node === node).map(({ inside }) => inside.address),
  ];
}

function ownerOf(network: Network, node: Node, address: Ipv4Address): string | undefined {
  const other = network.nodes.find(
    (one) =>
      (one.address instanceof Ipv4Address && one.address.equals(address)) ||
      one.privateLink?.address.address.equals(address) === true,
  );
  if (other !== undefined) return `an address of '${other.name}'`;
  const chain = chainNetworks(network).find((one) => one.network.contains(address));
  if (chain !== undefined) return `in ${chain.network.toString()} of '${chain.name}'`;
  const lan = network.gateways.find((one) => one.node === node && one.inside.network.contains(address));
  if (lan !== undefined) return `a machine's in the private network of gateway '${lan.name}'`;
  const why = notPublic(address);
  return why === undefined || why === "a private address" || why.includes("carrier-grade") ? undefined : why;
}

/** Ports that somebody else has already, and targets that the node cannot reach. */
export function checkForwards(network: Network, problems: Problems): void {
  network.forwards.forEach((forward, index) => {
    const before = network.forwards.slice(0, index).filter(({ node }) => node === forward.node);
    for (const other of before) {
      if (other.name === forward.name) reportName(forward, other, problems);
      checkClaim(forward, other, problems);
    }
    checkSsh(network, forward, problems);
    checkWireguard(network, forward, problems);
    checkTarget(network, forward, problems);
    checkOwned(network, forward, "address", forward.address, problems);
    if (typeof forward.source !== "string") checkOwned(network, forward, "source", forward.source, problems);
  });
}

function reportName(one: Gateway | Forward, other: Gateway | Forward, problems: Problems): void {
  const message = `name '${one.name}' of '${one.node.name}' is used by '${other.path}' and '${one.path}'; take another id for one`;
  problems.report("name-used-twice", one.path, message);
}

function checkClaim(forward: Forward, other: Forward, problems: Problems): void {
  const protocols = forward.protocols.filter((one) => other.protocols.includes(one));
  const first = Math.max(forward.ports.first, other.ports.first);
  const last = Math.min(forward.ports.last, other.ports.last);
  // A VM of Google's is found by one address only, and Google's rules are by port.
  const apart =
    forward.node.kind !== "gce" &&
    forward.address !== undefined &&
    other.address !== undefined &&
    !forward.address.equals(other.address);
  // One at an address of its own and one at any would hang on who comes first; nobody should have to know.
  if (protocols.length === 0 || first > last || apart) return;
  const port = first === last ? `port ${first}` : `ports ${first}-${last}`;
  const message = `${port} (${protocols.join(" and ")}) of '${forward.node.name}' is forwarded by '${other.path}' and '${forward.path}'; take other ports in one, or an address of its own in each`;
  problems.report("port-claimed-twice", forward.path, message);
}

/** SSH is how every deploy comes: a forward of its port locks out whoever deploys. */
function checkSsh(network: Network, forward: Forward, problems: Problems): void {
  const { node, address, path } = forward;
  if (!forward.protocols.includes("tcp") || !holds(forward, node.sshPort)) return;
  const lans = network.gateways.filter((one) => one.node === node);
  if (
    address !== undefined &&
    lans.some(({ inside }) => inside.address.equals(address)) &&
    node.sshDestination !== address.toString()
  )
    return;
  const where = address === undefined ? "any address" : address.toString();
  const message = `port ${shown(forward)} at ${where} would take port ${node.sshPort}, by which '${node.name}' is reached with SSH: no deploy could come in; take another port, or the address of a private network`;
  problems.report("port-of-ssh", path, message);
}

function checkWireguard(network: Network, forward: Forward, problems: Problems): void {
  if (!forward.protocols.includes("udp")) return;
  for (const one of interfacesOf(network)) {
    if (one.node !== forward.node || !holds(forward, one.listenPort)) continue;
    const message = `port ${shown(forward)} (udp) would take port ${one.listenPort}, on which '${one.name}' of '${one.node.name}' listens; take another port, or another listenPort there`;
    problems.report("port-of-wireguard", forward.path, message);
  }
}

function checkTarget(network: Network, forward: Forward, problems: Problems): void {
  const { path, node, to, source } = forward;
  const target = targetOf(network, forward);
  if (target.kind === "unreachable") {
    const message = `to ${to.toString()} is ${target.why}: '${node.name}' cannot forward there; take a machine of a NatGateway of '${node.name}', a client of its own, or an address on the internet`;
    problems.report("unreachable-target", path, message);
  }
  if (target.kind === "internet" && source === "keep") {
    const message = `source "keep" needs a target whose answers come back by '${node.name}', and ${to.toString()} is on the internet: it would answer the client itself, who asked somebody else; leave source out`;
    problems.report("source-not-kept", path, message);
  }
  const table = network.policies.find(
    (one) => one.node === node && typeof source !== "string" && one.routeTable === source.value,
  );
  if (table !== undefined) {
    const message = `source ${source.toString()} is the mark of its connections, and so is routeTable ${String(table.routeTable)} of '${table.path}'; take another routeTable`;
    problems.report("table-used-twice", path, message);
  }
  const deferred = node.address instanceof DeferredAddress;
  if (deferred && target.kind === "internet" && typeof source !== "string") {
    const message = `source ${source.toString()} is no address of '${node.name}': Google lets a VM send with its own only; leave source out`;
    problems.report("address-not-ours", path, message);
  }
}
