import type { SynthesizedStack, TracedExit, TracedNetwork } from "../trace";

/** One of two networks that are compared: what a synthesis wrote, and what its packets do. */
export interface Side {
  readonly stack: SynthesizedStack;
  readonly network: TracedNetwork;
}

/**
 * What becomes of a network, as data. All keys are there always, lists are sorted, and swapping the two sides swaps `before` with `after` and `added`
 * with `gone`; only `interrupts` speaks of one direction.
 */
export interface NetworkDiff {
  readonly version: 1;
  readonly stack: { readonly before: string; readonly after: string };
  /** `ways`: somebody leaves elsewhere, or by another way. `files`: only what hosts hold. */
  readonly verdict: "ways" | "files" | "nothing";
  /** Who leaves at another exit, or with another address. */
  readonly moved: readonly Moved[];
  /** Addresses of clients, and declared sources, that the other side does not have. */
  readonly clients: Lists<Placed>;
  /** `now` leaves nowhere and did leave; `formerly` the other way round. */
  readonly nowhere: { readonly now: readonly Nowhere[]; readonly formerly: readonly Nowhere[] };
  readonly exits: Lists<{ readonly node: string; readonly address: string }>;
  readonly hosts: Objects;
  /** Interfaces that clients connect to, "sz/wgs". */
  readonly interfaces: Objects;
  readonly tunnels: Objects;
  /** The largest packet that a client may send whole. */
  readonly mtu: readonly (Source & Change<number>)[];
  /** The exit is the same, the way there is not. */
  readonly hops: readonly (Source & Change<Way>)[];
  /** Exit with that tunnel down. */
  readonly failover: readonly (Source & Change<string | null> & { readonly tunnel: string })[];
  /** Exits in order that it fails over to. */
  readonly instead: readonly (Source & Change<readonly string[]>)[];
  /** Source address on a tunnel, of those whose exit is the same. */
  readonly labels: readonly (Source & Change<string> & { readonly tunnel: string })[];
  readonly keys: readonly ChangedKey[];
  /** Who loses packets or connections at the deploy. Empty: nobody. */
  readonly interrupts: readonly Interrupt[];
  readonly files: readonly FileChange[];
}

export interface Change<T> {
  readonly before: T;
  readonly after: T;
}

export interface Lists<T> {
  readonly added: readonly T[];
  readonly gone: readonly T[];
}

/** One address of a client. */
export interface Source {
  /** Null: declared, and no client is known. */
  readonly client: string | null;
  readonly address: string;
  /** Where it comes in, "sz/wgs"; of the head where both sides have it. */
  readonly entry: string;
}

export interface Moved extends Source, Change<TracedExit> {}

export interface Placed extends Source {
  readonly exit: TracedExit | null;
  /** The client itself is on both sides, with other addresses. */
  readonly known: boolean;
  /** Why it leaves nowhere. */
  readonly why?: string;
}

export interface Nowhere extends Source {
  /** Where it left, or leaves now. */
  readonly exit: TracedExit;
  readonly why: string;
}

export interface Way {
  readonly entry: string;
  readonly tunnels: readonly string[];
  readonly hops: readonly string[];
}

export type Fact = string | number | boolean | null | readonly string[];

export interface Thing {
  readonly name: string;
  readonly facts: Readonly<Record<string, Fact>>;
}

export interface Objects extends Lists<Thing> {
  readonly changed: readonly { readonly name: string; readonly changes: readonly (Change<Fact> & { readonly fact: string })[] }[];
}

export interface ChangedKey {
  /** `interface`: NODE/IFACE's pair; `preshared`: of the tunnel with that client end; `client`: a client's own. */
  readonly kind: "interface" | "preshared" | "client";
  readonly of: string;
  readonly change: "changed" | "added" | "gone";
}

export interface Interrupt {
  /** Stable name, e.g. "tunnel-key". */
  readonly code: string;
  /** Where it happens: a node, or NODE/IFACE. */
  readonly at: string;
  readonly what: string;
  readonly howLong: string;
  readonly clients: readonly Source[];
}

export interface FileChange {
  readonly node: string;
  /** Below the host's `/`. */
  readonly path: string;
  readonly change: "added" | "gone" | "changed";
  /** Lines. */
  readonly added: number;
  readonly removed: number;
}
