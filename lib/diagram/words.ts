import { count } from "../diff/phrase";
import type { TracedExit, TracedHost, TracedTunnel } from "../trace";
import type { Group, Route, State } from "./routes";

/** Names come from outside: nothing invisible stays in them, and none makes a box as wide as it likes. */
const longest = 28;
export function clip(text: string, most = longest): string {
  const signs = [...text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?")];
  return signs.length <= most ? signs.join("") : `${signs.slice(0, most - 1).join("")}…`;
}

/** As many as fit into a line, and how many more there are. */
function few(words: readonly string[], width: number): string {
  const shown: string[] = [];
  for (const word of words.map((one) => clip(one))) {
    if (shown.length > 0 && [...shown, word].join(", ").length > width) break;
    shown.push(word);
  }
  const rest = words.length - shown.length;
  return rest === 0 ? shown.join(", ") : `${shown.join(", ")} and ${count(rest)} more`;
}

export const plural = (value: number, one: string): string =>
  `${count(value)} ${one}${value === 1 ? "" : one.endsWith("s") ? "es" : "s"}`;

const isLiteral = (address: string): boolean => /^[0-9.]+$/.test(address);
const addressText = (address: string): string => (isLiteral(address) ? address : "address known after apply");

export function clientLines({ members, note, state }: Group): string[] {
  const names = [...new Set(members.flatMap(({ client }) => client ?? []))];
  const addresses = members.map(({ address }) => address);
  const mtus = members.map(({ mtuBytes }) => mtuBytes);
  const [least, most] = [mtus.reduce((a, b) => Math.min(a, b)), mtus.reduce((a, b) => Math.max(a, b))];
  return [
    ...whoLines(names),
    addresses.length <= 2 ? addresses.map((one) => clip(one)).join(", ") : plural(addresses.length, "address"),
    ...(most === 0 ? [] : [least === most ? `packets up to ${most} bytes` : `packets up to ${least} to ${most} bytes`]),
    ...stateLines(state, note),
  ];
}

function stateLines(state: State, note: string | undefined): string[] {
  if (state === "same") return note === undefined ? [] : [note];
  return [note === undefined ? state : `${state === "gone" ? "gone here" : state}: ${note}`];
}

function whoLines(names: readonly string[]): string[] {
  if (names.length === 0) return ["no client yet"];
  if (names.length === 1) return [clip(names[0] ?? "")];
  const all = `${count(names.length)} clients: ${names.map((name) => clip(name)).join(", ")}`;
  return all.length <= 40 ? [all] : [plural(names.length, "client"), few(names, longest)];
}

export function hostLines({ name, kind, address, exit, privateAddress, clientInterfaces }: TracedHost): string[] {
  const roles = [...(clientInterfaces.length > 0 ? ["entry"] : []), ...(exit ? ["exit"] : [])];
  const shown = clientInterfaces.slice(0, 3);
  const rest = clientInterfaces.length - shown.length;
  return [
    clip(name),
    clip(addressText(address)),
    `${roles.join(" and ") || "relay"}${kind === "gce" ? ", Google VM" : kind === "unmanaged" ? ", not managed" : ""}`,
    ...(privateAddress === undefined ? [] : [`private ${clip(privateAddress)}`]),
    ...shown.flatMap((one) => [`${clip(one.name)} ${clip(one.address)}`, `MTU ${one.mtuBytes}, port ${one.listenPort}`]),
    ...(rest === 0 ? [] : [`and ${plural(rest, "interface")} more`]),
  ];
}

export function exitLines({ address, node }: TracedExit): string[] {
  return [
    "Internet",
    isLiteral(address) ? `sees ${address}` : `sees ${clip(node)}'s address`,
    ...(isLiteral(address) ? [] : ["(known after apply)"]),
  ];
}

export const tunnelName = ({ client, server }: TracedTunnel): string =>
  client.interface === server.interface ? clip(client.interface) : `${clip(client.interface)} to ${clip(server.interface)}`;

export function tunnelLines(tunnel: TracedTunnel): string[] {
  const { network, mtuBytes, over } = tunnel;
  return [`${tunnelName(tunnel)} ${clip(network)}`, `MTU ${mtuBytes}${over === "private" ? ", private line" : ""}`];
}

export const endLines = ({ server }: TracedTunnel): string[] => [`to ${few(server.addresses, longest)}`];

/** Addresses of the client end that no way's packets have. */
export function spareLines({ client }: TracedTunnel, used: ReadonlySet<string>): string[] {
  const spare = client.addresses.filter((address) => !used.has(address));
  return spare.length === 0 ? [] : [`client end also ${few(spare, longest)}`];
}

export function labelText(labels: ReadonlySet<string>): string {
  const [only, ...more] = labels;
  return more.length === 0 ? clip(only ?? "") : plural(labels.size, "label");
}

/** One sentence a route, for the legend and for who cannot see the picture. */
export function routeText({ node, interface: one, tunnels, exit }: Route, sources: number): string {
  const through = tunnels.map((id) => clip(id.slice(id.indexOf("/") + 1)));
  const end =
    exit === null ? "leaves nowhere" : `leaves at ${clip(exit.node)}${isLiteral(exit.address) ? ` as ${exit.address}` : ""}`;
  const by = through.length === 0 ? "" : ` by ${through.join(", ")},`;
  return `from ${clip(node)}/${clip(one)}${by} ${end}: ${sources === 0 ? "nobody now" : plural(sources, "address")}`;
}

/** "ways 1 to 4, 7". */
export function numbersText(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  const texts = runs.map(([first, last]) =>
    first === last ? `${first}` : last === first + 1 ? `${first}, ${last}` : `${first} to ${last}`,
  );
  return `${numbers.length === 1 ? "way" : "ways"} ${texts.join(", ")}`;
}
