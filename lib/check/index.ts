import type { Network } from "../model/model";
import type { Incomplete } from "../model/context";
import { onDemand } from "../on-demand";
import type { Problems } from "../problem";
import { checkClients, checkHostAddresses, checkLabels, checkNetworks } from "./addresses";
import { checkUniqueness } from "./names";
import { checkAllowedIps, checkOwnRoutes } from "./own-routes";
import { checkNumbers, checkPaths, checkSources } from "./policies";
import { checkUnmanaged } from "./unmanaged";

type Check = (network: Network, problems: Problems, incomplete: Incomplete) => void;

const checks: readonly Check[] = [
  checkHostAddresses,
  checkNetworks,
  checkLabels,
  checkClients,
  checkUniqueness,
  checkSources,
  checkPaths,
  checkNumbers,
  checkOwnRoutes,
  checkAllowedIps,
  checkUnmanaged,
];

/** Of what few networks have. */
function fewHave({ policies, gateways, forwards, clientInterfaces }: Network): readonly Check[] {
  const checks: Check[] = [];
  if (policies.some(({ failover }) => failover !== undefined)) checks.push(onDemand.checkFailover().checkFailover);
  if (gateways.length > 0) checks.push(onDemand.checkForwards().checkGateways);
  if (forwards.length > 0) checks.push(onDemand.checkForwards().checkForwards);
  if (clientInterfaces.some(({ dns }) => dns !== undefined)) checks.push(onDemand.checkResolvers().checkResolvers);
  return checks;
}

/** Every rule of the whole network; all that is wrong is reported, not the first. */
export function checkNetwork(network: Network, problems: Problems, incomplete: Incomplete): void {
  for (const check of [...checks, ...fewHave(network)]) check(network, problems, incomplete);
}
