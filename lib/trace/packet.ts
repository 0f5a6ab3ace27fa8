import type { Ip } from "./ip";

/** A packet on its way; a walk changes a copy of its own. */
export interface Packet {
  source: Ip;
  destination: Ip;
  protocol: "icmp" | "udp" | "tcp";
  /** Whole, with its IP header. */
  sizeBytes: number;
  ttl: number;
  dontFragment: boolean;
  mark: number;
  /** Of TCP and UDP; undefined: one that nothing asks for. */
  sourcePort?: number;
  destinationPort?: number;
  /** MSS that a SYN ends up with, once a clamp has set it. */
  mssBytes?: number;
}

/** What a host remembers of a flow: as it came, and as it went on. */
export interface Flow {
  readonly host: string;
  readonly source: Ip;
  readonly destination: Ip;
  readonly destinationPort?: number;
  sourceAfter: Ip;
  destinationAfter: Ip;
  destinationPortAfter?: number;
  mark: number;
}
