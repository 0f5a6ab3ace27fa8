import type { TracedNetwork, TracedTunnel, TracedWay } from "../trace";

/**
 * What there is to draw, before anybody says how: boxes, lines, and the ways that the lines belong to. Made from traced networks alone, so a line is
 * there because a packet took it.
 */
export interface Drawing {
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  readonly ways: readonly DrawnWay[];
  /** Whether it shows a difference. */
  readonly compared: boolean;
}

export type Mark = "same" | "new" | "changed" | "gone";

export interface Box {
  readonly id: string;
  readonly kind: "clients" | "host" | "exit" | "world" | "nowhere";
  /** First is the name. */
  readonly text: readonly string[];
  readonly mark: Mark;
}

export interface Line {
  readonly from: string;
  readonly to: string;
  readonly text: readonly string[];
  /** Numbers of the ways that take it: one, but for the last line, from an exit to the internet; none: a tunnel that no way takes. */
  readonly ways: readonly number[];
  readonly mark: Mark;
}

/** All sources that go the same way to the same exit; it has one number and one colour. */
export interface DrawnWay {
  readonly number: number;
  readonly text: string;
  readonly mark: Mark;
}

interface Group {
  readonly way: TracedWay;
  readonly mark: Mark;
  readonly members: TracedWay[];
  /** Exit before the change. */
  readonly before?: string;
}

/** As many are named, the rest is counted. */
const named = 3;

/** Lines of one way between the same boxes are drawn once; from an exit to the internet one for all. */
function distinct(lines: readonly Line[]): Line[] {
  const seen = new Map<string, Line>();
  for (const line of lines) {
    const last = line.to.startsWith("world_");
    const key = `${line.from} ${line.to} ${line.text.join()} ${last ? "" : line.ways.join()}`;
    const known = seen.get(key);
    const ways = [...new Set([...(known?.ways ?? []), ...line.ways])];
    seen.set(key, { ...line, ways, mark: known === undefined || known.mark === "same" ? line.mark : known.mark });
  }
  return [...seen.values()];
}

export function draw(network: TracedNetwork, base?: TracedNetwork): Drawing {
  const groups = groupsOf(network, base);
  const numbers = numbersOf(groups);
  const tunnels = new Map([...(base?.tunnels ?? []), ...network.tunnels].map((tunnel) => [tunnel.id, tunnel]));
  const lines = groups.flatMap((group, index) => linesOf(group, `clients${index}`, numbers.get(keyOf(group)) ?? 0, tunnels));
  const taken = new Set(groups.flatMap(({ way }) => way.tunnels));
  const idle = network.tunnels.filter(({ id }) => !taken.has(id)).map((tunnel) => lineOf(tunnel, [], "same"));
  return {
    boxes: [
      ...groups.map((group, index): Box => ({ id: `clients${index}`, kind: "clients", text: textOf(group), mark: group.mark })),
      ...hostBoxes(network, base),
      ...worldBoxes(groups),
      ...(groups.some(({ way }) => way.exit === null) ? [box("nowhere", "nowhere", ["leaves nowhere"])] : []),
    ],
    lines: distinct([...lines, ...idle]),
    ways: [...numbers].map(([key, number]) =>
      wayOf(
        groups.filter((group) => keyOf(group) === key),
        number,
      ),
    ),
    compared: base !== undefined,
  };
}

const box = (id: string, kind: Box["kind"], text: readonly string[], mark: Mark = "same"): Box => ({ id, kind, text, mark });
/** The internet is drawn once an exit, with the address that it sees: lines of different exits do not cross before it. */
function worldBoxes(groups: readonly Group[]): Box[] {
  const exits = new Map(groups.flatMap(({ way }) => (way.exit === null ? [] : [[worldId(way), way.exit.address] as const])));
  return [...exits].map(([id, address]) => box(id, "world", ["Internet", `sees ${address}`]));
}

const worldId = ({ exit }: TracedWay): string => `world_${exit?.node ?? ""}_${exit?.address ?? ""}`;
const hostId = (name: string): string => `host_${name}`;

function hostBoxes(network: TracedNetwork, base: TracedNetwork | undefined): Box[] {
  const names = (of: TracedNetwork): ReadonlySet<string> => new Set(of.hosts.map(({ name }) => name));
  const [now, before] = [names(network), base === undefined ? undefined : names(base)];
  const gone = base?.hosts.filter(({ name }) => !now.has(name)) ?? [];
  const one = ({ name, address, exit, kind }: TracedNetwork["hosts"][number], mark: Mark): Box =>
    box(hostId(name), exit ? "exit" : "host", [name, kind === "gce" ? `${address} (Google)` : address], mark);
  return [
    ...network.hosts.map((host) => one(host, before?.has(host.name) === false ? "new" : "same")),
    ...gone.map((host) => one(host, "gone")),
  ];
}

