import { Ipv4Address, Ipv4Prefix } from "../address";
import type { ClientInterface, Forward, Gateway, Network } from "./model";

/** Where a forward's packets go on from its node. */
export type Target =
  | { readonly kind: "lan"; readonly gateway: Gateway }
  | { readonly kind: "client"; readonly interface: ClientInterface }
  | { readonly kind: "internet" }
  /** Nowhere that the node can reach; `why` completes "to ADDRESS is ...". */
  | { readonly kind: "unreachable"; readonly why: string };

/** What nobody on the internet has (RFC 6890); documentation's networks are not in it: labs are built of them. */
const special: readonly (readonly [prefix: string, what: string])[] = [
  ["0.0.0.0/8", "no host's address"],
  ["10.0.0.0/8", "a private address"],
  ["100.64.0.0/10", "an address of carrier-grade NAT"],
  ["127.0.0.0/8", "a loopback address"],
  ["169.254.0.0/16", "a link-local address"],
  ["172.16.0.0/12", "a private address"],
  ["192.168.0.0/16", "a private address"],
  ["224.0.0.0/4", "a multicast address"],
  ["240.0.0.0/4", "a reserved address"],
];

const specialPrefixes = special.map(([prefix, what]) => ({ prefix: Ipv4Prefix.parse(prefix), what }));

/** What an address is that nobody on the internet has; undefined for all others. */
export const notPublic = (address: Ipv4Address): string | undefined =>
  specialPrefixes.find(({ prefix }) => prefix.contains(address))?.what;

export function targetOf(network: Network, { node, to, address }: Forward): Target {
  const own = [
    node.address,
    node.privateLink?.address.address,
    address,
    ...network.gateways.filter((one) => one.node === node).map(({ inside }) => inside.address),
    ...network.clientInterfaces.filter((one) => one.node === node).map((one) => one.address.address),
  ];
  if (own.some((one) => one instanceof Ipv4Address && one.equals(to)))
    return { kind: "unreachable", why: `an address of '${node.name}' itself` };

  const client = network.clients.find((one) => one.interface.node === node && one.addresses.some((mine) => mine.equals(to)));
  if (client !== undefined) return { kind: "client", interface: client.interface };

  const gateway = network.gateways.find((one) => one.node === node && one.inside.network.contains(to));
  if (gateway?.inside.network.assignable(to) === true) return { kind: "lan", gateway };
  if (gateway !== undefined) return { kind: "unreachable", why: `the network's own or its broadcast address` };

  const chain = [...network.tunnels, ...network.clientInterfaces].find((one) => one.network.contains(to));
  if (chain !== undefined)
    return {
      kind: "unreachable",
      why: `in ${chain.network.toString()} of '${chain.name}', and no client of '${node.name}' has it`,
    };
  const line = network.nodes.find(({ privateLink }) => privateLink?.address.network.contains(to));
  if (line !== undefined) return { kind: "unreachable", why: `on the private line of '${line.name}'` };
  const why = notPublic(to);
  return why === undefined ? { kind: "internet" } : { kind: "unreachable", why };
}
