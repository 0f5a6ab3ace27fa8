import { tcpOverheadIpv4Bytes } from "../model/numbers";
import type { HostPlan, InterfacePlan } from "../plan/host-plan";
import { resolverChains, resolverSet } from "./resolvers";
import { answersOfForwards, gatewayChains, gatewaySets } from "./gateway";

/**
 * The one table of ours: sets and maps without elements (`elements.ts` has those), and rules. A rule is the same on every host, or it belongs to one
 * interface and names it in double quotes; beside these only `"lo"` is quoted (what only hosts with a gateway have is in `gateway.ts`). So a host can keep the rules of an interface that leaves while it
 * loads this file: rules of different interfaces never depend on their order. Which exits and clients there are changes elements only.
 *
 * Cost per packet is flat in the number of clients: a map lookup for the mark, one for the label. Single addresses stand in plain maps (adding to an
 * interval map is 9 times slower), prefixes in interval maps. Works with nft 1.0.2 (Ubuntu 22.04), which knows neither `destroy table` nor
 * `mark | map`.
 *
 * What most packets fail stands first in a rule: a name of an interface is compared as text of 16 bytes, an address in a few instructions.
 */
export function renderNftables({ interfaces, gateway }: HostPlan): string {
  const all = gateway === undefined ? chains : chains.map(withAnswers);
  const body = [
    ...commonSets,
    ...interfaces.flatMap(setsOf),
    ...(gateway === undefined ? [] : gatewaySets.flatMap((one) => declare(...one))),
    ...interfaces.flatMap(({ name, resolvers }) =>
      resolvers === undefined ? [] : declare("set", resolverSet(name), "ipv4_addr"),
    ),
    ...[...all, ...(gateway === undefined ? [] : gatewayChains)].flatMap((one) => chainLines(one, interfaces)),
    ...interfaces.flatMap(resolverChains).flatMap((one) => chainLines(one, [])),
  ];
  return `table ip wgchain {\n${body.map((line) => `  ${line}\n`).join("")}}\n`;
}

/** The names of an interface's own sets and maps. */
export const setNames = {
  network: (name: string): string => `net_of_${name}`,
  exit: (name: string): string => `exit_of_${name}`,
  exitOfNetworks: (name: string): string => `exit_of_nets_${name}`,
  label: (name: string): string => `label_on_${name}`,
  labelOfNetworks: (name: string): string => `label_on_nets_${name}`,
} as const;

/** Whether traffic towards exits comes in by the interface (and is marked there), or leaves by it (and gets its label there). */
const arrives = ({ role }: InterfacePlan): boolean => role !== "tunnel-client";

const declare = (kind: "set" | "map", name: string, type: string, interval = false): string[] => [
  `${kind} ${name} {`,
  `  type ${type}`,
  ...(interval ? ["  flags interval"] : []),
  "}",
];

const commonSets: readonly string[] = [
  ...declare("set", "own", "ifname"),
  ...declare("set", "networks", "ipv4_addr", true),
  ...declare("set", "exits", "mark"),
];

function setsOf(one: InterfacePlan): string[] {
  const { name } = one;
  const maps = arrives(one)
    ? [
        ...declare("map", setNames.exit(name), "ipv4_addr : mark"),
        ...declare("map", setNames.exitOfNetworks(name), "ipv4_addr : mark", true),
      ]
    : [
        ...declare("map", setNames.label(name), "ipv4_addr : ipv4_addr"),
        ...declare("map", setNames.labelOfNetworks(name), "ipv4_addr : ipv4_addr", true),
      ];
  return [...declare("set", setNames.network(name), "ipv4_addr", true), ...maps];
}

interface Chain {
  readonly name: string;
  readonly hook: string;
  /** The same on every host. */
  readonly constant?: readonly string[];
  /** For one interface, which each of them names. */
  readonly of?: (one: InterfacePlan) => readonly string[];
}