const sourceOf = ({ client, address, node, interface: one }: TracedWay): string => `${node}/${one} ${client ?? ""} ${address}`;
const pathOf = ({ exit, tunnels, node, interface: one }: TracedWay): string =>
  `${node}/${one} ${tunnels.join(" ")} ${exit === null ? "-" : `${exit.node} ${exit.address}`}`;
const keyOf = ({ way, mark }: Group): string => `${mark === "gone" ? "gone " : ""}${pathOf(way)}`;

/** Sources with the same way and the same fate are one box. */
function groupsOf(network: TracedNetwork, base: TracedNetwork | undefined): Group[] {
  const before = new Map(base?.ways.map((way) => [sourceOf(way), way]));
  const after = new Set(network.ways.map(sourceOf));
  const groups = new Map<string, Group>();
  const add = (way: TracedWay, mark: Mark, old?: string): void => {
    const key = `${mark} ${old ?? ""} ${pathOf(way)}`;
    const group = groups.get(key) ?? { way, mark, members: [], ...(old === undefined ? {} : { before: old }) };
    group.members.push(way);
    groups.set(key, group);
  };
  for (const way of network.ways) {
    const old = before.get(sourceOf(way));
    if (base === undefined || (old !== undefined && pathOf(old) === pathOf(way))) add(way, "same");
    else if (old === undefined) add(way, "new");
    else add(way, "changed", old.exit?.node ?? "nowhere");
  }
  for (const way of base?.ways ?? []) if (!after.has(sourceOf(way))) add(way, "gone");
  return [...groups.values()];
}

/** In the order in which they come. */
function numbersOf(groups: readonly Group[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const group of groups) if (!numbers.has(keyOf(group))) numbers.set(keyOf(group), numbers.size + 1);
  return numbers;
}

function wayOf(groups: readonly Group[], number: number): DrawnWay {
  const [first] = groups;
  const way = first?.way;
  const stations = [way?.node ?? "", ...(way?.tunnels.map((id) => id.slice(id.indexOf("/") + 1)) ?? [])];
  const exit = way?.exit === null || way === undefined ? "nowhere" : `${way.exit.node} ${way.exit.address}`;
  const count = groups.reduce((sum, { members }) => sum + members.length, 0);
  const mark = groups.find((group) => group.mark !== "same")?.mark ?? "same";
  return { number, text: `${stations.join(" > ")} > ${exit} (${count} ${count === 1 ? "source" : "sources"})`, mark };
}

function textOf({ members, mark, before }: Group): string[] {
  const clients = new Set(members.map(({ client }) => client));
  const words = members.slice(0, named).map(({ client, address }) => (client === null ? address : `${client} ${address}`));
  const rest = members.length - words.length;
  const head =
    members.length > 1 ? [`${members.length} addresses of ${clients.size === 1 ? "1 client" : `${clients.size} clients`}`] : [];
  const said = mark === "same" ? [] : [mark === "changed" ? `changed: was ${before ?? ""}` : mark];
  return [...head, ...words, ...(rest > 0 ? [`and ${rest} more`] : []), ...said];
}

function linesOf(group: Group, from: string, number: number, tunnels: ReadonlyMap<string, TracedTunnel>): Line[] {
  const { way, mark } = group;
  const entry: Line = { from, to: hostId(way.node), text: [way.interface], ways: [number], mark };
  const hops = way.tunnels.flatMap((id, index) => {
    const tunnel = tunnels.get(id);
    const labels = new Set(group.members.flatMap((member) => member.labels[index] ?? []));
    const [label] = labels;
    return tunnel === undefined ? [] : [lineOf(tunnel, [number], mark, labels.size === 1 ? label : `${labels.size} labels`)];
  });
  if (way.exit === null) return [entry, { from: hostId(way.node), to: "nowhere", text: [], ways: [number], mark }];
  return [entry, ...hops, { from: hostId(way.exit.node), to: worldId(way), text: [], ways: [number], mark }];
}

/** `label` is the address that the way's packets have in the tunnel. */
function lineOf(
  { client, server, network, mtuBytes, over }: TracedTunnel,
  ways: readonly number[],
  mark: Mark,
  label?: string,
): Line {
  const names = client.interface === server.interface ? client.interface : `${client.interface} to ${server.interface}`;
  const ends = `${label ?? client.addresses[0] ?? ""} to ${server.addresses[0] ?? ""}`;
  const text = [`${names} ${network}`, ends, `MTU ${mtuBytes}${over === "private" ? ", private link" : ""}`];
  return { from: hostId(client.node), to: hostId(server.node), text, ways, mark };
}

/** What a line says first: "way 1, changed", "ways 1, 4". */
export function waysText({ ways, mark }: Line): string[] {
  if (ways.length === 0) return [];
  return [`${ways.length === 1 ? "way" : "ways"} ${ways.join(", ")}${mark === "same" ? "" : `, ${mark}`}`];
}
