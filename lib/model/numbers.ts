/** Every number of ours, in one place. */

/** Rules and routes carry this protocol number; nothing without it is ever touched on a host. */
export const routeProtocol = 119;

/** Routing table of the host's own WireGuard networks, ending in `unreachable`. */
export const directTable = 7700;

/** Routing table of what a host itself sends through its tunnels (`ownRoutes`), ending in `unreachable`. */
export const ownRouteTable = 7710;

/** First and count of tables allocated to exits; the number is the exit's fwmark, too. */
export const exitTables = { first: 100_000, slots: 900_000 } as const;

/** Priorities of `ip rule`, in the order in which they are asked. Tailscale has 5210 to 5270, wg-quick counts down from 32765. */
export const priorities = {
  /** To one of the host's own WireGuard networks: direct or nowhere. */
  toOwn: 10_000,
  /**
   * The reverse-path check of a reply at an exit's uplink: it looks up from the tunnel's address, as if the host itself sent (`iif lo`), and with the
   * reply's mark. Without this the next rule would answer "unreachable", and the uplink's rp_filter (2 on Debian and Ubuntu) drop the reply.
   */
  replyAtExit: 10_050,
  /** What the host itself sends to one of its own routes: by its tunnel or nowhere. Before the next, since it is sent from the tunnel's address. */
  ownRoute: 10_080,
  /** What measures an exit: it carries the mark of the table of that exit's tunnel. Before the next, since it is sent from a label. */
  probe: 10_090,
  /** From one of the host's own WireGuard addresses, made by the host itself (TCP RST, ICMP): direct or nowhere. */
  fromOwn: 10_100,
  /** At a node with forwards: their answers go back by where they came in, whatever the target's own way is. */
  forwardReply: 10_950,
  /** Selecting rules, one an exit. Their selectors are disjoint, so they may share a priority. */
  select: 11_000,
  selectLast: 18_999,
  /** What came in by a WireGuard interface and was not selected: direct or nowhere. */
  failClosed: 19_000,
} as const;

/**
 * Marks of connections that a forward has made; the second, of those that keep the client's source. One that is given an address has that address for its
 * mark, which no allocated table has (they end below 0.16.0.0).
 */
export const forwardMarks = { gateway: 7_701, keep: 7_702 } as const;

/** Tables with a meaning of their own in Linux (unspec, default, main, local), and numbers of ours. */
export const reservedTables: ReadonlySet<number> = new Set([
  0,
  253,
  254,
  255,
  directTable,
  ownRouteTable,
  ...Object.values(forwardMarks),
]);

export const mainTable = "main";

/** Metric of the `unreachable` routes, below every other (wg-quick and NetworkManager use the same idea). */
export const unreachableMetric = 4_278_198_272;

export const listenPorts = { first: 51_820, slots: 2_000 } as const;

/** Outer IPv4 20 + UDP 8 + WireGuard 32 bytes. */
export const wireguardOverheadIpv4Bytes = 60;

export const linkMtuBytes = { least: 576, most: 9_216, ethernet: 1_500 } as const;

/** Google's limits of a VPC network's MTU. */
export const gceMtuBytes = { least: 1_300, most: 8_896, normal: 1_460 } as const;

/** Least MTU that an IPv4 tunnel may have here: 576 is what every IPv4 host must take (RFC 791). */
export const tunnelMtuLeastBytes = 576;

/** IPv4 20 + TCP 20 bytes. */
export const tcpOverheadIpv4Bytes = 40;

/** What may be set of the measuring of exits, and how it is unless set. A prefix of the documentation's may be a target: labs are built of them. */
export const probing = {
  targets: ["1.1.1.1", "8.8.8.8"],
  targetsMost: 4,
  intervalSeconds: { least: 1, most: 60, normal: 1 },
  failures: { least: 1, most: 60, normal: 3 },
  successes: { least: 1, most: 60, normal: 5 },
  holdSeconds: { least: 0, most: 86_400, normal: 60 },
} as const;

/** How often a host may repair itself: a run takes seconds, and what is broken for a week has been seen. */
export const repairSeconds = { least: 60, most: 604_800 } as const;

/** Boot disk of a VM: Ubuntu's images need 10 GB, Google's disks end at 64 TB. */
export const gceDiskGb = { least: 10, most: 65_536, normal: 10 } as const;

/** How long a deploy may go without a sign of life before a host takes it back; 0 instead: never. */
export const revertSeconds = { least: 10, most: 3_600, normal: 60 } as const;

/** Where sshd listens unless a host says otherwise. */
export const sshPort = 22;

/** A port of a forward is an element of the host's maps: so many take a second to load, and more are a mistake. */
export const forwardPortsMost = 16_384;
