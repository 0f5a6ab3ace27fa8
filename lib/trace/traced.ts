/**
 * A network as its packets see it: every way was walked through the files that the hosts get. What `prove`, `diff` and `diagram` show is this and nothing
 * else, so none of them can disagree with the trace. Plain data, JSON as it stands.
 */
export interface TracedNetwork {
  readonly version: 1;
  readonly stack: string;
  readonly hosts: readonly TracedHost[];
  readonly tunnels: readonly TracedTunnel[];
  /** One a client address, in the order of clients and their addresses; then declared prefixes (`client` is null). */
  readonly ways: readonly TracedWay[];
}

/** A host. */
export interface TracedHost {
  /** The node's name. */
  readonly name: string;
  /** An existing host, or a VM of Google's. */
  readonly kind: "ssh" | "gce" | "unmanaged";
  /** Public address; a Terraform address ("google_compute_address.x.address") where only apply knows it. */
  readonly address: string;
  /** Whether traffic may leave here to the internet. */
  readonly exit: boolean;
  /** MTU of the link to the internet, bytes. */
  readonly uplinkMtuBytes: number;
  /** Address on the private line with its prefix length; absent: it has none. */
  readonly privateAddress?: string;
  /** Its addresses in private networks that it is the gateway of. Absent: none. */
  readonly lans?: readonly string[];
  /** e.g. "https: tcp any:443 to 1.1.1.1:443". Absent: none. */
  readonly forwards?: readonly string[];
  /** Interfaces that clients connect to. */
  readonly clientInterfaces: readonly {
    /** The interface's name. */
    readonly name: string;
    /** Its own address with the clients' network. */
    readonly address: string;
    /** MTU of the interface, bytes. */
    readonly mtuBytes: number;
    /** UDP port. */
    readonly listenPort: number;
    /** How many clients it has. */
    readonly clients: number;
    /** Resolvers that its clients' configurations name. Absent: none. */
    readonly resolvers?: readonly string[];
    /** Who answers what clients ask at other addresses' port 53. Absent: whom they ask. */
    readonly answersForOthers?: string;
  }[];
}

/** Two interfaces that are each other's peers. Traffic goes from the client end to the server end, replies back. */
export interface TracedTunnel {
  /** Interface name at the client end, with its node: "sz/wgp". Unique. */
  readonly id: string;
  /** The end that opens it. */
  readonly client: TracedEnd;
  /** The end that listens. */
  readonly server: TracedEnd;
  /** Network of the tunnel, e.g. "10.66.220.0/24". */
  readonly network: string;
  /** MTU of the tunnel in bytes, the least of both ends. */
  readonly mtuBytes: number;
  /** What it runs over. */
  readonly over: "public" | "private";
}

/** An end of a tunnel. */
export interface TracedEnd {
  /** The node's name. */
  readonly node: string;
  /** The interface's name. */
  readonly interface: string;
  /** Its addresses, without prefix lengths; a client end has its own and one a label. */
  readonly addresses: readonly string[];
  /** MTU of the interface, bytes. */
  readonly mtuBytes: number;
  /** UDP port. */
  readonly listenPort: number;
}

/** Where what comes from one source leaves, and how it gets there. */
export interface TracedWay {
  /** Its name; null: a declared prefix, of which no client is known. */
  readonly client: string | null;
  /** The source, e.g. "10.66.224.2", or a prefix. */
  readonly address: string;
  /** The node that it enters at. */
  readonly node: string;
  /** The interface that it enters by. */
  readonly interface: string;
  /** Where it leaves; null: nowhere. */
  readonly exit: TracedExit | null;
  /** Tunnels' ids it crosses, first to last. */
  readonly tunnels: readonly string[];
  /** Addresses that a traceroute shows before the target. */
  readonly hops: readonly string[];
  /** Source address on each tunnel, in the order of `tunnels`: the labels. */
  readonly labels: readonly string[];
  /** The largest packet that a client may send whole, bytes. */
  readonly mtuBytes: number;
  /** With that tunnel down, where it leaves instead; null: nowhere. */
  readonly down: readonly {
    /** Its id. */
    readonly tunnel: string;
    /** The node that it leaves at. */
    readonly exit: string | null;
  }[];
  /** Where it leaves instead while exits are dead that it would leave at, the choices in order. Absent: nowhere. */
  readonly instead?: readonly TracedInstead[];
  /** Why it leaves nowhere, in words; absent where it does. */
  readonly why?: string;
}

/** Another way of a source, which it takes while exits are dead. */
export interface TracedInstead {
  /** Where it leaves. */
  readonly exit: TracedExit;
  /** Tunnels' ids it crosses, first to last. */
  readonly tunnels: readonly string[];
  /** Source address on each tunnel, in the order of `tunnels`. */
  readonly labels: readonly string[];
  /** The largest packet that goes this way whole, bytes. */
  readonly mtuBytes: number;
}

/** Where something leaves to the internet. */
export interface TracedExit {
  /** The node's name. */
  readonly node: string;
  /** What the world sees: a literal, or a Terraform address where only apply knows it. */
  readonly address: string;
  /** Whether `address` is a Terraform address. */
  readonly deferred: boolean;
}
