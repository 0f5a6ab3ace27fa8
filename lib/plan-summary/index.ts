export { knownAddresses, readKnownAddresses } from "./addresses";
export { PlanError, requirePlan, summarizePlan, type PlanSummary } from "./plan";
export { countPlan, renderPlan } from "./render";
