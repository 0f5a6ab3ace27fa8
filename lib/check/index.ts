import type { Network } from "../model/model";
import type { Incomplete } from "../model/context";
import type { Problems } from "../problem";
import { checkClients, checkHostAddresses, checkLabels, checkNetworks } from "./addresses";
import { checkFailover } from "./failover";
import { checkForwards, checkGateways } from "./forwards";
import { checkUniqueness } from "./names";
import { checkAllowedIps, checkOwnRoutes } from "./own-routes";
import { checkResolvers } from "./resolvers";
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
  checkFailover,
  checkGateways,
  checkForwards,
  checkResolvers,
];

/** Every rule of the whole network; all that is wrong is reported, not the first. */
export function checkNetwork(network: Network, problems: Problems, incomplete: Incomplete): void {
  for (const check of checks) check(network, problems, incomplete);
}
