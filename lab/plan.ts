import { InterfaceAddress, Ipv4Prefix } from "../lib/address";
import type { Inventory, InventoryNode } from "../lib/inventory";
import { probing } from "../lib/model/numbers";
import { LabError } from "./run";
import type { Machine, Scenario } from "./scenario";

/** The internet host's own address, where it tells callers theirs. */
export const internetAddress = "192.0.2.1";
/** What every host's default route points at: the internet host's end of its uplink. */
export const gatewayAddress = "169.254.0.1";
/** RFC 2544's benchmark network: addresses for hosts whose address the app leaves open. */
const spareAddresses = Ipv4Prefix.parse("198.18.0.0/15");

/** Hosts and wires, as data: what `lab up` starts before anything is deployed. Google VMs are not in it; Terraform makes those. */
export interface Plan {
  readonly hosts: readonly PlannedHost[];
  readonly privateLinks: readonly PlannedLink[];
  /** Addresses besides its own at which the internet host answers. */
  readonly internet: readonly string[];
  /** Addresses of the internet that answer pings, and nothing else. */
  readonly targets: readonly string[];
  /** Jump hosts named by the app that are no node of it; the internet host stands in for them. */
  readonly jumpHosts: readonly JumpHost[];
}

export interface PlannedHost {
  /** "unmanaged": a node that the app does not manage; it has no sshd. */
  readonly kind: "internet" | "operator" | "node" | "unmanaged" | "client" | "machine";
  readonly name: string;
  readonly netns: string;
  /** Its public address, a /32 on eth0 (the internet host's is on lo). A machine behind a node: the one that it has there. */
  readonly address: string;
  /** It has no uplink. */
  readonly behind?: true;
  readonly mtuBytes: number;
  /** Port and user that sshd serves besides 22 and root. */
  readonly sshPort?: number;
  readonly sshUser?: string;
}

export interface PlannedLink {
  /** The first end is the gateway of the others. */
  readonly lan?: true;
  readonly network: string;
  readonly ends: readonly PlannedEnd[];
}

export interface PlannedEnd {
  readonly host: string;
  readonly address: string;
  readonly mtuBytes: number;
  /** @default priv0, priv1, ... */
  readonly device?: string;
  /** Where its default route points. */
  readonly gateway?: string;
}

export interface JumpHost {
  readonly name: string;
  readonly user?: string;
  readonly port?: number;
}

export function planOf(instance: string, inventory: Inventory, scenario: Scenario = {}): Plan {
  const names = new Map<string, string>([
    ["internet", "the lab's internet host"],
    ["operator", "the lab's operator host"],
  ]);
  const claim = (name: string, what: string): void => {
    const other = names.get(name);
    if (other !== undefined) {
      throw new LabError(
        `${what} and ${other} have one name, and the lab needs a namespace ${instance}-${name} for each; rename one`,
      );
    }
    names.set(name, what);
  };
  for (const node of inventory.nodes) claim(node.name, `node '${node.name}'`);
  for (const client of inventory.clients) claim(client.name, `client '${client.name}'`);
  const machines = scenario.machines ?? [];
  for (const { name } of machines) claim(name, `machine '${name}' of the scenario`);

  const netns = (name: string): string => `${instance}-${name}`;
  const spare = spareAddress(inventory, scenario);
  const nodes = inventory.nodes.filter((node) => node.host.kind !== "gce").map((node) => plannedNode(node, netns(node.name)));
  const machine = ({ name, lan, address }: Machine): PlannedHost => {
    const where = lan === undefined ? { address: address ?? spare() } : { address: lan.address, behind: true as const };
    return { kind: "machine", name, netns: netns(name), mtuBytes: 1500, ...where };
  };
  const standing = machines.filter(({ lan, address }) => lan !== undefined || address !== undefined).map(machine);
  requireOwnAddresses([...nodes, ...standing.filter(({ behind }) => behind !== true)], scenario);
  return {
    hosts: [
      { kind: "internet", name: "internet", netns: netns("internet"), address: internetAddress, mtuBytes: 1500 },
      ...nodes,
      ...standing,
      // Taken in this order, so that a client more does not move the operator.
      {
        kind: "operator",
        name: "operator",
        netns: netns("operator"),
        address: operatorAddress(inventory) ?? spare(),
        mtuBytes: 1500,
      },
      ...inventory.clients.map((client): PlannedHost => {
        return { kind: "client", name: client.name, netns: netns(client.name), address: spare(), mtuBytes: 1500 };
      }),
      ...machines.filter(({ lan, address }) => lan === undefined && address === undefined).map(machine),
    ],
    privateLinks: [...privateLinks(inventory.nodes), ...lans(inventory.nodes, machines)],
    internet: scenario.internet ?? [],
    // By default hosts that measure their exits ask these; hosts that begin to must find them.
    targets: [...new Set([...probing.targets, ...(inventory.probeTargets ?? [])])],
    jumpHosts: jumpHosts(inventory),
  };
}

