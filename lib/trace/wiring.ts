/**
 * The little that no host's files say: where the cables go, who holds which client key, and what was declared. Written beside the host trees as
 * `network.json` (nothing secret in it), so that two synthesized outputs can be compared without running an app.
 */
export interface Wiring {
  readonly version: 1;
  readonly nodes: readonly WiredNode[];
  readonly clients: readonly WiredClient[];
  readonly declared: readonly Declared[];
  /** What hosts themselves reach by a tunnel. Absent: nothing. */
  readonly ownRoutes?: readonly OwnRoute[];
  /** Whom clients ask for names. Absent: whom they like. */
  readonly resolvers?: readonly WiredResolvers[];
}

export interface WiredResolvers {
  readonly node: string;
  readonly interface: string;
  readonly servers: readonly string[];
  /** Whether the first of them answers in the place of all others. */
  readonly enforce: boolean;
}

export interface OwnRoute {
  readonly node: string;
  readonly interface: string;
  /** The tunnel's address that it is sent from. */
  readonly source: string;
  /** e.g. "1.1.1.1/32". */
  readonly destination: string;
  /** Name of the node where it leaves. */
  readonly exit: string;
}

export interface WiredNode {
  readonly name: string;
  /** As it stands in the files: a literal, or `@{NAME}` where only apply knows. */
  readonly address: string;
  /** Where Terraform's state has it, e.g. "google_compute_address.x.address"; absent for a literal. */
  readonly deferred?: string;
  readonly uplinkMtuBytes: number;
  /** e.g. "172.16.0.1/30"; nodes with the same network share the link. */
  readonly privateLink?: { readonly address: string; readonly mtuBytes: number };
  readonly exit: boolean;
  readonly kind: "ssh" | "gce" | "unmanaged";
  /** Private networks that it is the gateway of. Absent: none. */
  readonly lans?: readonly WiredLan[];
  /** Absent: none. */
  readonly forwards?: readonly WiredForward[];
}

export interface WiredLan {
  readonly name: string;
  /** The node's own, e.g. "192.168.1.1/24". */
  readonly address: string;
  /** What its machines leave as; absent: the node's address. */
  readonly snat?: string;
}

/** Ports that are another host's. */
export interface WiredForward {
  readonly name: string;
  readonly protocols: readonly ("tcp" | "udp")[];
  readonly firstPort: number;
  readonly lastPort: number;
  /** The node's only address that counts; absent: any. */
  readonly address?: string;
  readonly to: string;
  readonly toPort: number;
  /** "gateway", "keep", or an address. */
  readonly source: string;
  /** Prefixes. */
  readonly from: readonly string[];
}

export interface WiredClient {
  readonly name: string;
  readonly node: string;
  readonly interface: string;
  readonly publicKey: string;
  readonly mtuBytes: number;
  readonly addresses: readonly string[];
}

/** What was written: this source, coming in by this interface, leaves at this exit. What is not declared leaves nowhere. */
export interface Declared {
  readonly node: string;
  readonly interface: string;
  /** e.g. "10.66.224.2/32". */
  readonly source: string;
  /** Name of the node where it leaves. */
  readonly exit: string;
  /** Where else it may leave while that is dead. Absent: nowhere. */
  readonly others?: readonly string[];
}
