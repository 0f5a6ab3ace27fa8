import type { HostAddress, InterfaceAddress, Ipv4Address, Ipv4Prefix } from "../address";

/** The network as parsed: typed values, partners as references. Made only by `parseNetwork`. */
export interface Network {
  readonly nodes: readonly Node[];
  readonly tunnels: readonly Tunnel[];
  readonly labels: readonly Label[];
  readonly clientInterfaces: readonly ClientInterface[];
  readonly clients: readonly Client[];
  readonly policies: readonly Policy[];
  readonly gateways: readonly Gateway[];
  readonly forwards: readonly Forward[];
}

export interface Node {
  readonly path: string;
  readonly name: string;
  readonly address: HostAddress;
  readonly kind: "ssh" | "gce" | "unmanaged";
  readonly uplinkMtuBytes: number;
  readonly privateLink?: { readonly address: InterfaceAddress; readonly mtuBytes: number };
  /** What arrives by tunnels and is claimed by no policy leaves here. */
  readonly exit: boolean;
  /** At Google: the subnetwork of its network. */
  readonly subnetwork?: Ipv4Prefix;
  /** Where its sshd listens, as far as is known. */
  readonly sshPort: number;
  /** What stands after `ssh`; absent for a VM, whose address only apply knows. */
  readonly sshDestination?: string;
  /** A time span of systemd's, e.g. "5min". Absent: it does not repair itself. */
  readonly repairEvery?: string;
}

/** One WireGuard interface on one node. */
export interface Interface {
  readonly path: string;
  readonly name: string;
  readonly node: Node;
  readonly role: "clients" | "tunnel-server" | "tunnel-client";
  readonly network: Ipv4Prefix;
  readonly listenPort: number;
  readonly mtuBytes: number;
  /** Null: not made yet (a problem of its own); nothing is rendered then. */
  readonly publicKey: string | null;
}

export interface ClientInterface extends Interface {
  readonly role: "clients";
  readonly address: InterfaceAddress;
  /** Absent: clients ask whom they like. */
  readonly dns?: Resolvers;
}

/** Whom clients ask for names. */
export interface Resolvers {
  /** In order of preference; the first is also who answers in the place of others where `enforce` is set. */
  readonly servers: readonly [Ipv4Address, ...Ipv4Address[]];
  readonly enforce: boolean;
}

export interface Client {
  readonly path: string;
  readonly name: string;
  readonly interface: ClientInterface;
  readonly addresses: readonly Ipv4Address[];
  /** Null: not made yet (a problem of its own); nothing is rendered then. */
  readonly publicKey: string | null;
}

export interface Tunnel {
  readonly path: string;
  readonly name: string;
  readonly server: Interface;
  readonly client: Interface;
  readonly network: Ipv4Prefix;
  readonly serverAddress: Ipv4Address;
  /** The client end's own address; without one its addresses are its labels. */
  readonly clientAddress?: Ipv4Address;
  /** What the client end itself sends there goes through the tunnel; needs its own address. */
  readonly ownRoutes: readonly Ipv4Prefix[];
  /** What the client end lets through, both ways. */
  readonly allowedIps: readonly Ipv4Prefix[];
  /** Where the client end finds the server end. */
  readonly endpoint: HostAddress;
  readonly mtuBytes: number;
  readonly keepaliveSeconds: number;
  /** Present: both ends use a pre-shared key. The digest is null when it is not made yet (a problem of its own); nothing is rendered then. */
  readonly preshared?: { readonly digest: string | null };
}

/** An address of a tunnel's client end that stands for an exit: traffic is SNATed to it, and the far end routes by it. */
export interface Label {
  readonly path: string;
  readonly name: string;
  readonly tunnel: Tunnel;
  readonly address: Ipv4Address;
}

/** On `node`, what comes from `sources` by `incoming` goes `via`. */
export interface Policy {
  readonly path: string;
  readonly name: string;
  readonly node: Node;
  readonly sources: readonly PolicySource[];
  readonly via: Tunnel | "uplink";
  /** SNAT address on `via`; absent for the uplink, which masquerades. */
  readonly snat?: Ipv4Address;
  /** Where it goes when `via` is dead. Absent: nowhere. */
  readonly failover?: Failover;
  readonly routeTable?: number;
  readonly priority?: number;
}

/** Further choices of a policy, and how they are measured. */
export interface Failover {
  /** In order; tunnels, each once, `via` is none of them. */
  readonly others: readonly Choice[];
  readonly probing: Probing;
}

export interface Choice {
  readonly via: Tunnel;
  readonly snat: Ipv4Address;
}

/** How a host finds out whether an exit is alive. */
export interface Probing {
  /** Addresses in the internet, any of which may answer. */
  readonly targets: readonly Ipv4Address[];
  readonly intervalSeconds: number;
  /** So many intervals in a row without an answer: dead. */
  readonly failures: number;
  /** So many with one: alive. */
  readonly successes: number;
  /** So long alive before sources come back to it. */
  readonly holdSeconds: number;
}

export interface PolicySource {
  readonly prefix: Ipv4Prefix;
  readonly incoming: Interface;
}

/** A private network behind a node; what its machines send elsewhere leaves with the node's address. */
export interface Gateway {
  readonly path: string;
  readonly name: string;
  readonly node: Node;
  /** The node's own address there, with the network. */
  readonly inside: InterfaceAddress;
  /** An address of the node's; absent: that of the device where it leaves. */
  readonly snat?: Ipv4Address;
}

export type Protocol = "tcp" | "udp";

/** Ports of a node that are another's. */
export interface Forward {
  readonly path: string;
  readonly name: string;
  readonly node: Node;
  readonly protocols: readonly Protocol[];
  readonly ports: { readonly first: number; readonly last: number };
  /** The only address of the node that counts; absent: any. */
  readonly address?: Ipv4Address;
  readonly to: Ipv4Address;
  /** In place of the first port; the others follow. */
  readonly toPort: number;
  readonly source: "gateway" | "keep" | Ipv4Address;
  /** Who may use it, disjoint. */
  readonly from: readonly Ipv4Prefix[];
}
