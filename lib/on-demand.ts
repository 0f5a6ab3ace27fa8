/* eslint-disable @typescript-eslint/no-require-imports */
import type * as checkFailover from "./check/failover";
import type * as checkForwards from "./check/forwards";
import type * as checkResolvers from "./check/resolvers";
import type * as parseFailover from "./model/parse-failover";
import type * as parseForwards from "./model/parse-forwards";
import type * as planGateway from "./plan/gateway";

/** What only networks with failover, forwards, private networks or resolvers need is loaded by those: a file takes half a millisecond of every synthesis. */
export const onDemand = {
  checkFailover: () => require("./check/failover") as typeof checkFailover,
  checkForwards: () => require("./check/forwards") as typeof checkForwards,
  checkResolvers: () => require("./check/resolvers") as typeof checkResolvers,
  parseFailover: () => require("./model/parse-failover") as typeof parseFailover,
  parseForwards: () => require("./model/parse-forwards") as typeof parseForwards,
  planGateway: () => require("./plan/gateway") as typeof planGateway,
};
