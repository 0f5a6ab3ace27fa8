import { Ipv4Address, Ipv4Prefix, type HostAddress } from "../address";
import type { ClientInterfaceIntent, TunnelEndIntent, TunnelIntent } from "../intent";
import { parseInteger, parseInterfaceName, parseName } from "../name";
import { ParseError, type Problems } from "../problem";
import type { Interface, Node, Tunnel } from "./model";
import { tunnelMtuLeastBytes, wireguardOverheadIpv4Bytes } from "./numbers";
import { keyMend, parseKey, parsePsk, type ParseContext } from "./context";

/** The way between the two hosts that a tunnel runs over. */
interface Underlay {
  readonly endpoint: HostAddress;
  readonly mtuBytes: number;
}

export function parseTunnel(intent: TunnelIntent, context: ParseContext): Tunnel | undefined {
  const { problems } = context;
  const server = context.nodes.get(intent.server.node);
  const client = context.nodes.get(intent.client.node);
  const key = (end: TunnelEndIntent, node: Node | undefined): string | null =>
    node === undefined
      ? null
      : parseKey(end.key, intent.path, `interface ${end.interfaceName} of ${node.name}`, problems, keyMend(node));
  const keys = { server: key(intent.server, server), client: key(intent.client, client) };
  const preshared = intent.preshared && { digest: parsePsk(intent.preshared, intent.path, problems) };
  const fields = problems.attemptAll(intent.path, {
    ends: () => twoNodes(server, client),
    addresses: () => parseAddresses(intent, problems),
    underlay: () => (server === undefined || client === undefined ? undefined : mtuOf(intent, server, client)),
    name: () => parseName(intent.name, "tunnel name"),
    // One message for a name that both ends share.
    names: () => [...new Set([intent.server.interfaceName, intent.client.interfaceName])].map(parseInterfaceName),
    ownRoutes: () => (intent.ownRoutes ?? []).map((text) => Ipv4Prefix.parseSource(text, "ownRoutes")),
    allowedIps: () => (intent.allowedIps ?? ["0.0.0.0/0"]).map((text) => Ipv4Prefix.parse(text, "allowedIps")),
    keepaliveSeconds: () => parseInteger(intent.keepaliveSeconds, "keepaliveSeconds", 0, 65_535, "keepalive-out-of-range"),
  });
  if (fields?.addresses === undefined || fields.underlay === undefined || server === undefined || client === undefined) {
    context.incomplete.arrivals.add(intent.server.node);
    return undefined;
  }
  const { name, addresses, underlay, ownRoutes, allowedIps, keepaliveSeconds } = fields;
  const { endpoint, mtuBytes } = underlay;
  const end = (of: TunnelEndIntent, node: Node, role: "tunnel-server" | "tunnel-client"): Interface => ({
    path: intent.path,
    name: of.interfaceName,
    node,
    role,
    network: addresses.network,
    listenPort: context.ports.get(`${node.name}/${of.interfaceName}`) ?? 0,
    mtuBytes,
    publicKey: role === "tunnel-server" ? keys.server : keys.client,
  });
  return {
    path: intent.path,
    name,
    server: end(intent.server, server, "tunnel-server"),
    client: end(intent.client, client, "tunnel-client"),
    ...addresses,
    ownRoutes,
    allowedIps,
    endpoint,
    mtuBytes,
    keepaliveSeconds,
    ...(preshared === undefined ? {} : { preshared }),
  };
}

function twoNodes(server: Node | undefined, client: Node | undefined): void {
  if (server === undefined || server !== client) return;
  throw new ParseError("tunnel-to-itself", `server and client are both '${server.name}'; a tunnel joins two nodes`);
}

/** The MTU that the tunnel has of its underlay. */
function mtuOf(intent: TunnelIntent, server: Node, client: Node): Underlay {
  const underlay = underlayOf(intent, server, client);
  return { endpoint: underlay.endpoint, mtuBytes: tunnelMtu(intent, underlay) };
}

