import { Ipv4Address } from "../address";
import { forwardMarks } from "../model/numbers";
import type { ForwardPlan, HostPlan, LanPlan } from "../plan/host-plan";
import type { StateLine } from "./state";

/**
 * What a host with private networks or forwards has beside the chains of all: sets and maps without elements, and chains of their own, so that those
 * of other hosts stay as they are, and that a host can keep them as a whole while they leave. They name no interface: a rule is the same on every such
 * host. Cost per packet is flat in the number of forwards.
 *
 * A connection that a forward makes carries a mark of conntrack's, so that nobody else's DNAT (Docker's) is ever taken for ours. The mark says what the
 * target sees as source: `forwardMarks`, or the address itself.
 */
export const gatewaySets: readonly (readonly [kind: "set" | "map", name: string, type: string, interval?: boolean])[] = [
  ["set", "lans", "ipv4_addr", true],
  ["set", "lan_addresses", "ipv4_addr"],
  ["map", "lan_sources", "ipv4_addr : ipv4_addr", true],
  ["set", "forwards", "mark"],
  ["map", "forward_sources", "mark : ipv4_addr"],
  ...(["tcp", "udp"] as const).flatMap((protocol) => [
    ["map", `forward_${protocol}`, "inet_service : ipv4_addr . inet_service"] as const,
    ["map", `forward_${protocol}_mark`, "inet_service : mark"] as const,
    ["map", `forward_${protocol}_from`, "ipv4_addr . inet_service : mark", true] as const,
    ["map", `forward_${protocol}_at`, "ipv4_addr . inet_service : ipv4_addr . inet_service"] as const,
    ["map", `forward_${protocol}_at_mark`, "ipv4_addr . inet_service : mark"] as const,
    ["map", `forward_${protocol}_at_from`, "ipv4_addr . ipv4_addr . inet_service : mark", true] as const,
  ]),
];

const hex = (mark: number): string => `0x${mark.toString(16)}`;
const mark = { gateway: hex(forwardMarks.gateway), keep: hex(forwardMarks.keep) } as const;

/** Neither into a tunnel (whose far end takes no such source) nor to a private network or a group of neighbours. */
const leaving = 'oifname != @own oifname != "lo" ip daddr != @lans ip daddr != 224.0.0.0/3';

export interface GatewayChain {
  readonly name: string;
  readonly hook: string;
  readonly constant: readonly string[];
}

export const gatewayChains: readonly GatewayChain[] = [
  {
    // A private source comes in where the way back to it is: the uplink's neighbours do not leave as the private network.
    name: "gateway_spoofed",
    hook: "filter hook prerouting priority raw",
    constant: ['iifname != "lo" ip saddr @lans fib saddr . iif oif missing drop'],
  },
  {
    // The marks' maps come first: a rule ends where it finds nothing, and then nothing is marked. What comes by a tunnel goes where its policy says.
    name: "gateway_in",
    hook: "nat hook prerouting priority dstnat",
    constant: (["tcp", "udp"] as const).flatMap((protocol) => {
      const dport = `${protocol} dport`;
      const at = `dnat ip to ip daddr . ${dport} map @forward_${protocol}_at`;
      const any = `dnat ip to ${dport} map @forward_${protocol}`;
      return [
        `iifname != @own ct mark set ip daddr . ${dport} map @forward_${protocol}_at_mark ${at}`,
        `iifname != @own ct mark set ip saddr . ip daddr . ${dport} map @forward_${protocol}_at_from ${at}`,
        // By any address of the host: a VM of Google's does not have the one that it is reached by.
        `iifname != @own fib daddr type local ct mark set ${dport} map @forward_${protocol}_mark ${any}`,
        `iifname != @own fib daddr type local ct mark set ip saddr . ${dport} map @forward_${protocol}_from ${any}`,
      ];
    }),
  },
  {
    // For the uplink's reverse-path check of what goes to a client of ours.
    name: "gateway_mark",
    hook: "filter hook prerouting priority dstnat + 1",
    constant: [`iifname != @own ct direction original ct mark @forwards ip daddr @networks meta mark set ${mark.gateway}`],
  },
  {
    // Who leaves here by a tunnel leaves to the internet; the private network is no part of that.
    name: "gateway_inside",
    hook: "filter hook forward priority filter",
    constant: ["iifname @own ct direction original ip daddr @lans drop"],
  },
  {
    name: "gateway_out",
    hook: "nat hook postrouting priority srcnat - 1",
    constant: [
      `ct status dnat ct mark ${mark.gateway} masquerade`,
      "ct status dnat snat to ct mark map @forward_sources",
      // Its target would answer its neighbour itself, who asked the gateway.
      `ct status dnat ct mark ${mark.keep} ip saddr @lans ip daddr @lans masquerade`,
      `${leaving} snat to ip saddr map @lan_sources`,
      `${leaving} ip saddr @lans masquerade`,
    ],
  },
  {
    // After NAT, as `last_line`: what still has a private source (invalid, or an answer to somebody who came in without a forward) does not leave.
    name: "gateway_last",
    hook: "filter hook postrouting priority srcnat + 20",
    constant: ["ct status snat accept", `${leaving} ip saddr @lans ip saddr != @lan_addresses drop`],
  },
];

