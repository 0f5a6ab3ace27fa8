import { instead, without, withoutChain, type Variant } from "./broken";

/** The reference network with resolvers 9.9.9.9 and 149.112.112.112 enforced, as defects of the renderer would make it. */
export const resolvers: readonly Variant[] = [
  [
    "nothing is enforced",
    "what 10.66.224.2 (client) sends to 1.1.1.1 (udp 53) should leave at gcp for 9.9.9.9, but goes to 1.1.1.1:53",
    withoutChain("sz", "dns_of_wgs"),
  ],
  [
    "TCP is forgotten",
    "what 10.66.224.2 (client) sends to 1.1.1.1 (tcp 53) should leave at gcp for 9.9.9.9, but goes to 1.1.1.1:53",
    without("sz nft", /tcp dport 53/),
  ],
  [
    "another resolver answers",
    "what 10.66.224.2 (client) sends to 1.1.1.1 (udp 53) should leave at gcp for 9.9.9.9, but goes to 8.8.8.8:53",
    instead("sz nft", "dnat to 9.9.9.9", "dnat to 8.8.8.8"),
  ],
  [
    "one client alone is held to it",
    "what 10.66.225.2 (client) sends to 1.1.1.1 (udp 53) should leave at hkt for 9.9.9.9, but goes to 1.1.1.1:53",
    instead("sz nft", 'iifname "wgs" udp dport 53', 'iifname "wgs" ip saddr 10.66.224.2 udp dport 53'),
  ],
  [
    "it stands at another interface",
    "what 10.66.224.2 (client) sends to 1.1.1.1 (udp 53) should leave at gcp for 9.9.9.9, but goes to 1.1.1.1:53",
    instead("sz nft", 'iifname "wgs" udp dport 53', 'iifname "wgp" udp dport 53'),
  ],
  [
    "the second resolver's queries are taken away from it",
    "what 10.66.224.2 (client) asks its resolver 149.112.112.112 (udp 53) should leave at gcp, but goes to 9.9.9.9:53",
    without("sz elements", /^resolvers_of_wgs 149.112.112.112/),
  ],
  [
    "other ports are taken, too",
    "what 10.66.224.2 (client) sends to 1.1.1.1 (udp 52) should leave at gcp for 1.1.1.1, but goes to 9.9.9.9:52",
    instead("sz nft", "udp dport 53", "udp dport != 7"),
  ],
  [
    "somebody who is a resolver is let through",
    "what 10.66.224.2 (client) sends to 8.8.8.8 (udp 53) should leave at gcp for 9.9.9.9, but goes to 8.8.8.8:53",
    instead("sz nft", "ip daddr != @networks dnat", "ip daddr != @networks ip daddr != 8.8.8.8 dnat"),
  ],
  [
    "what is for the network's own addresses leaves it",
    "what 10.66.224.2 (client) sends to 10.66.224.1 (udp 53) should stay inside, but …left at gcp",
    instead("sz nft", "ip daddr != @networks dnat", "dnat"),
  ],
];