function parseAddresses(
  intent: TunnelIntent,
  problems: Problems,
): Pick<Tunnel, "network" | "serverAddress" | "clientAddress"> | undefined {
  const texts = problems.attemptAll(intent.path, {
    network: () => Ipv4Prefix.parse(intent.network, "network"),
    server: () => Ipv4Address.parse(intent.serverAddress, "serverAddress"),
    client: () => (intent.clientAddress === undefined ? undefined : Ipv4Address.parse(intent.clientAddress, "clientAddress")),
  });
  if (texts === undefined) return undefined;
  const { network, server, client } = texts;
  const inside = problems.attemptAll(intent.path, {
    server: () => inNetwork(server, "serverAddress", network),
    client: () => client === undefined || inNetwork(client, "clientAddress", network),
  });
  if (inside === undefined) return undefined;
  if (client?.equals(server)) {
    throw new ParseError(
      "address-used-twice",
      `serverAddress and clientAddress are both ${server.toString()}; set another on one`,
    );
  }
  return { network, serverAddress: server, ...(client === undefined ? {} : { clientAddress: client }) };
}

function inNetwork(address: Ipv4Address, what: string, network: Ipv4Prefix): void {
  if (network.assignable(address)) return;
  throw new ParseError(
    "address-outside-network",
    `${what} ${address.toString()} can't be given to a host of the tunnel's network ${network.toString()}; take one between its first and last address`,
  );
}

function underlayOf(intent: TunnelIntent, server: Node, client: Node): Underlay {
  if (intent.over === "public") {
    return { endpoint: server.address, mtuBytes: Math.min(server.uplinkMtuBytes, client.uplinkMtuBytes) };
  }
  const [far, near] = [server.privateLink, client.privateLink];
  if (far === undefined || near === undefined) {
    const missing = far === undefined ? server : client;
    throw new ParseError(
      "no-private-link",
      `runs over "private", but '${missing.name}' has no privateAddress; set it, e.g. "172.16.0.1/30"`,
    );
  }
  if (!far.address.network.equals(near.address.network)) {
    throw new ParseError(
      "no-private-link",
      `runs over "private", but ${far.address.toString()} of '${server.name}' and ${near.address.toString()} of '${client.name}' stand in different networks`,
    );
  }
  if (far.mtuBytes !== near.mtuBytes) {
    throw new ParseError(
      "mtu-unequal",
      `the private link has MTU ${far.mtuBytes} on '${server.name}' and ${near.mtuBytes} on '${client.name}'; set privateMtuBytes alike on both`,
    );
  }
  return { endpoint: far.address.address, mtuBytes: far.mtuBytes };
}

function tunnelMtu(intent: TunnelIntent, underlay: Underlay): number {
  const most = underlay.mtuBytes - wireguardOverheadIpv4Bytes;
  const [server, client] = [intent.server.mtuBytes ?? intent.client.mtuBytes, intent.client.mtuBytes ?? intent.server.mtuBytes];
  if (server !== client) {
    throw new ParseError(
      "mtu-unequal",
      `MTU is ${String(server)} on the server end and ${String(client)} on the client end; packets of the larger would be lost, so set one mtuBytes on the tunnel`,
    );
  }
  if (server === undefined) return most;
  return parseInteger(
    server,
    `mtuBytes (the link has ${underlay.mtuBytes}, WireGuard over IPv4 takes ${wireguardOverheadIpv4Bytes} of it)`,
    tunnelMtuLeastBytes,
    most,
    "mtu-out-of-range",
  );
}

/** MTU of the interface that clients connect to: they come over the node's uplink. */
export function clientInterfaceMtu(intent: ClientInterfaceIntent, node: Node): number {
  const most = node.uplinkMtuBytes - wireguardOverheadIpv4Bytes;
  return intent.mtuBytes === undefined
    ? most
    : parseInteger(
        intent.mtuBytes,
        `mtuBytes (the uplink has ${node.uplinkMtuBytes})`,
        tunnelMtuLeastBytes,
        most,
        "mtu-out-of-range",
      );
}
