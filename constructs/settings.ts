import type { Node } from "constructs";
import { revertSeconds as limits } from "../lib/model/numbers";

/**
 * cdktf context `wgchain:revertSeconds` (in cdktf.json): how many seconds a deploy may go without a sign of life before every host returns to its last
 * good configuration.
 * @returns a whole number from 10 to 3600, or 0: never; 60 when it is not set
 * @throws Error when it is anything else
 */
export function revertSeconds(node: Node): number {
  const value: unknown = node.tryGetContext("wgchain:revertSeconds");
  if (value === undefined) return limits.normal;
  if (value === 0) return 0;
  if (typeof value === "number" && Number.isInteger(value) && value >= limits.least && value <= limits.most) return value;
  throw new Error(
    `context wgchain:revertSeconds ${JSON.stringify(value)} is out of range; write a whole number from ${limits.least} to ${limits.most} (seconds) in cdktf.json, or 0 for never`,
  );
}
