import { InterfaceAddress, Ipv4Address, Ipv4Prefix, comparePrefixes } from "../address";
import type { Interface, Network, Node, Tunnel } from "../model/model";
import type { ExitPlan, HostPlan, InterfacePlan, PeerPlan, RoutePlan, RulePlan, SourcePlan } from "./host-plan";
import { failoversOf, othersOf, probeRules } from "./failover";
import type { Way, Ways } from "./ways";
import { directTable, ownRouteTable, priorities } from "../model/numbers";
import { onDemand } from "../on-demand";

/** What every host gets. Only for a network without problems. */
export function planNetwork(network: Network, ways: Ways): readonly HostPlan[] {
  const networks = [
    ...network.tunnels.map((tunnel) => tunnel.network),
    ...network.clientInterfaces.map((one) => one.network),
  ].sort(comparePrefixes);
  return network.nodes.map((node) => planHost(network, node, ways.of(node), networks));
}

function planHost(network: Network, node: Node, ways: readonly Way[], networks: readonly Ipv4Prefix[]): HostPlan {
  const interfaces = planInterfaces(network, node);
  const own = network.tunnels
    .filter(({ client }) => client.node === node)
    .flatMap(({ client, clientAddress: src, ownRoutes: prefixes }) =>
      src === undefined ? [] : prefixes.map((to) => ({ to, dev: client.name, src })),
    );
  const isGateway = [...network.gateways, ...network.forwards].some((one) => one.node === node);
  const exits = new Map(ways.map((way) => [way, exitOf(way)]));
  return {
    node: node.name,
    ...(node.kind === "unmanaged" ? { unmanaged: true as const } : {}),
    interfaces,
    // Two ways of one table and exit (policies that differ in priority only) have these in common.
    rules: distinct([
      ...ownRules(interfaces),
      ...own.flatMap(ownRouteRules),
      ...ways.flatMap(probeRules),
      ...ways.flatMap(selectRules),
      ...(isGateway ? onDemand.planGateway().forwardRules(network, node) : []),
    ]),
    routes: distinct([
      ...directRoutes(interfaces, directTable),
      ...ownRoutes(own, interfaces),
      ...ways.flatMap((way) => exitRoutes(way, interfaces)),
    ]),
    sources: ways.flatMap((way) => sourcesOf(way, exits.get(way))),
    exits: distinct([...exits.values()]),
    networks,
    ...failoversOf(ways),
    ...(isGateway ? onDemand.planGateway().gatewayOf(network, node) : {}),
    ...(node.repairEvery === undefined ? {} : { repairEvery: node.repairEvery }),
  };
}

function distinct<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

function planInterfaces(network: Network, node: Node): InterfacePlan[] {
  const plan = (one: Interface, addresses: InterfaceAddress[], peers: PeerPlan[]): InterfacePlan => ({
    name: one.name,
    role: one.role,
    addresses,
    network: one.network,
    listenPort: one.listenPort,
    mtuBytes: one.mtuBytes,
    publicKey: keyOf(one),
    peers,
  });
  const clients = network.clientInterfaces
    .filter((one) => one.node === node)
    .map((one) => ({
      ...(one.dns?.enforce === true ? { resolvers: one.dns.servers } : {}),
      ...plan(
        one,
        [one.address],
        network.clients
          .filter((client) => client.interface === one)
          .map((client) => ({
            name: client.name,
            publicKey: keyOf(client),
            allowedIps: client.addresses.map((address) => Ipv4Prefix.host(address)),
            keepaliveSeconds: 0,
          }))
          .sort(byName),
      ),
    }));
  const tunnels = network.tunnels.flatMap((tunnel) => {
    const { server, client } = tunnel;
    if (server.node !== node && client.node !== node) return [];
    const clientAddresses = clientEndAddresses(network, tunnel);
    const psk = pskOf(tunnel);
    if (server.node === node) {
      const [innerAddress] = client.node.kind === "unmanaged" ? [] : clientAddresses;
      const peer = {
        name: client.node.name,
        publicKey: keyOf(client),
        // The whole network: a label more or less changes nothing here; what no policy knows ends in `unreachable`.
        allowedIps: [tunnel.network],
        keepaliveSeconds: 0,
        ...psk,
        ...(innerAddress === undefined ? {} : { innerAddress }),
      };
      return [plan(server, [new InterfaceAddress(tunnel.serverAddress, tunnel.network)], [peer])];
    }
    const peer = {
      name: server.node.name,
      publicKey: keyOf(server),
      allowedIps: [...tunnel.allowedIps],
      endpoint: { address: tunnel.endpoint, port: server.listenPort },
      keepaliveSeconds: tunnel.keepaliveSeconds,
      ...psk,
      ...(server.node.kind === "unmanaged" ? {} : { innerAddress: tunnel.serverAddress }),
    };
    return [plan(client, clientAddresses.map(hostAddress), [peer])];
  });
  return [...clients, ...tunnels].sort(byName);
}