/**
 * Before the exits' marks are remembered: what a target answers goes back by where it was asked, and not to the exit that its own policy names. Stands first
 * in chain `remember_exit` of hosts with a gateway.
 */
export const answersOfForwards = `iifname @own ct direction reply ct mark @forwards meta mark set ${mark.gateway}`;

export function gatewayElements({ gateway }: HostPlan): string[] {
  if (gateway === undefined) return [];
  return [...gateway.lans.flatMap(lanElements), ...new Set(gateway.forwards.flatMap(forwardElements))];
}

function lanElements({ inside, snat }: LanPlan): string[] {
  const network = inside.network.brief;
  return [
    `lans ${network}`,
    `lan_addresses ${inside.address.toString()}`,
    ...(snat === undefined ? [] : [`lan_sources ${network} : ${snat.toString()}`]),
  ];
}

function forwardElements(forward: ForwardPlan): string[] {
  const { source, address, from, protocols, ports, to, toPort } = forward;
  const connection = source instanceof Ipv4Address ? hex(source.value) : mark[source];
  const found = [`forwards ${connection}`];
  if (source instanceof Ipv4Address) found.push(`forward_sources ${connection} : ${source.toString()}`);
  const only = address === undefined ? "" : `${address.toString()} . `;
  for (const protocol of protocols) {
    const name = `forward_${protocol}${address === undefined ? "" : "_at"}`;
    for (let port = ports.first; port <= ports.last; port++) {
      const key = `${only}${port}`;
      found.push(`${name} ${key} : ${to.toString()} . ${toPort + port - ports.first}`);
      if (from.length === 0) found.push(`${name}_mark ${key} : ${connection}`);
      for (const prefix of from) found.push(`${name}_from ${prefix.brief} . ${key} : ${connection}`);
    }
  }
  return found;
}

/** One line a private network or forward, for Terraform, and for what conntrack must forget. */
export function gatewayLines({ gateway }: HostPlan): { readonly lans: StateLine[]; readonly forwards: StateLine[] } | undefined {
  return gateway === undefined
    ? undefined
    : { lans: gateway.lans.map(lanLine), forwards: gateway.forwards.flatMap(forwardLines) };
}

function lanLine({ name, inside, snat }: LanPlan): StateLine {
  const value = `${inside.toString()} leaves as ${snat?.toString() ?? "masquerade"}`;
  return { line: `lan ${inside.network.toString()} ${snat?.toString() ?? "masquerade"}`, key: `gateway ${name}`, value };
}

function forwardLines({ name, protocols, ports, address, to, toPort, source, from }: ForwardPlan): StateLine[] {
  const range = (first: number): string =>
    ports.first === ports.last ? String(first) : `${first}-${first + ports.last - ports.first}`;
  const at = address?.toString() ?? "any";
  const who = from.length === 0 ? "everybody" : from.map((prefix) => prefix.brief).join(",");
  return protocols.map((protocol) => ({
    line: `${protocol} ${at} ${ports.first}-${ports.last} ${to.toString()} ${toPort} ${source.toString()}`,
    key: `forward ${name} ${protocol}`,
    value: `${at}:${range(ports.first)} to ${to.toString()}:${range(toPort)} as ${source.toString()} for ${who}`,
  }));
}