const chains: readonly Chain[] = [
  {
    name: "spoofed",
    hook: "filter hook prerouting priority raw",
    // Nothing may enter a tunnel from outside: what the uplink carries to an inner address is somebody's on the same wire.
    constant: ['ip daddr @networks iifname != @own iifname != "lo" drop'],
    of: spoofRules,
  },
  { name: "select_exit", hook: "filter hook prerouting priority mangle", of: selectRules },
  {
    // A chain of its own, behind every mark: an interface's rules may be anywhere in theirs.
    name: "remember_exit",
    hook: "filter hook prerouting priority mangle + 1",
    constant: [
      "meta mark @exits iifname @own ct mark set meta mark",
      // What comes back to an exit carries the mark again, for the uplink's reverse-path check.
      "ct direction reply ct mark @exits iifname != @own meta mark set ct mark",
    ],
  },
  {
    name: "forward",
    hook: "filter hook forward priority filter",
    constant: [
      // NAT leaves invalid packets alone; forwarded, they would carry inner addresses.
      "ct state invalid iifname @own drop",
      "ct state invalid oifname @own drop",
      // Link-local addresses are the host's own neighbours: at Google the metadata server.
      "ip daddr 169.254.0.0/16 iifname @own drop",
      // Only a packet that opens a connection has an MSS to clamp: the others need not be held against each interface.
      "tcp flags != syn / syn,rst accept",
    ],
    of: mssRules,
  },
  {
    name: "leave",
    hook: "nat hook postrouting priority srcnat",
    constant: ['oifname != @own oifname != "lo" meta mark @exits masquerade'],
    of: labelRules,
  },
  {
    // After NAT: whatever still carries an address of ours must not leave outside a tunnel.
    name: "last_line",
    hook: "filter hook postrouting priority srcnat + 10",
    constant: [
      'ip saddr @networks oifname != @own oifname != "lo" drop',
      'ip daddr @networks oifname != @own oifname != "lo" drop',
    ],
  },
];

const withAnswers = (chain: Chain): Chain =>
  chain.name === "remember_exit" ? { ...chain, constant: [answersOfForwards, ...(chain.constant ?? [])] } : chain;

function chainLines({ name, hook, constant = [], of = () => [] }: Chain, interfaces: readonly InterfacePlan[]): string[] {
  const rules = [...constant, ...interfaces.flatMap(of)];
  return [`chain ${name} {`, `  type ${hook}; policy accept;`, ...rules.map((rule) => `  ${rule}`), "}"];
}

/** A source belongs to its interface: nothing else may carry it in, and an interface with known clients carries in nothing else. */
function spoofRules(one: InterfacePlan): string[] {
  const { name } = one;
  const network = `@${setNames.network(name)}`;
  return [
    `ip saddr ${network} iifname != "${name}" iifname != "lo" drop`,
    ...(arrives(one) ? [`iifname "${name}" ip saddr != ${network} drop`] : []),
  ];
}

function selectRules(one: InterfacePlan): string[] {
  if (!arrives(one)) return [];
  const { name } = one;
  return [setNames.exit(name), setNames.exitOfNetworks(name)].map(
    (map) => `iifname "${name}" meta mark set ip saddr map @${map}`,
  );
}

/** Each interface clamps to its own MTU; a connection crosses all of its chain, so the least of them is what it gets. */
function mssRules({ name, mtuBytes }: InterfacePlan): string[] {
  const clamp = `tcp flags syn / syn,rst tcp option maxseg size set ${mtuBytes - tcpOverheadIpv4Bytes}`;
  return [`iifname "${name}" ${clamp}`, `oifname "${name}" ${clamp}`];
}

function labelRules(one: InterfacePlan): string[] {
  if (arrives(one)) return [];
  const { name } = one;
  return [setNames.label(name), setNames.labelOfNetworks(name)].map((map) => `oifname "${name}" snat to ip saddr map @${map}`);
}
