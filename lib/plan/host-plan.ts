import type { HostAddress, InterfaceAddress, Ipv4Address, Ipv4Prefix } from "../address";
import type { Probing } from "../model/model";

/** All that one host gets, as data: what `render` turns into files and nothing else knows. */
export interface HostPlan {
  readonly node: string;
  /** Somebody else's host: nothing of this is delivered. */
  readonly unmanaged?: true;
  readonly interfaces: readonly InterfacePlan[];
  readonly rules: readonly RulePlan[];
  readonly routes: readonly RoutePlan[];
  readonly sources: readonly SourcePlan[];
  readonly exits: readonly ExitPlan[];
  /** Absent: none. */
  readonly failovers?: readonly FailoverPlan[];
  /** Every network of the whole chain, for the last line of defence at the uplink. */
  readonly networks: readonly Ipv4Prefix[];
  /** Private networks behind the host, and forwards of its ports. Absent: it has neither. */
  readonly gateway?: GatewayPlan;
  /** How often the host repairs itself: a time span of systemd's, e.g. "5min". Absent: never. */
  readonly repairEvery?: string;
}

export interface InterfacePlan {
  readonly name: string;
  readonly role: "clients" | "tunnel-server" | "tunnel-client";
  readonly addresses: readonly InterfaceAddress[];
  readonly network: Ipv4Prefix;
  readonly listenPort: number;
  readonly mtuBytes: number;
  readonly publicKey: string;
  readonly peers: readonly PeerPlan[];
  /** Who answers whatever comes in for port 53, the first in the place of all others. Absent: whom it is for. */
  readonly resolvers?: readonly Ipv4Address[];
}

export interface PeerPlan {
  readonly name: string;
  readonly publicKey: string;
  readonly allowedIps: readonly Ipv4Prefix[];
  readonly endpoint?: { readonly address: HostAddress; readonly port: number };
  /** 0: none. */
  readonly keepaliveSeconds: number;
  /** sha256, in hex, of the pre-shared key. Absent: none is used. */
  readonly pskDigest?: string;
  /** An address of the peer's own in the tunnel, which answers a ping. Absent for clients, for an end without any, and for somebody else's host, which may not be up. */
  readonly innerAddress?: Ipv4Address;
}

export interface RulePlan {
  readonly priority: number;
  readonly from?: Ipv4Prefix;
  readonly to?: Ipv4Prefix;
  readonly iif?: string;
  readonly fwmark?: number;
  readonly table: number | "main";
}

export interface RoutePlan {
  readonly table: number;
  /** Undefined: default. */
  readonly to?: Ipv4Prefix;
  /** Undefined: unreachable. */
  readonly dev?: string;
  /** What the host itself sends by it has this address. Undefined: the kernel's choice, the device's oldest. */
  readonly src?: Ipv4Address;
}

/** One way out of a host: by a tunnel towards an exit, or by its own uplink. */
export interface ExitPlan {
  /** e.g. "gcp"; the node where it ends. */
  readonly exit: string;
  /** Tunnel interface, or the uplink. */
  readonly via: { readonly interface: string } | "uplink";
  /** Routing table, and the mark that its sources get. */
  readonly table: number;
}

/** One source of one exit: an element of the maps. */
export interface SourcePlan {
  readonly iif: string;
  readonly prefix: Ipv4Prefix;
  readonly exit: ExitPlan;
  /** SNAT address; absent at the uplink, which masquerades. */
  readonly snat?: Ipv4Address;
  /** By the further choices of its failover, in their order. */
  readonly others?: readonly { readonly exit: string; readonly interface: string; readonly snat: Ipv4Address }[];
}

/** A routing table whose default route leads by the first of its choices that is alive. */
export interface FailoverPlan {
  /** e.g. "gcp:wg6,hkt:wg7"; what a host remembers of it has this name. */
  readonly name: string;
  readonly table: number;
  readonly probing: Probing;
  readonly choices: readonly ChoicePlan[];
}

export interface ChoicePlan {
  readonly exit: string;
  readonly interface: string;
  /** Table and mark of what measures it. */
  readonly table: number;
  /** The label that it is sent from. */
  readonly source: Ipv4Address;
}

export interface GatewayPlan {
  readonly lans: readonly LanPlan[];
  readonly forwards: readonly ForwardPlan[];
}

export interface LanPlan {
  readonly name: string;
  readonly inside: InterfaceAddress;
  readonly snat?: Ipv4Address;
}

export interface ForwardPlan {
  readonly name: string;
  readonly protocols: readonly ("tcp" | "udp")[];
  readonly ports: { readonly first: number; readonly last: number };
  readonly address?: Ipv4Address;
  readonly to: Ipv4Address;
  readonly toPort: number;
  readonly source: "gateway" | "keep" | Ipv4Address;
  /** Empty: everybody. */
  readonly from: readonly Ipv4Prefix[];
}
