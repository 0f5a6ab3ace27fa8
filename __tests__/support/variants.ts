import { added, field, instead, mtu, peer, without, withoutChain, type Variant } from "./broken";

/** The reference network as defects of the renderer would make it. */

export const pitfalls: readonly Variant[] = [
  [
    "the second route is missing: clients of SZ",
    "table 7700 of sz has no direct route `10.66.224.0/19 dev wgs`",
    without("sz routes", /^10.66.224.0\/19 dev wgs table 7700/),
  ],
  [
    "the second route is missing in an exit's table, so that clients' traffic among themselves is dragged to HK",
    "of sz has no direct route `10.66.224.0/19 dev wgs`: what is for it goes by wgp (sz:/etc/wgchain/routes:…default dev wgp",
    without("sz routes", /^10.66.224.0\/19 dev wgs table (?!7700)/),
  ],
  [
    "the second route is missing at HK: labels of SZ",
    "of hk has no direct route `10.66.220.0/24 dev wgp`: what is for it goes by wg6",
    without("hk routes", /^10.66.220.0\/24 dev wgp table (?!7700)/),
  ],
  [
    "MASQUERADE in place of SNAT at the entry",
    "10.66.225.2 (client) for hkt leaves sz by wgp as 10.66.220.224, as does 10.66.224.2 (client) for gcp: the next host cannot tell them apart; …masquerade",
    instead("sz nft", 'oifname "wgp" snat to ip saddr map @label_on_wgp\n', 'oifname "wgp" masquerade\n'),
  ],
  [
    "AllowedIPs of SZ at HK not widened to all labels",
    "10.66.220.225 is not in the AllowedIPs of peer sz on wgp; hk:/etc/wgchain/peers",
    ...peer("hk/wgp", "10.66.220.0/24", "10.66.220.224/32"),
  ],
  [
    "AllowedIPs of HK at SZ are the tunnel's network only",
    "no peer of wgp has 1.1.1.1 in its AllowedIPs (required key not available)",
    ...peer("sz/wgp", "0.0.0.0/0", "10.66.220.0/24"),
  ],
  [
    "AllowedIPs of a client at SZ without its second address",
    "10.66.225.2 is not in the AllowedIPs of peer client on wgs; sz:/etc/wgchain/peers",
    instead("sz peers", ",10.66.225.2/32", ""),
    instead("sz wgs.conf", ", 10.66.225.2/32", ""),
  ],
  [
    "SZ's wgp does not listen on the second label",
    "10.66.225.2 (client) leaves sz by wgp as 10.66.220.225, which is no address of that interface",
    without("sz addresses", /10.66.220.225/),
    without("sz wgp.conf", /10.66.220.225/),
  ],
  ["MTU wrong on one end", "tunnel hk/wg6: MTU 1400 at hk and 1420 at gcp", ...mtu("gcp/wg6", 1400, 1420)],
  [
    "MTU alike on both ends, and too large for Google's link",
    "wg6 of hk has MTU 1420, but its link carries 1400 bytes of it whole",
    ...mtu("gcp/wg6", 1400, 1420),
    ...mtu("hk/wg6", 1400, 1420),
  ],
  [
    "rp_filter strict on all",
    "reverse-path filter on wgp of sz should be 0, but is 1 (strict)",
    instead("sz sysctl", "all.rp_filter = 0", "all.rp_filter = 1"),
  ],
  [
    "rp_filter loose on all",
    "reverse-path filter on wg6 of gcp should be 0, but is 2 (loose)",
    instead("gcp sysctl", "all.rp_filter = 0", "all.rp_filter = 2"),
  ],
  [
    "rp_filter not set on a tunnel's interface, so Debian's 2",
    "reverse-path filter on wg7 of hk should be 0, but is 2 (loose)",
    without("hk sysctl", /wg7.rp_filter/),
  ],
  [
    "Table = off is missing: wg-quick would take the host's default route",
    "hk:/etc/wireguard/wg6.conf…lacks 'Table = off'",
    without("hk wg6.conf", /^Table = off/),
  ],
  [
    "policy tables do not end: the tunnel goes down and clients leave by SZ's uplink",
    "of sz has no `unreachable default`: with its tunnel down a packet would fall through",
    without("sz routes", /^unreachable default table (?!7700)/),
  ],
  [
    "no fail-closed layer at all",
    "with tunnel sz/wgp down 10.66.224.2 (client) should reach nothing, but leaves at sz",
    without("sz routes", /^unreachable/),
    without("sz rules", /^pref 1(9000|0000|0100) /),
    withoutChain("sz", "last_line"),
  ],
  ["the host does not forward", "the host does not forward (net.ipv4.ip_forward)", without("hk sysctl", /ip_forward/)],
];