/** Its own first, then the labels in order. */
function clientEndAddresses(network: Network, tunnel: Tunnel): Ipv4Address[] {
  const own = tunnel.clientAddress === undefined ? [] : [tunnel.clientAddress];
  const labels = network.labels.filter((label) => label.tunnel === tunnel).map((label) => label.address);
  return [...own, ...labels.sort((a, b) => a.value - b.value)];
}

function pskOf({ path, preshared }: Tunnel): Pick<PeerPlan, "pskDigest"> {
  if (preshared === undefined) return {};
  if (preshared.digest === null) throw new Error(`${path} has no pre-shared key; a network with problems is never planned`);
  return { pskDigest: preshared.digest };
}

/** /32: none of a tunnel end's addresses is another's secondary, so each comes and goes alone. */
const hostAddress = (address: Ipv4Address): InterfaceAddress => new InterfaceAddress(address, Ipv4Prefix.host(address));

function keyOf(owner: { readonly path: string; readonly publicKey: string | null }): string {
  if (owner.publicKey === null) throw new Error(`${owner.path} has no public key; a network with problems is never planned`);
  return owner.publicKey;
}

/** The fail-closed layers: to, from and through our interfaces there is a direct route or none. */
function ownRules(interfaces: readonly InterfacePlan[]): RulePlan[] {
  return interfaces.flatMap(({ name, network }) => [
    { priority: priorities.toOwn, to: network, table: directTable },
    { priority: priorities.fromOwn, from: network, iif: "lo", table: directTable },
    { priority: priorities.failClosed, iif: name, table: directTable },
  ]);
}

interface OwnRoute {
  readonly to: Ipv4Prefix;
  readonly dev: string;
  readonly src: Ipv4Address;
}

/** What the kernel asks with before it has chosen an address to send from. */
const unset = Ipv4Prefix.host(Ipv4Address.of(0));

/**
 * Of the host alone (`iif lo`): what it forwards for others has ways of its own. And of what it begins: what is sent from another of its addresses is
 * an answer to somebody there who called that one, by SSH or WireGuard, and takes the way on which they came.
 */
const ownRouteRules = ({ to, src }: OwnRoute): RulePlan[] =>
  [unset, Ipv4Prefix.host(src)].map((from) => ({ priority: priorities.ownRoute, from, to, iif: "lo", table: ownRouteTable }));

/** By the tunnel, or nowhere when that is gone. */
const ownRoutes = (own: readonly OwnRoute[], interfaces: readonly InterfacePlan[]): RoutePlan[] =>
  own.length === 0 ? [] : [...directRoutes(interfaces, ownRouteTable), ...own.map((one) => ({ table: ownRouteTable, ...one }))];

/**
 * One rule an exit, however many sources: nftables marks them by map. Never `from PREFIX`, also where there is one: a client that moves then changes
 * one element and no rule, and without the nft table nothing is selected.
 */
function selectRules(way: Way): RulePlan[] {
  const priority = way.priority ?? priorities.select;
  const table = way.via === "uplink" ? ("main" as const) : way.table;
  const incoming = [...new Map(way.sources.map((source) => [source.incoming.name, source.incoming])).values()];
  return incoming.flatMap(({ name: iif, network }) => [
    { priority, iif, fwmark: way.table, table },
    ...(way.via === "uplink" ? [{ priority: priorities.replyAtExit, from: network, iif: "lo", fwmark: way.table, table }] : []),
  ]);
}

/** The second, direct routes of the article, and the end that holds when the interfaces are gone. */
function directRoutes(interfaces: readonly InterfacePlan[], table: number): RoutePlan[] {
  return [...interfaces.map(({ name, network }) => ({ table, to: network, dev: name })), { table }];
}

function exitRoutes(way: Way, interfaces: readonly InterfacePlan[]): RoutePlan[] {
  if (way.via === "uplink") return [];
  return [...directRoutes(interfaces, way.table), { table: way.table, dev: way.via.client.name }];
}

function exitOf(way: Way): ExitPlan {
  return {
    exit: way.exit.name,
    via: way.via === "uplink" ? "uplink" : { interface: way.via.client.name },
    table: way.table,
  };
}

function sourcesOf(way: Way, exit: ExitPlan | undefined): SourcePlan[] {
  if (exit === undefined) return [];
  return way.sources.map((source) => ({
    iif: source.incoming.name,
    prefix: source.prefix,
    exit,
    ...(source.snat === undefined ? {} : { snat: source.snat }),
    ...othersOf(way, source),
  }));
}