function plannedNode(node: InventoryNode, netns: string): PlannedHost {
  if (node.host.kind === "gce") throw new LabError(`node '${node.name}' is a Google VM, which Terraform makes`);
  if (node.host.kind === "unmanaged")
    return { kind: "unmanaged", name: node.name, netns, address: node.host.address, mtuBytes: node.uplinkMtuBytes };
  const { address, port, user, destination } = node.host;
  const sshUser = user ?? (destination.includes("@") ? destination.split("@")[0] : undefined);
  return {
    kind: "node",
    name: node.name,
    netns,
    address,
    mtuBytes: node.uplinkMtuBytes,
    ...(port === undefined || port === 22 ? {} : { sshPort: port }),
    ...(sshUser === undefined || sshUser === "root" ? {} : { sshUser }),
  };
}

function requireOwnAddresses(hosts: readonly PlannedHost[], { internet = [] }: Scenario): void {
  const owners = new Map([
    [internetAddress, "the lab's internet host"],
    [gatewayAddress, "the lab's gateway"],
    ...internet.map((address) => [address, "the internet of the scenario"] as const),
  ]);
  for (const { kind, name, address } of hosts) {
    const other = owners.get(address);
    if (other !== undefined) throw new LabError(`${kind} '${name}' and ${other} have one address, ${address}; give one another`);
    owners.set(address, `${kind} '${name}'`);
  }
}

/** Every address and network that the app names. */
function named(inventory: Inventory, { internet = [], machines = [] }: Scenario = {}): Ipv4Prefix[] {
  const own = [internetAddress, gatewayAddress, ...internet, ...machines.flatMap(({ address }) => address ?? [])];
  const prefixes = own.map((address) => Ipv4Prefix.parseSource(address));
  for (const node of inventory.nodes) {
    if (node.host.kind !== "gce") prefixes.push(Ipv4Prefix.parseSource(node.host.address));
    if (node.privateLink) prefixes.push(InterfaceAddress.parse(node.privateLink.address).network);
    for (const { address } of node.lans ?? []) prefixes.push(InterfaceAddress.parse(address).network);
    for (const { address } of node.interfaces) prefixes.push(InterfaceAddress.parse(address).network);
  }
  for (const client of inventory.clients) {
    for (const { address } of client.addresses) prefixes.push(Ipv4Prefix.parseSource(address));
  }
  return prefixes;
}

function spareAddress(inventory: Inventory, scenario: Scenario): () => string {
  const taken = named(inventory, scenario);
  let next = 0;
  return () => {
    for (next += 1; next < spareAddresses.size; next += 1) {
      const address = spareAddresses.nth(next);
      const owner = taken.find((prefix) => prefix.contains(address));
      if (owner === undefined) return address.toString();
      next = Math.max(next, owner.last - spareAddresses.base);
    }
    throw new LabError(`the app's networks leave no address of ${spareAddresses.toString()} to the lab's clients`);
  };
}

