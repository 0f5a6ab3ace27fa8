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

export interface TracedHost {
  readonly name: string;
  readonly kind: "ssh" | "gce";
  /** Public address; a Terraform address ("google_compute_address.x.address") where only apply knows it. */
  readonly address: string;
  readonly exit: boolean;
  readonly uplinkMtuBytes: number;
  readonly privateAddress?: string;
  /** Its addresses in private networks that it is the gateway of. Absent: none. */
  readonly lans?: readonly string[];
  /** e.g. "https: tcp any:443 to 1.1.1.1:443". Absent: none. */
  readonly forwards?: readonly string[];
  /** Interfaces that clients connect to. */
  readonly clientInterfaces: readonly {
    readonly name: string;
    readonly address: string;
    readonly mtuBytes: number;
    readonly listenPort: number;
    readonly clients: number;
  }[];
}

/** Two interfaces that are each other's peers. Traffic goes from the client end to the server end, replies back. */
export interface TracedTunnel {
  /** Interface name at the client end, with its node: "sz/wgp". Unique. */
  readonly id: string;
  readonly client: TracedEnd;
  readonly server: TracedEnd;
  /** e.g. "10.66.220.0/24". */
  readonly network: string;
  /** Least of both ends. */
  readonly mtuBytes: number;
  readonly over: "public" | "private";
}

export interface TracedEnd {
  readonly node: string;
  readonly interface: string;
  /** Without prefix lengths; a client end has its own and one a label. */
  readonly addresses: readonly string[];
  readonly mtuBytes: number;
  readonly listenPort: number;
}

export interface TracedWay {
  /** Null: a declared prefix, of which no client is known. */
  readonly client: string | null;
  /** "10.66.224.2", or a prefix. */
  readonly address: string;
  readonly node: string;
  readonly interface: string;
  /** Null: it leaves nowhere. */
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
  readonly down: readonly { readonly tunnel: string; readonly exit: string | null }[];
  /** Why it leaves nowhere, in words; absent where it does. */
  readonly why?: string;
}

export interface TracedExit {
  readonly node: string;
  /** What the world sees: a literal, or a Terraform address where only apply knows it. */
  readonly address: string;
  readonly deferred: boolean;
}
