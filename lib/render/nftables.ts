import { tcpOverheadIpv4Bytes } from "../model/numbers";
import type { HostPlan, InterfacePlan, SourcePlan } from "../plan/host-plan";

export interface RenderedNftables {
  /** Loadable any number of times, in one transaction. */
  readonly file: string;
  /** The chains alone, without the maps' elements: short enough to read in a plan. */
  readonly chains: string;
}

/**
 * The one table of ours. Cost per packet is flat in the number of clients: a map lookup for the mark, one for the label. Single addresses stand in
 * plain maps (adding to an interval map is 9 times slower), prefixes in interval maps. Works with nft 1.0.2 (Ubuntu 22.04), which knows
 * neither `destroy table` nor `mark | map`.
 */
export function renderNftables(plan: HostPlan): RenderedNftables {
  const [marks, labels] = [markMaps(plan), labelMaps(plan)];
  const chains = [
    networkSet(plan),
    chain("spoofed", "filter hook prerouting priority raw", spoofRules(plan)),
    chain("select_exit", "filter hook prerouting priority mangle", markRules(plan, marks)),
    chain("forward", "filter hook forward priority filter", forwardRules(plan)),
    chain("leave", "nat hook postrouting priority srcnat", snatRules(plan, labels)),
    // After NAT: whatever still carries an address of ours must not leave outside a tunnel.
    chain("last_line", "filter hook postrouting priority srcnat + 10", lastLineRules(plan)),
  ].flat();
  const body = [...[...marks, ...labels].flatMap(({ lines }) => lines), ...chains].map((line) => `  ${line}\n`).join("");
  return {
    file: `table ip wgchain\ndelete table ip wgchain\ntable ip wgchain {\n${body}}\n`,
    chains: chains.map((line) => `${line}\n`).join(""),
  };
}

const quoted = (names: readonly string[]): string => {
  const list = names.map((name) => `"${name}"`);
  return list.length === 1 ? (list[0] ?? "") : `{ ${list.join(", ")} }`;
};

const ownNames = (plan: HostPlan): string[] => plan.interfaces.map(({ name }) => name);

function chain(name: string, hook: string, rules: readonly string[]): string[] {
  if (rules.length === 0) return [];
  return [`chain ${name} {`, `  type ${hook}; policy accept;`, ...rules.map((rule) => `  ${rule}`), "}"];
}

function networkSet(plan: HostPlan): string[] {
  if (plan.networks.length === 0) return [];
  const elements = plan.networks.map(String).join(", ");
  return ["set networks {", "  type ipv4_addr", "  flags interval", `  elements = { ${elements} }`, "}"];
}

/** A source belongs to its interface: nothing else may carry it in, and an interface with known clients carries in nothing else. */
function spoofRules(plan: HostPlan): string[] {
  if (plan.networks.length === 0) return [];
  // And nothing may enter a tunnel from outside: what the uplink carries to an inner address is somebody's on the same wire.
  const inward = `iifname != ${quoted([...ownNames(plan), "lo"])} ip daddr @networks drop`;
  const own = plan.interfaces.flatMap(({ name, network, role }) => [
    `iifname != { "${name}", "lo" } ip saddr ${network.toString()} drop`,
    ...(role === "tunnel-client" ? [] : [`iifname "${name}" ip saddr != ${network.toString()} drop`]),
  ]);
  return [inward, ...own];
}

const marked = (plan: HostPlan): Map<string, SourcePlan[]> => groupBy(plan.sources, ({ iif }) => iif);

function labelled(plan: HostPlan): Map<string, SourcePlan[]> {
  return groupBy(
    plan.sources.filter(({ snat }) => snat !== undefined),
    ({ exit }) => (exit.via === "uplink" ? "" : exit.via.interface),
  );
}

interface NftMap {
  readonly name: string;
  /** The interface whose packets it is for. */
  readonly interface: string;
  readonly lines: readonly string[];
}