/** The first address from which a Google VM accepts SSH, so that the app's own firewall rules let the deploy in. */
function operatorAddress(inventory: Inventory): string | undefined {
  const taken = named(inventory);
  for (const node of inventory.nodes) {
    if (node.host.kind !== "gce") continue;
    for (const text of node.host.sshFrom) {
      const prefix = Ipv4Prefix.parseSource(text);
      for (let n = prefix.length >= 31 ? 0 : 1; n < Math.min(prefix.size, 4096); n += 1) {
        const address = prefix.nth(n);
        if (!taken.some((other) => other.contains(address))) return address.toString();
      }
    }
  }
  return undefined;
}

function privateLinks(nodes: readonly InventoryNode[]): PlannedLink[] {
  const links = new Map<string, PlannedLink["ends"][number][]>();
  for (const node of nodes) {
    if (node.privateLink === undefined) continue;
    if (node.host.kind === "gce")
      throw new LabError(`node '${node.name}' is a Google VM with a private link; the lab has no such wire`);
    const network = InterfaceAddress.parse(node.privateLink.address).network.toString();
    links.set(network, [...(links.get(network) ?? []), { host: node.name, ...node.privateLink }]);
  }
  return [...links].map(([network, ends]) => ({ network, ends }));
}

/** Each LAN is a wire with the node's end and its machines, who leave by the node. */
function lans(nodes: readonly InventoryNode[], machines: readonly Machine[]): PlannedLink[] {
  const links: { readonly node: string; readonly inside: InterfaceAddress; readonly ends: PlannedEnd[] }[] = [];
  const open = (node: string, inside: InterfaceAddress): (typeof links)[number] => {
    const owner = nodes.find(({ name }) => name === node);
    if (owner === undefined) throw new LabError(`the scenario has a LAN behind '${node}', which is no node of the app`);
    if (owner.host.kind === "gce") throw new LabError(`node '${node}' is a Google VM with a LAN; the lab has no such wire`);
    const device = `lan${links.filter((link) => link.node === node).length}`;
    const link = { node, inside, ends: [{ host: node, address: inside.toString(), mtuBytes: 1500, device }] };
    links.push(link);
    return link;
  };
  for (const node of nodes) for (const { address } of node.lans ?? []) open(node.name, InterfaceAddress.parse(address));
  for (const { name, lan } of machines) {
    if (lan === undefined) continue;
    const { address, network } = InterfaceAddress.parse(lan.address);
    const known = links.find(({ node, inside }) => node === lan.node && inside.network.contains(address));
    if (known === undefined && lan.gateway === undefined) {
      throw new LabError(
        `machine '${name}': the app has no LAN behind '${lan.node}' with ${lan.address}; say the node's address there: lan.gateway`,
      );
    }
    const link = known ?? open(lan.node, InterfaceAddress.parse(`${lan.gateway}/${network.length}`));
    link.ends.push({ host: name, address: lan.address, mtuBytes: 1500, device: "eth0", gateway: link.inside.address.toString() });
  }
  return links.map(({ node, inside, ends }) => ({ lan: true, network: `${inside.network.toString()} behind ${node}`, ends }));
}

function jumpHosts(inventory: Inventory): JumpHost[] {
  const known = new Set(inventory.nodes.flatMap(({ host }) => (host.kind === "ssh" ? [host.address, host.destination] : [])));
  const jumps = new Map<string, JumpHost>();
  for (const { host } of inventory.nodes) {
    for (const jump of host.kind === "ssh" ? (host.jump?.split(",") ?? []) : []) {
      const match = /^(?:ssh:\/\/)?(?:([^@]+)@)?([^:@]+)(?::(\d+))?$/.exec(jump);
      if (match === null) throw new LabError(`the lab cannot read the jump host '${jump}'; write [user@]host[:port]`);
      const [, user, name = "", port] = match;
      if (known.has(name) || known.has(jump)) continue;
      jumps.set(name, { name, ...(user ? { user } : {}), ...(port ? { port: Number(port) } : {}) });
    }
  }
  return [...jumps.values()];
}
