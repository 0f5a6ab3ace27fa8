import type { DeferredAddress } from "./address";

/**
 * What was written, as it was written: plain data with unparsed text, each thing with its construct's path. Partners are named by `path`.
 * `lib/model` parses it; nothing else reads it.
 */
export interface NetworkIntent {
  readonly nodes: readonly NodeIntent[];
  readonly clientInterfaces: readonly ClientInterfaceIntent[];
  readonly clients: readonly ClientIntent[];
  readonly tunnels: readonly TunnelIntent[];
  readonly labels: readonly LabelIntent[];
  readonly policies: readonly PolicyIntent[];
  /** Absent: none. */
  readonly gateways?: readonly GatewayIntent[];
  /** Absent: none. */
  readonly forwards?: readonly ForwardIntent[];
  /** Nodes that have left, whose hosts live on. */
  readonly removed: readonly RemovedIntent[];
  /** From `allocations.json`: kind ("table", "port") to name to value. */
  readonly recorded: RecordedAllocations;
}

export type RecordedAllocations = Readonly<Record<string, Readonly<Record<string, string | number>>>>;

export interface NodeIntent {
  readonly path: string;
  readonly name: string;
  /** Public IPv4 literal, or what only apply knows. */
  readonly address: string | DeferredAddress;
  readonly host: SshIntent | GceIntent | UnmanagedIntent;
  readonly uplinkMtuBytes: number;
  readonly privateAddress?: string;
  readonly privateMtuBytes: number;
  readonly exit: boolean;
  /** A time span of systemd's, e.g. "5min". */
  readonly repairEvery?: string;
}

export interface RemovedIntent {
  readonly path: string;
  readonly name: string;
  readonly address: string;
  readonly host: SshIntent;
  readonly privateAddress?: string;
}

export interface SshIntent {
  readonly kind: "ssh";
  readonly destination: string;
  readonly user?: string;
  readonly port?: number;
  readonly jump?: string;
}

/** Somebody else's host: part of the network, but nothing is delivered to it. */
export interface UnmanagedIntent {
  readonly kind: "unmanaged";
}

export interface GceIntent {
  readonly kind: "gce";
  readonly zone: string;
  readonly machineType: string;
  readonly diskSizeGb: number;
  readonly user: string;
  readonly sshFrom: readonly string[];
  readonly subnetwork: string;
  readonly image: string;
  readonly authorizedKeys: readonly string[];
  readonly imageHasCloudInit: boolean;
  /** Terraform address of the VM. */
  readonly instance: string;
}

/** A public key, or a pre-shared key's digest, as found: the text, or where it was looked for. */
export interface KeyIntent {
  readonly text?: string;
  /** For messages, e.g. "wgchain/keys/sz.wgs.pub". */
  readonly source: string;
}

export interface ClientInterfaceIntent {
  readonly path: string;
  readonly node: string;
  readonly name: string;
  readonly address: string;
  readonly listenPort?: number;
  readonly mtuBytes?: number;
  readonly key: KeyIntent;
  /** Absent: its clients' configurations name no resolver. */
  readonly dns?: ResolversIntent;
}

export interface ResolversIntent {
  readonly servers: readonly string[];
  readonly enforce: boolean;
}

export interface ClientIntent {
  readonly path: string;
  readonly name: string;
  readonly interface: string;
  readonly addresses: readonly string[];
  readonly key: KeyIntent;
}

export interface TunnelEndIntent {
  readonly node: string;
  readonly interfaceName: string;
  readonly listenPort?: number;
  readonly mtuBytes?: number;
  readonly key: KeyIntent;
}

export interface TunnelIntent {
  readonly path: string;
  readonly name: string;
  readonly server: TunnelEndIntent;
  readonly client: TunnelEndIntent;
  readonly over: "public" | "private";
  readonly network: string;
  readonly serverAddress: string;
  readonly clientAddress?: string;
  /** Destinations that the client end's own traffic reaches by it; absent: none. */
  readonly ownRoutes?: readonly string[];
  /** The client end's AllowedIPs; absent: everything. */
  readonly allowedIps?: readonly string[];
  readonly keepaliveSeconds: number;
  /** Digest of the pre-shared key; absent when the tunnel has none. */
  readonly preshared?: KeyIntent;
}

export interface LabelIntent {
  readonly path: string;
  readonly name: string;
  readonly tunnel: string;
  readonly address: string;
}

export type SourceIntent = { readonly prefix: string } | { readonly label: string } | { readonly tunnel: string };

export interface PolicyIntent {
  readonly path: string;
  readonly name: string;
  readonly node: string;
  readonly from: readonly SourceIntent[];
  /** Path of a tunnel, or the node's own way out. */
  readonly via: { readonly tunnel: string } | "uplink";
  readonly label?: string;
  /** Further choices, in order, for when `via` is dead. Absent: none. */
  readonly failover?: FailoverIntent;
  readonly routeTable?: number;
  readonly priority?: number;
}

export interface FailoverIntent {
  readonly others: readonly { readonly tunnel: string; readonly label?: string }[];
  readonly targets: readonly string[];
  readonly intervalSeconds: number;
  readonly failures: number;
  readonly successes: number;
  readonly holdSeconds: number;
}

/** A node that stands between a private network and its uplink. */
export interface GatewayIntent {
  readonly path: string;
  readonly name: string;
  readonly node: string;
  /** The node's own address there with the network, e.g. "192.168.1.1/24". */
  readonly inside: string;
  readonly snat?: string;
}

export interface ForwardIntent {
  readonly path: string;
  readonly name: string;
  readonly node: string;
  /** "tcp", "udp" or "both". */
  readonly protocol: string;
  /** A port, or "FIRST-LAST". */
  readonly port: number | string;
  readonly address?: string;
  readonly to: string;
  readonly toPort?: number;
  /** "gateway", "keep", or an address. */
  readonly source: string;
  readonly from: readonly string[];
}