function markMaps(plan: HostPlan): NftMap[] {
  return [...marked(plan)].flatMap(([iif, sources]) =>
    bothKinds("exit_of", iif, "ipv4_addr : mark", sources, ({ exit }) => `0x${exit.table.toString(16)}`),
  );
}

function labelMaps(plan: HostPlan): NftMap[] {
  return [...labelled(plan)].flatMap(([oif, sources]) =>
    bothKinds("label_on", oif, "ipv4_addr : ipv4_addr", sources, ({ snat }) => snat?.toString() ?? ""),
  );
}

/** A plain map for the single addresses, an interval map for the prefixes; whichever is needed. */
function bothKinds(
  use: string,
  name: string,
  type: string,
  sources: readonly SourcePlan[],
  value: (source: SourcePlan) => string,
): NftMap[] {
  const map = (mapName: string, flags: readonly string[], some: readonly SourcePlan[]): NftMap[] => {
    if (some.length === 0) return [];
    const elements = some.map((source) => {
      const { prefix } = source;
      return `    ${prefix.isHost ? prefix.nth(0).toString() : prefix.toString()} : ${value(source)},`;
    });
    return [
      {
        name: mapName,
        interface: name,
        lines: [`map ${mapName} {`, `  type ${type}`, ...flags, "  elements = {", ...elements, "  }", "}"],
      },
    ];
  };
  return [
    ...map(
      `${use}_${name}`,
      [],
      sources.filter(({ prefix }) => prefix.isHost),
    ),
    ...map(
      `${use}_nets_${name}`,
      ["  flags interval"],
      sources.filter(({ prefix }) => !prefix.isHost),
    ),
  ];
}

function markRules(plan: HostPlan, maps: readonly NftMap[]): string[] {
  const exits = plan.exits.filter(({ via }) => via === "uplink").map(({ table }) => `0x${table.toString(16)}`);
  const remember = exits.length === 0 ? "" : " ct mark set meta mark";
  const select = maps.map((map) => `iifname "${map.interface}" meta mark set ip saddr map @${map.name}${remember}`);
  if (exits.length === 0) return select;
  // What comes back to an exit carries the mark again, for the uplink's reverse-path check.
  const marks = exits.length === 1 ? (exits[0] ?? "") : `{ ${exits.join(", ")} }`;
  return [...select, `iifname != ${quoted(ownNames(plan))} ct direction reply ct mark ${marks} meta mark set ct mark`];
}

function forwardRules(plan: HostPlan): string[] {
  if (plan.interfaces.length === 0) return [];
  const own = quoted(ownNames(plan));
  return [
    // NAT leaves invalid packets alone; forwarded, they would carry inner addresses.
    `iifname ${own} ct state invalid drop`,
    `oifname ${own} ct state invalid drop`,
    // Link-local addresses are the host's own neighbours: at Google the metadata server.
    `iifname ${own} ip daddr 169.254.0.0/16 drop`,
    ...plan.interfaces.flatMap(mssRules),
  ];
}

/** Each interface clamps to its own MTU; a connection crosses all of its chain, so the least of them is what it gets. */
function mssRules({ name, mtuBytes }: InterfacePlan): string[] {
  const clamp = `tcp flags syn / syn,rst tcp option maxseg size set ${mtuBytes - tcpOverheadIpv4Bytes}`;
  return [`iifname "${name}" ${clamp}`, `oifname "${name}" ${clamp}`];
}

function snatRules(plan: HostPlan, maps: readonly NftMap[]): string[] {
  const snat = maps.map((map) => `oifname "${map.interface}" snat to ip saddr map @${map.name}`);
  const masquerade = plan.exits
    .filter(({ via }) => via === "uplink")
    .map(({ table }) => `oifname != ${quoted([...ownNames(plan), "lo"])} meta mark 0x${table.toString(16)} masquerade`);
  return [...snat, ...masquerade];
}

function lastLineRules(plan: HostPlan): string[] {
  if (plan.networks.length === 0) return [];
  const notOurs = `oifname != ${quoted([...ownNames(plan), "lo"])}`;
  return [`${notOurs} ip saddr @networks drop`, `${notOurs} ip daddr @networks drop`];
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
