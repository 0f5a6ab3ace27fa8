import type { Forward, Network, Node } from "../model/model";
import { forwardMarks, priorities } from "../model/numbers";
import { targetOf } from "../model/targets";
import type { ForwardPlan, GatewayPlan, HostPlan, RulePlan } from "./host-plan";

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

/** Nothing for a node that has neither private networks nor forwards: its files stay as they are. */
export function gatewayOf(network: Network, node: Node): Pick<HostPlan, "gateway"> {
  const gateway: GatewayPlan = {
    lans: network.gateways
      .filter((one) => one.node === node)
      .map(({ name, inside, snat }) => ({ name, inside, ...(snat === undefined ? {} : { snat }) }))
      .sort(byName),
    forwards: forwardsOf(network, node).map(planForward).sort(byName),
  };
  return gateway.lans.length === 0 && gateway.forwards.length === 0 ? {} : { gateway };
}

const forwardsOf = (network: Network, node: Node): Forward[] => network.forwards.filter((one) => one.node === node);

function planForward({ name, protocols, ports, address, to, toPort, source, from }: Forward): ForwardPlan {
  return {
    name,
    protocols,
    ports,
    ...(address === undefined ? {} : { address }),
    to,
    toPort,
    source,
    from: from.some(({ length }) => length === 0) ? [] : from,
  };
}

/**
 * For targets that are clients of the node. What they answer is marked; and so is what comes in for them, since the uplink's reverse-path check looks up with
 * the interface that it will leave by, as an answer would come in.
 */
export function forwardRules(network: Network, node: Node): RulePlan[] {
  return forwardsOf(network, node).flatMap((forward) => {
    const target = targetOf(network, forward);
    if (target.kind !== "client") return [];
    const { name: iif } = target.interface;
    return [{ priority: priorities.forwardReply, iif, fwmark: forwardMarks.gateway, table: "main" as const }];
  });
}
