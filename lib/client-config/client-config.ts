import { Ipv4Address, Ipv4Prefix } from "../address";
import type { Inventory, InventoryClient } from "../inventory";
import { ParseError } from "../problem";

export interface ClientConfigOptions {
  /** Its own, in base64; undefined: its owner has it, and puts it there. */
  readonly privateKey?: string;
  /** Where it calls, e.g. "198.51.100.10"; a port of its own may stand behind it. */
  readonly endpoint: string;
  /** What goes into the tunnel; the resolvers always do. @default everything, IPv6 too, so that nothing goes around it */
  readonly routes?: readonly string[];
  /** Resolvers, asked through the tunnel. @default the network's, else none */
  readonly dns?: readonly string[];
}

/** Everything, IPv6 too: a chain of IPv4 then answers no IPv6 packet, and none leaves beside it. */
export const fullRoutes: readonly string[] = ["0.0.0.0/0", "::/0"];

const keepaliveSeconds = 25;

/** The file that `wg-quick` and WireGuard's apps take, for one client. */
export function clientConfig(inventory: Inventory, client: InventoryClient, options: ClientConfigOptions): string {
  const server = inventory.nodes
    .find(({ name }) => name === client.node)
    ?.interfaces.find(({ name }) => name === client.interface);
  if (server === undefined || server.publicKey === null) {
    const place = `${client.node}/${client.interface}`;
    throw new ParseError(
      "missing-public-key",
      `${place} has no public key yet, which client '${client.name}' needs; make it: wgchain keys ${place}`,
    );
  }
  const { privateKey, dns = client.dns ?? [], routes = fullRoutes } = options;
  const endpoint = /:\d+$/.test(options.endpoint) ? options.endpoint : `${options.endpoint}:${server.listenPort}`;
  return [
    "[Interface]",
    privateKey === undefined ? "# PrivateKey = (the client's own)" : `PrivateKey = ${privateKey}`,
    `Address = ${client.addresses.map(({ address }) => `${address}/32`).join(", ")}`,
    ...(dns.length === 0 ? [] : [`DNS = ${dns.join(", ")}`]),
    // The least of its way through all tunnels: larger packets would be cut or lost on the way.
    `MTU = ${client.mtuBytes}`,
    "",
    "[Peer]",
    `PublicKey = ${server.publicKey}`,
    `AllowedIPs = ${[...routes, ...dns.filter((server) => !leadsTo(server, routes)).map((server) => `${server}/32`)].join(", ")}`,
    `Endpoint = ${endpoint}`,
    `PersistentKeepalive = ${keepaliveSeconds}`,
    "",
  ].join("\n");
}

/** A resolver that is asked beside the tunnel would hear from the client's own address, in the clear. */
const leadsTo = (server: string, routes: readonly string[]): boolean =>
  routes.some((route) => route !== "::/0" && Ipv4Prefix.parse(route).contains(Ipv4Address.parse(server)));

/** One of --route: an IPv4 prefix or address, or "::/0". */
export function parseRoute(text: string): string {
  return text === "::/0" ? text : Ipv4Prefix.parseSource(text, "route").toString();
}

/** HOST or HOST:PORT, as a person writes it for a client. */
export function parseEndpoint(text: string): string {
  const match = /^(?<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?::(?<port>[1-9]\d{0,4}))?$/.exec(text);
  if (match === null || Number(match.groups?.["port"] ?? 1) > 65_535)
    throw new ParseError("bad-endpoint", `endpoint '${text}' is not HOST or HOST:PORT; write e.g. vpn.example.org:51820`);
  return text;
}
