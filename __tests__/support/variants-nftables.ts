import { added, field, instead, peer, swapped, without, withoutChain, type Variant } from "./broken";

/** The reference network as defects of the renderer would make it. */

export const nftables: readonly Variant[] = [
  [
    "the last line of defence is missing",
    "the nftables table of sz should drop what would leave by (uplink) from 10.66.224.0/19 (chain last_line)",
    withoutChain("sz", "last_line"),
  ],
  [
    "half of the last line is missing",
    "the nftables table of hk should drop what would leave by (uplink) for 10.66.6.0/24 (chain last_line)",
    without("hk nft", /ip daddr @networks oifname/),
  ],
  [
    "the source checks are missing",
    "the nftables table of sz should drop what comes in by (uplink) from 10.66.220.0/24, which is wgp's (chain spoofed)",
    withoutChain("sz", "spoofed"),
  ],
  [
    "one source check is missing: other interfaces may carry in clients' addresses",
    "the nftables table of sz should drop what comes in by wgp from 10.66.224.0/19, which is wgs's (chain spoofed)",
    without("sz nft", /ip saddr @net_of_wgs iifname/),
  ],
  [
    "one source check is missing: what the uplink carries to inner addresses",
    "the nftables table of hk should drop what comes in by (uplink) for 10.66.220.0/24 (chain spoofed)",
    without("hk nft", /ip daddr @networks iifname/),
  ],
  [
    "a network is missing in the set of inner networks",
    "the nftables table of gcp should drop what would leave by (uplink) from 10.66.224.0/19 (chain last_line)",
    without("gcp elements", /^networks 10.66.224.0\/19/),
  ],
  [
    "an interface is missing in the set of own interfaces",
    "sz:/etc/wgchain/nftables.nft:…ip daddr @networks iifname != @own",
    without("sz elements", /^own "wgs"/),
  ],
  [
    "nothing stops what an uplink carries to inner addresses",
    "10.66.224.1 should not be let in by the uplink of hk; …left at hk",
    without("hk nft", /ip daddr @networks/),
  ],
  [
    "metadata servers are within reach from all along the way",
    "10.66.224.2 (client) should not reach a metadata server (169.254.169.254); …left at gcp",
    ...["sz", "hk", "gcp"].map((node) => without(`${node} nft`, /169.254.0.0/)),
  ],
  [
    "metadata servers are within reach",
    "the nftables table of gcp should drop what comes in by wg6 for a metadata server, 169.254.0.0/16 (chain forward)",
    without("gcp nft", /169.254.0.0/),
  ],
  [
    "invalid packets pass, which NAT leaves alone",
    "the nftables table of hk should drop what comes in by wgp and is invalid: NAT leaves it alone (chain forward)",
    without("hk nft", /ct state invalid iifname @own drop/),
  ],
  [
    "no MSS clamp",
    "the MSS of TCP out by wg6 of hk should be clamped to 1360 at most (MTU 1400 less 40), but is not clamped",
    without("hk nft", /oifname "wg6" tcp flags/),
  ],
  [
    "an MSS clamp of another MTU",
    "the MSS of TCP in by wg6 of gcp should be clamped to 1360 at most (MTU 1400 less 40), but is 1400",
    instead("gcp nft", "size set 1360", "size set 1400"),
  ],
  [
    "a client's mark is missing",
    "10.66.224.3 (client2) should leave at gcp, but leaves nowhere; …unreachable at sz…asked for no mark…its way there: no element of exit_of_wgs has 10.66.224.3 on sz",
    without("sz elements", /^exit_of_wgs 10.66.224.3/),
  ],
  [
    "a client's mark is no exit's",
    "10.66.224.3 (client2) should leave at gcp, but leaves nowhere; …asked for mark 0xdead…sz:/etc/wgchain/elements:2: exit_of_wgs 10.66.224.3 : 0xdead",
    instead("sz elements", "10.66.224.3 : 0x68c9e", "10.66.224.3 : 0xdead"),
  ],
  [
    "a label's mark at HK is the other exit's",
    "10.66.225.2 (client) should leave at hkt, but leaves nowhere; …hk:/etc/wgchain/elements:…exit_of_wgp 10.66.220.225 : 0x3a75c",
    swapped("hk elements", /exit_of_wgp 10.66.220.224 : (\S+)/, /exit_of_wgp 10.66.220.225 : (\S+)/),
  ],
  [
    "a label's mark is missing at HK",
    "label 10.66.220.225/32 that comes in by wgp of hk should leave at hkt, but hk: unreachable at hk, an unreachable route of table 7700, asked for no mark",
    without("hk elements", /^exit_of_wgp 10.66.220.225/),
  ],
  [
    "a client's label is missing",
    "10.66.224.3 (client2) leaves sz by wgp as 10.66.224.3, which is no address of that interface",
    without("sz elements", /^label_on_wgp 10.66.224.3/),
  ],
  [
    "two clients' labels are swapped",
    "10.66.224.2 (client) should leave at gcp, but leaves at hkt…label_on_wgp 10.66.224.2 : 10.66.220.225",
    instead("sz elements", "10.66.224.3 : 10.66.220.224", "10.66.224.3 : 10.66.220.225"),
    swapped("sz elements", /label_on_wgp 10.66.224.2 : (\S+)/, /label_on_wgp 10.66.225.2 : (\S+)/),
  ],
  [
    "labels are given on the wrong interface",
    "10.66.224.2 (client) leaves sz by wgp as 10.66.224.2, which is no address of that interface",
    instead("sz nft", 'oifname "wgp" snat', 'oifname "wgs" snat'),
  ],
  [
    "an exit does not masquerade",
    "10.66.224.2 (client) should leave at gcp, but leaves nowhere; …dropped at gcp…chain last_line",
    without("gcp nft", /masquerade/),
  ],
  [
    "an exit's mark is not known as one",
    "10.66.224.2 (client) should leave at gcp, but leaves nowhere; …dropped at gcp…chain last_line",
    without("gcp elements", /^exits /),
  ],
  [
    "an entry masquerades whatever leaves by its uplink",
    "sz gives what leaves by (uplink) another source although no exit's mark selects it: sz:/etc/wgchain/nftables.nft:…masquerade",
    instead("sz nft", "meta mark @exits masquerade", "masquerade"),
  ],
  [
    "the exit does not remember the mark of a connection",
    "leaves at gcp as @{gcp_address} and gets no answer; answer: …reverse-path filter 2 on (uplink), asked for no mark",
    withoutChain("gcp", "remember_exit"),
  ],
  [
    "a prefix is let out at an exit where single labels are declared",
    "on wg6 of gcp is declared for no exit and should reach nothing",
    added("gcp elements", (text) => `exit_of_nets_wg6 10.66.6.0/24 : ${field(text, /^exits (\S+)/m)}`),
  ],
  [
    "a rule outside of any chain",
    "the trace cannot read sz:/etc/wgchain/nftables.nft:…(no set, map or chain)",
    without("sz nft", /chain last_line \{/),
  ],
  [
    "a set that nobody declared",
    "the trace cannot read sz:/etc/wgchain/nftables.nft:…ip saddr map @exit_of_wgs",
    instead("sz nft", "map exit_of_wgs {", "map exit_of_wgx {"),
  ],
  [
    "one source check is missing: clients may carry in what is not theirs",
    "the nftables table of sz should drop what comes in by wgs and is not from 10.66.224.0/19 (chain spoofed)",
    without("sz nft", /iifname "wgs" ip saddr !=/),
  ],
];

export const wireGuard: readonly Variant[] = [
  [
    "two peers have one client's address",
    "AllowedIPs 10.66.224.3/32 belongs to peers client2 and client; WireGuard would give it to one of them",
    ...[
      instead("sz peers", "10.66.224.2/32,", "10.66.224.2/32,10.66.224.3/32,"),
      instead("sz wgs.conf", "10.66.224.2/32,", "10.66.224.2/32, 10.66.224.3/32,"),
    ],
  ],
  [
    "an endpoint has the wrong port",
    "endpoint 172.16.0.2:53050 of peer hk on sz: wgp of hk listens on 53049; sz:/etc/wgchain/peers",
    ...peer("sz/wgp", "172.16.0.2:53049", "172.16.0.2:53050"),
  ],
  [
    "an endpoint is another host's address",
    "endpoint 198.51.100.20:53613 of peer hkt on hk is no address of hkt; hk:/etc/wgchain/peers",
    ...peer("hk/wg7", "198.51.100.30:", "198.51.100.20:"),
  ],
  [
    "a peer's key is nobody's",
    "nobody has the private key of peer hk on wgp; sz:/etc/wgchain/peers",
    ...peer("sz/wgp", "FL0juXRhVRg8Mc4tyAjF1LVC06Er1FaLvD9NpIEmBW0=", "AAAAuXRhVRg8Mc4tyAjF1LVC06Er1FaLvD9NpIEmBW0="),
  ],
  [
    "the far end does not know this end's key",
    "wg6 of gcp knows no peer with this interface's key",
    ...peer("gcp/wg6", "4RY0gEMEqzYCIOv6D4/BdU5mYcvoDbPWwLlqKANCxEA=", "P1dz3ftjoI5bqe79J88q1Pk8Uxpbnkdlq7VGvL/Ev1k="),
  ],
  [
    "one end has a pre-shared key",
    "the pre-shared keys of hk and gcp differ",
    instead("gcp peers", "\toff\t(none)\t", `\toff\t${"ab".repeat(32)}\t`),
  ],
  [
    "an exit's end has no address",
    "gcp should show itself in a traceroute from 10.66.224.2 (client), but wg6 has no address to answer from",
    without("gcp addresses", /./),
    without("gcp wg6.conf", /^Address/),
  ],
  [
    "wg-quick's file has another MTU than the state",
    "gcp:/etc/wireguard/wg6.conf should bring wg6 up as the state files say…lacks 'MTU = 1400'",
    instead("gcp wg6.conf", "MTU = 1400", "MTU = 1420"),
  ],
  [
    "wg-quick's file changes the host's routes by a hook of its own",
    "sz:/etc/wireguard/wgp.conf…has 'PostUp = ip route add default dev wgp'",
    instead("sz wgp.conf", "Table = off", "Table = off\nPostUp = ip route add default dev wgp"),
  ],
  [
    "a peer's section of wg-quick's file does not begin",
    "gcp:/etc/wireguard/wg6.conf…its sections are [Interface]",
    without("gcp wg6.conf", /^\[Peer\]/),
  ],
  [
    "wg-quick's file lets a client in that the state does not know",
    "sz:/etc/wireguard/wgs.conf…lacks 'PreUp = ",
    instead("sz wgs.conf", "Table = off", "Table = off\n[Peer]\nPublicKey = P1dz3ftjoI5bqe79J88q1Pk8Uxpbnkdlq7VGvL/Ev1k="),
  ],
  [
    "wg-quick's file gives a client another's addresses, too",
    "sz:/etc/wireguard/wgs.conf…lacks '",
    instead("sz wgs.conf", "AllowedIPs = ", "AllowedIPs = 0.0.0.0/0, "),
  ],
];