export const routing: readonly Variant[] = [
  [
    "the rule that closes the clients' interface is missing",
    "sz has no fail-closed rule `iif wgs` for a table without a way out",
    without("sz rules", /^pref 19000 iif wgs/),
  ],
  [
    "the rule that closes a tunnel's way back is missing",
    "hk has no fail-closed rule `iif wg6` for a table without a way out",
    without("hk rules", /^pref 19000 iif wg6/),
  ],
  ["table 7700 has no end", "table 7700 of gcp has no `unreachable default`", without("gcp routes", /^unreachable/)],
  [
    "the rule for what the kernel itself answers from a label is missing",
    "sz has no rule `from 10.66.220.0/24 iif lo` for a table without a way out: what its kernel answers from a label",
    without("sz rules", /^pref 10100 from 10.66.220.0\/24/),
  ],
  [
    "the rule to a host's own networks is missing",
    "sz has no rule `to 10.66.224.0/19` for a table of direct routes: with wgs down it would send what is for it by its uplink",
    without("sz rules", /^pref 10000 to 10.66.224.0\/19/),
  ],
  [
    "an exit is not selected: no rule for its mark",
    "10.66.224.2 (client) should leave at gcp, but leaves nowhere; …unreachable at sz, an unreachable route of table 7700, asked for mark 0x68c9e by 'pref 19000 iif wgs",
    without("sz rules", new RegExp(`lookup ${"\\d{6}"} protocol 119$`)),
  ],
  [
    "an exit's table has no way",
    "10.66.224.2 (client) should leave at gcp, but leaves nowhere; …unreachable at hk…unreachable default table",
    without("hk routes", /^default dev wg6/),
  ],
  [
    "the fail-closed rule comes before the selection",
    "10.66.224.2 (client) should leave at gcp, but leaves nowhere; …unreachable route of table 7700, asked for mark 0x68c9e by 'pref 10500 iif wgs lookup 7700",
    instead("sz rules", "pref 19000 iif wgs", "pref 10500 iif wgs"),
  ],
  [
    "an exit's table leads into the tunnel of another exit",
    "10.66.224.2 (client) should leave at gcp, but leaves nowhere; …its way there: …hk:/etc/wgchain/routes:…default dev wg7 table 239452",
    instead("hk routes", "default dev wg6", "default dev wg7"),
  ],
  [
    "an exit's table leads back to the clients",
    "of sz leads by wgs, which is no tunnel towards an exit",
    instead("sz routes", "default dev wgp", "default dev wgs"),
  ],
  [
    "a foreign default in an exit's table",
    "the trace cannot read sz:/etc/wgchain/routes:…default dev eth0…eth0 is no interface of ours",
    instead("sz routes", "default dev wgp", "default dev eth0"),
  ],
  [
    "a route of a client's own address into a tunnel",
    "table 7700 of sz tells destinations apart: sz:/etc/wgchain/routes:…10.66.224.2/32 dev wgp table 7700",
    added("sz routes", () => "10.66.224.2/32 dev wgp table 7700 protocol 119"),
  ],
  [
    "the mark does not count in the reverse-path check at an exit",
    "should leave at hkt, but leaves at hkt as 198.51.100.30 and gets no answer; answer: …reverse-path filter 2 on (uplink), asked for no mark, its mark 0x997bc does not count without src_valid_mark",
    without("hkt sysctl", /src_valid_mark/),
  ],
  [
    "an exit lets out whatever comes by its tunnel, marked or not",
    "gcp has no fail-closed rule `iif wg6` for a table without a way out…pref 11000 iif wg6 lookup main",
    instead("gcp rules", / fwmark 0x\w+ lookup main/, " lookup main"),
  ],
  [
    "a route of some destination by another exit",
    "of hk tells destinations apart: hk:/etc/wgchain/routes:…9.9.9.0/24 dev wg7 table",
    added("hk routes", (text) => `9.9.9.0/24 dev wg7 table ${field(text, /^default dev wg6 table (\d+)/m)} protocol 119`),
  ],
  [
    "a rule that lets some destination out past the exits",
    "a rule of sz tells destinations apart that are none of its own networks: sz:/etc/wgchain/rules:…to 9.9.9.0/24",
    added("sz rules", () => "pref 10900 to 9.9.9.0/24 lookup main protocol 119"),
  ],
  [
    "the rule that closes the clients' interface leads to the uplink: a leak once nftables is flushed",
    "with the nftables table of sz flushed 10.66.224.2 (client) should leave at gcp with that exit's address, or nowhere; …left at sz as 10.66.224.2",
    instead("sz rules", "iif wgs lookup 7700", "iif wgs lookup main"),
  ],
  [
    "a rule takes the host's own traffic away from its uplink",
    "the own traffic of sz should leave by its uplink and be answered; …asked for no mark by 'pref 9000 iif lo lookup 7700 protocol 119'",
    added("sz rules", () => "pref 9000 iif lo lookup 7700 protocol 119"),
  ],
  [
    "a rule that nobody knows",
    "the trace cannot read hk:/etc/wgchain/rules:1: …'tos'",
    instead("hk rules", "pref 10000 ", "pref 10000 tos 4 "),
  ],
];
