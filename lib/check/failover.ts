import { Ipv4Address } from "../address";
import type { Network, Policy } from "../model/model";
import { choicesName, Policies } from "../model/path";
import type { Problems } from "../problem";

/** What measures exits needs a host of ours, somebody in the internet who answers, and one way to measure for one list of choices. */
export function checkFailover(network: Network, problems: Problems): void {
  const policies = Policies.of(network);
  const known = new Map<string, Policy>();
  for (const policy of network.policies) {
    const { failover, node, path } = policy;
    if (failover === undefined) continue;
    if (node.kind === "unmanaged") {
      problems.report(
        "unmanaged-host",
        path,
        `via names several choices, but the host of '${node.name}' is somebody else's and gets no program that could measure them; name one`,
      );
    }
    for (const target of failover.probing.targets) {
      const owner = ownerOf(network, target);
      if (owner === undefined) continue;
      problems.report(
        "probe-target",
        path,
        `failover.targets has ${target.toString()}, which is ${owner}: an answer from there says nothing about an exit; name hosts of the internet, e.g. 1.1.1.1`,
      );
    }
    const key = `${node.name}/${choicesName(policies, policy)}`;
    const other = known.get(key);
    if (other !== undefined && JSON.stringify(other.failover?.probing) !== JSON.stringify(failover.probing)) {
      problems.report(
        "failover-differs",
        path,
        `policies '${other.name}' and '${policy.name}' have the same choices, which are measured once, but other settings in failover; give both the same`,
      );
    }
    known.set(key, policy);
  }
}

function ownerOf({ nodes, tunnels, clientInterfaces }: Network, target: Ipv4Address): string | undefined {
  const node = nodes.find(({ address }) => address instanceof Ipv4Address && address.equals(target));
  if (node !== undefined) return `the address of '${node.name}'`;
  const inside = [...tunnels, ...clientInterfaces].find(({ network }) => network.contains(target));
  return inside === undefined ? undefined : `in ${inside.network.toString()} of '${inside.name}'`;
}
