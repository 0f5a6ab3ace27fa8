import type { Network } from "../model/model";
import type { Problems } from "../problem";

/** What only a delivery could make true: nothing is delivered to a host of somebody else's. */
export function checkUnmanaged(network: Network, problems: Problems): void {
  for (const { kind, name, path, repairEvery } of network.nodes) {
    if (kind !== "unmanaged" || repairEvery === undefined) continue;
    problems.report(
      "unmanaged-host",
      path,
      `repairEvery is ${repairEvery}, but the host of '${name}' is somebody else's and gets no program that could repair it; leave it out`,
    );
  }
  for (const { path, preshared, server, client } of network.tunnels) {
    const other = [server, client].find(({ node }) => node.kind === "unmanaged");
    if (preshared === undefined || other === undefined) continue;
    problems.report(
      "unmanaged-host",
      path,
      `presharedKey is set, but the host of '${other.node.name}' is somebody else's, where none can be made; leave it out`,
    );
  }
}
