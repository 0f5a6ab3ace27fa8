import { Ipv4Address, Ipv4Prefix } from "../address";
import type { Network, Tunnel } from "../model/model";
import { Policies } from "../model/path";
import type { Incomplete } from "../model/context";
import type { Problems } from "../problem";

const list = (prefixes: readonly Ipv4Prefix[]): string => prefixes.map(String).join(", ");
/** By one of them, or by several together: 0.0.0.0/1 and 128.0.0.0/1 are everything. */
const covered = (prefix: Ipv4Prefix, by: readonly Ipv4Prefix[]): boolean =>
  by.some((one) => one.contains(prefix)) ||
  (by.some((one) => prefix.contains(one)) && prefix.halves.every((half) => covered(half, by)));

/** What a host itself sends through a tunnel must have an address to be sent from, get through it, end at an exit, and leave the tunnel's own packets alone. */
export function checkOwnRoutes(network: Network, problems: Problems, incomplete: Incomplete): void {
  const policies = Policies.of(network);
  const inner = [...network.tunnels, ...network.clientInterfaces].map((one) => one.network);
  const seen: { readonly tunnel: Tunnel; readonly prefix: Ipv4Prefix }[] = [];
  for (const tunnel of network.tunnels.filter(({ ownRoutes }) => ownRoutes.length > 0)) {
    const report = (code: string, message: string): void => problems.report(code, tunnel.path, message);
    if (tunnel.clientAddress === undefined)
      report("own-routes-without-address", "has ownRoutes, but its client end has no address to send from; set clientAddress");
    for (const prefix of tunnel.ownRoutes) {
      const text = prefix.toString();
      if (!covered(prefix, tunnel.allowedIps)) {
        report(
          "own-route-not-allowed",
          `ownRoutes sends ${text} into the tunnel, but allowedIps of its client end has only ${list(tunnel.allowedIps)}: WireGuard would drop it in silence, although there is a route; add ${text} to allowedIps, or leave allowedIps out`,
        );
      }
      const underlay = underlayAddresses(network).find(({ address }) => prefix.contains(address));
      if (underlay !== undefined) {
        report(
          "own-route-catches-underlay",
          `ownRoutes has ${text}, which holds ${underlay.address.toString()}, the address of '${underlay.node}': the tunnel's own packets, or SSH, would go into it; take narrower prefixes`,
        );
      }
      const overlap = inner.find((one) => one.overlaps(prefix));
      if (overlap !== undefined)
        report(
          "own-route-overlaps",
          `ownRoutes has ${text}, which overlaps ${overlap.toString()}, a network of this chain; leave that out`,
        );
      const other = seen.find((one) => one.tunnel.client.node === tunnel.client.node && one.prefix.overlaps(prefix));
      if (other !== undefined)
        report(
          "own-route-claimed-twice",
          `ownRoutes has ${text}, and tunnel '${other.tunnel.name}' (${other.tunnel.path}) has ${other.prefix.toString()} on the same host; leave it to one of them`,
        );
      seen.push({ tunnel, prefix });
    }
    for (const { end, tunnels } of policies.allOwn(tunnel)) {
      if (end.kind === "exit") continue;
      const way = [tunnel.client.node.name, ...tunnels.map(({ server }) => server.node.name)].join(" -> ");
      if (end.kind === "loop")
        report(
          "routing-loop",
          `the way ${way} of its ownRoutes comes to '${end.node.name}' twice; change via of one policy on it`,
        );
      if (end.kind === "no-policy" && !incomplete.policies.has(end.node.path))
        report(
          "path-without-exit",
          `the way ${way} of its ownRoutes ends at '${end.node.name}', which is no exit and has no policy for ${end.source.toString()}; set exit: true on '${end.node.name}' or add a SourcePolicy there`,
        );
      break;
    }
  }
}

function underlayAddresses({ nodes }: Network): { readonly address: Ipv4Address; readonly node: string }[] {
  return nodes.flatMap(({ name, address, privateLink }) =>
    [address, privateLink?.address.address].flatMap((one) => (one instanceof Ipv4Address ? [{ address: one, node: name }] : [])),
  );
}

/** Clients' packets go to anywhere, so a tunnel that they take must let everything through; and its own two ends must reach each other. */
export function checkAllowedIps(network: Network, problems: Problems): void {
  const used = new Map(
    network.policies.flatMap((policy) =>
      [policy.via, ...(policy.failover?.others ?? []).map(({ via }) => via)].flatMap((via) =>
        via === "uplink" ? [] : [[via, policy] as const],
      ),
    ),
  );
  for (const tunnel of network.tunnels) {
    const { allowedIps, path } = tunnel;
    const has = `allowedIps has only ${list(allowedIps)}`;
    const policy = used.get(tunnel);
    if (policy !== undefined && !covered(Ipv4Prefix.all, allowedIps))
      problems.report(
        "allowed-ips-too-narrow",
        path,
        `${has}, but policy '${policy.name}' (${policy.path}) sends what goes to the whole internet through it: WireGuard would drop the rest in silence; leave allowedIps out`,
      );
    if (!covered(Ipv4Prefix.host(tunnel.serverAddress), allowedIps))
      problems.report(
        "allowed-ips-too-narrow",
        path,
        `${has}, not the server end's ${tunnel.serverAddress.toString()}; add ${tunnel.network.toString()}`,
      );
  }
}
