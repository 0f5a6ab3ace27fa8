import { Ipv4Address, Ipv4Prefix } from "../address";
import type { Network } from "../model/model";
import type { Problems } from "../problem";

/** Nobody has these where an exit's traffic goes to: the internet does not carry them. */
const notPublic: readonly (readonly [prefix: Ipv4Prefix, what: string])[] = (
  [
    ["0.0.0.0/8", "this network"],
    ["10.0.0.0/8", "private"],
    ["100.64.0.0/10", "a provider's own"],
    ["127.0.0.0/8", "the host itself"],
    ["169.254.0.0/16", "link-local"],
    ["172.16.0.0/12", "private"],
    ["192.168.0.0/16", "private"],
    ["224.0.0.0/3", "for groups, or reserved"],
  ] as const
).map(([prefix, what]) => [Ipv4Prefix.parse(prefix), what]);

/** Resolvers are asked by way of the exits: each is somebody's in the internet, and named once. That every way leads there is proved. */
export function checkResolvers(network: Network, problems: Problems): void {
  const own = ownOf(network);
  for (const { path, dns } of network.clientInterfaces) {
    const servers = dns?.servers ?? [];
    servers.forEach((server, index) => {
      const text = server.toString();
      const report = (code: string, message: string): void => problems.report(code, path, `dns server ${text} ${message}`);
      if (servers.findIndex(({ value }) => value === server.value) < index) {
        report("resolver-used-twice", "stands twice in dns.servers; take one away");
        return;
      }
      const mine = own.find(({ prefix }) => prefix.contains(server));
      const special = notPublic.find(([prefix]) => prefix.contains(server));
      if (mine !== undefined) {
        report(
          "resolver-own",
          `is ${mine.what}: no resolver of wgchain's is there, and its queries would not leave at the clients' exits; take a public resolver, e.g. 9.9.9.9`,
        );
      } else if (special !== undefined) {
        const [prefix, what] = special;
        report(
          "resolver-not-public",
          `is in ${prefix.toString()} (${what}), and no exit's uplink leads there; take a public resolver, e.g. 9.9.9.9`,
        );
      }
    });
  }
}

function ownOf(network: Network): { readonly prefix: Ipv4Prefix; readonly what: string }[] {
  return [
    ...network.clientInterfaces.map((one) => ({ prefix: one.network, what: `in the network of '${one.name}'` })),
    ...network.tunnels.map((one) => ({ prefix: one.network, what: `in the network of tunnel '${one.name}'` })),
    ...network.gateways.map((one) => ({ prefix: one.inside.network, what: `in private network '${one.name}'` })),
    ...network.nodes.flatMap(({ name, address, privateLink, subnetwork }) => [
      ...(address instanceof Ipv4Address ? [{ prefix: Ipv4Prefix.host(address), what: `the address of '${name}'` }] : []),
      ...(privateLink === undefined ? [] : [{ prefix: privateLink.address.network, what: `on the private link of '${name}'` }]),
      ...(subnetwork === undefined ? [] : [{ prefix: subnetwork, what: `in the subnetwork of '${name}'` }]),
    ]),
  ];
}
