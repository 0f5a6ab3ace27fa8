import type { Interface, Network, Policy, PolicySource } from "../model/model";
import { exitTables } from "../model/numbers";
import type { Incomplete } from "../model/context";
import { Policies, type Path } from "../model/path";
import type { Problems } from "../problem";

/** A source may be claimed by one policy of a node only: which rule came first must not matter. */
export function checkSources(network: Network, problems: Problems): void {
  const claims = new Map<Interface, { policy: Policy; source: PolicySource }[]>();
  for (const policy of network.policies) {
    for (const source of policy.sources) {
      const list = claims.get(source.incoming);
      if (list === undefined) claims.set(source.incoming, [{ policy, source }]);
      else list.push({ policy, source });
    }
  }
  for (const list of claims.values()) {
    list.sort((a, b) => a.source.prefix.base - b.source.prefix.base || a.source.prefix.length - b.source.prefix.length);
    let widest: (typeof list)[number] | undefined;
    for (const claim of list) {
      if (widest?.source.prefix.overlaps(claim.source.prefix)) {
        problems.report(
          "source-claimed-twice",
          claim.policy.path,
          `source ${claim.source.prefix.toString()} is claimed by '${claim.policy.name}', and ${widest.source.prefix.toString()} by '${widest.policy.name}' (${widest.policy.path}); leave it to one of them`,
        );
      }
      if (widest === undefined || claim.source.prefix.last > widest.source.prefix.last) widest = claim;
    }
  }
}

/** Every policy's way must end in an exit, without coming to a node twice. */
export function checkPaths(network: Network, problems: Problems, incomplete: Incomplete): void {
  const policies = Policies.of(network);
  for (const policy of network.policies) {
    for (const path of policies.all(policy)) {
      if (!checkPath(policy, path, problems, incomplete)) break;
    }
  }
}

/** The first of its ways that is wrong is told. */
function checkPath(policy: Policy, { end, tunnels }: Path, problems: Problems, incomplete: Incomplete): boolean {
  const way = [policy.node.name, ...tunnels.map((tunnel) => tunnel.server.node.name)].join(" -> ");
  if (end.kind === "loop") {
    problems.report(
      "routing-loop",
      policy.path,
      `the way ${way} comes to '${end.node.name}' twice; change via of one policy on it`,
    );
  } else if (end.kind === "no-policy" && !incomplete.policies.has(end.node.path)) {
    problems.report(
      "path-without-exit",
      policy.path,
      `the way ${way} ends at '${end.node.name}', which is no exit and has no policy for ${end.source.toString()}; set exit: true on '${end.node.name}' or add a SourcePolicy there`,
    );
  }
  return end.kind === "exit";
}

/** Numbers set by hand: a priority or table serves one way on a node. */
export function checkNumbers(network: Network, problems: Problems): void {
  const policies = Policies.of(network);
  const priorities = new Map<string, Policy>();
  const tables = new Map<string, { policy: Policy; way: string }>();
  for (const policy of network.policies) {
    const { node, priority, routeTable } = policy;
    if (priority !== undefined) {
      const key = `${node.path} ${priority}`;
      const other = priorities.get(key);
      if (other !== undefined) {
        problems.report(
          "priority-used-twice",
          policy.path,
          `priority ${priority} is used by '${other.name}' and '${policy.name}'; set another on one, or leave both out`,
        );
      }
      priorities.set(key, policy);
    }
    if (routeTable === undefined) continue;
    if (routeTable >= exitTables.first && routeTable < exitTables.first + exitTables.slots) {
      problems.report(
        "table-out-of-range",
        policy.path,
        `routeTable ${routeTable} lies where tables are allocated (${exitTables.first} to ${exitTables.first + exitTables.slots - 1}); take one below, e.g. 51820`,
      );
    }
    const key = `${node.path} ${routeTable}`;
    const { end } = policies.follow(policy);
    const choices = [policy.via, ...(policy.failover?.others ?? []).map(({ via }) => via)];
    const way = `${choices.map((via) => (via === "uplink" ? via : via.path)).join(" ")} ${end.kind === "exit" ? end.node.path : ""}`;
    const other = tables.get(key);
    if (other !== undefined && other.way !== way) {
      problems.report(
        "table-used-twice",
        policy.path,
        `table ${routeTable} is used by '${other.policy.name}' and '${policy.name}', which go different ways; set another routeTable on one`,
      );
    }
    tables.set(key, { policy, way });
  }
}
