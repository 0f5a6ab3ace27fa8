/**
 * What the command line and the lab know of an app: nodes, how to reach them, which keys they need, and what each client was promised.
 * Written as JSON by the constructs when `WGCHAIN_INVENTORY` names a file.
 */
export interface Inventory {
  readonly version: 1;
  /** Name of the Terraform stack. */
  readonly stack: string;
  /** Directory of public things as the app found it (absolute). */
  readonly directory: string;
  readonly nodes: readonly InventoryNode[];
  readonly clients: readonly InventoryClient[];
  /** Recorded plus new allocations: what `allocations.json` should hold. */
  readonly allocations: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
  /** Addresses in the internet that hosts ask to measure exits. Absent: none. */
  readonly probeTargets?: readonly string[];
  /** All that the checks found; `code` "missing-public-key" and "missing-preshared-key" are what `wgchain keys` mends. */
  readonly problems: readonly InventoryProblem[];
  /** What the app asserts of its own of the network's packets; code "assertion" where it does not hold. Absent: nothing. */
  readonly assertions?: readonly string[];
  /** The file that holds clients, for `wgchain client` to edit. Absent: all stand in the code. */
  readonly clientsFile?: InventoryClientsFile;
}

export interface InventoryClientsFile {
  /** Absolute. */
  readonly path: string;
  /** Names of the exits that its clients may have. */
  readonly exits: readonly string[];
  /** By name: whose address nobody else gets until that day. */
  readonly revoked: Readonly<Record<string, { readonly address: string; readonly keptUntil: string }>>;
}

export interface InventoryProblem {
  readonly code: string;
  readonly path: string;
  readonly message: string;
}

export interface InventoryNode {
  readonly name: string;
  readonly host: InventorySshHost | InventoryGceHost | InventoryUnmanagedHost;
  /** MTU of the link to the internet, bytes. */
  readonly uplinkMtuBytes: number;
  /** The private link's address with its prefix length, e.g. "172.16.0.1/30"; nodes with the same network share a link. */
  readonly privateLink?: { readonly address: string; readonly mtuBytes: number };
  readonly interfaces: readonly InventoryInterface[];
  /** Private networks that it is the NAT gateway of. Absent: none. */
  readonly lans?: readonly InventoryLan[];
  /** Ports that it passes on. Absent: none. */
  readonly forwards?: readonly InventoryForward[];
}

export interface InventoryLan {
  /** The gateway's name, e.g. "lan". */
  readonly name: string;
  /** The node's own address there with its prefix length, e.g. "192.168.1.1/24". */
  readonly address: string;
  /** The address that its machines leave as. Absent: that of the device where they leave. */
  readonly snat?: string;
}

export interface InventoryForward {
  readonly name: string;
  readonly protocols: readonly ("tcp" | "udp")[];
  readonly firstPort: number;
  readonly lastPort: number;
  /** The only address of the node that it listens on. Absent: any. */
  readonly address?: string;
  readonly to: string;
  /** What the target sees in place of `firstPort`; the others follow. */
  readonly toPort: number;
  /** What the target sees as source: the gateway's own address, the client's, or this one. */
  readonly source: "gateway" | "keep" | { readonly address: string };
  /** Prefixes that may use it; ["0.0.0.0/0"]: everybody. */
  readonly from: readonly string[];
}

export interface InventorySshHost {
  readonly kind: "ssh";
  /** Public IPv4 address, e.g. "198.51.100.10". */
  readonly address: string;
  readonly destination: string;
  readonly user?: string;
  readonly port?: number;
  readonly jump?: string;
}

/** Somebody else's: nothing is delivered to it, and nobody asks it. */
export interface InventoryUnmanagedHost {
  readonly kind: "unmanaged";
  /** Public IPv4 address. */
  readonly address: string;
}

export interface InventoryGceHost {
  readonly kind: "gce";
  /** Terraform addresses, e.g. "google_compute_instance.gcp_instance_1A2B3C4D". */
  readonly instance: string;
  readonly externalAddress: string;
  readonly user: string;
  /** Prefixes that may open SSH, e.g. ["198.51.100.200/32"]. */
  readonly sshFrom: readonly string[];
}

export interface InventoryInterface {
  readonly name: string;
  readonly role: "clients" | "tunnel-server" | "tunnel-client";
  readonly address: string;
  readonly listenPort: number;
  readonly mtuBytes: number;
  /** Null: not made yet. */
  readonly publicKey: string | null;
  /** The pre-shared key that it uses. Absent: none. */
  readonly preshared?: InventoryPreshared;
  /** Where `wgchain keys` makes the private key: on the host, or in `private/` for a host that does not exist yet. */
  readonly keyMadeOn: "host" | "operator" | "elsewhere";
}

/** A tunnel's pre-shared key, the same at both of its interfaces. */
export interface InventoryPreshared {
  /** Node and interface of the tunnel's server end, which name the digest's file: `keys/NODE.IFACE.psk.sha256`. */
  readonly node: string;
  readonly interface: string;
  /** sha256 of the key, 64 hex digits. Null: not made yet. */
  readonly digest: string | null;
}

export interface InventoryClient {
  readonly name: string;
  /** Node and interface it connects to. */
  readonly node: string;
  readonly interface: string;
  readonly publicKey: string | null;
  /** Least MTU of its addresses' chains, bytes: what its WireGuard interface gets. */
  readonly mtuBytes: number;
  /** Resolvers that its configuration names. Absent: none. */
  readonly dns?: readonly string[];
  readonly addresses: readonly InventoryClientAddress[];
}

export interface InventoryClientAddress {
  /** e.g. "10.66.224.2". */
  readonly address: string;
  /** Null: no policy selects it, so it must reach no exit. */
  readonly promise: InventoryPromise | null;
}

export interface InventoryPromise {
  readonly exitNode: string;
  /** Nodes that it leaves at instead while that is dead, in order. Absent: none. */
  readonly otherExits?: readonly string[];
  /** WireGuard addresses a traceroute shows before the target, in order, e.g. ["10.66.224.1", "10.66.220.200", "10.66.6.6"]. */
  readonly hops: readonly string[];
  /** The address the internet sees: a literal, or the Terraform address of what only apply knows ("google_compute_address.x.address"). */
  readonly exitAddress: { readonly literal: string } | { readonly deferred: string };
  /** Least MTU of the tunnels of the chain, bytes. */
  readonly mtuBytes: number;
}
