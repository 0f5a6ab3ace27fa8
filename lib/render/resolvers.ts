import type { HostPlan, InterfacePlan } from "../plan/host-plan";
import type { StateLine } from "./state";

/** An interface's set of resolvers that may be asked directly. */
export const resolverSet = (name: string): string => `resolvers_of_${name}`;

interface ResolverChain {
  readonly name: string;
  readonly hook: string;
  readonly constant: readonly string[];
}

/**
 * Of an interface whose clients all get their answers from one resolver: a chain of its own, so that it can come, go and stay as a whole while it leaves.
 * What is for the network's own addresses never leaves at an uplink, and stays as it is: a client may be a resolver for others. Cost per packet is flat in
 * the number of clients.
 */
export function resolverChains({ name, resolvers: [first] = [] }: InterfacePlan): ResolverChain[] {
  if (first === undefined) return [];
  const others = `ip daddr != @${resolverSet(name)} ip daddr != @networks dnat to ${first.toString()}`;
  return [
    {
      name: `dns_of_${name}`,
      hook: "nat hook prerouting priority dstnat",
      constant: ["udp", "tcp"].map((protocol) => `iifname "${name}" ${protocol} dport 53 ${others}`),
    },
  ];
}

export const resolverElements = ({ name, resolvers = [] }: InterfacePlan): string[] =>
  resolvers.map((address) => `${resolverSet(name)} ${address.toString()}`);

/** One line an interface, for Terraform, and for the queries that conntrack must forget. */
export function resolverLines({ interfaces }: HostPlan): { readonly resolvers?: StateLine[] } {
  const resolvers = interfaces.flatMap(({ name, network, resolvers: servers = [] }) => {
    const [first] = servers;
    if (first === undefined) return [];
    const list = servers.map(String).join(",");
    const value = `${list}; all other port 53 to ${first.toString()}`;
    return [{ line: `${name} ${network.toString()} ${list}`, key: `resolvers on ${name}`, value }];
  });
  return resolvers.length === 0 ? {} : { resolvers };
}
