import { changedKeys, type Change, type ChangedKey } from "./keys";

export type Action = "destroy" | "replace" | "forget" | "update" | "create" | "read";

export interface PlannedResource {
  readonly address: string;
  readonly type: string;
  readonly name: string;
  readonly action: Action;
  /** Why, where Terraform's reason says more than the action. */
  readonly reason?: string;
  readonly keys: readonly ChangedKey[];
}

/** What of a plan matters; values that Terraform marks as sensitive are not in it. */
export interface PlanSummary {
  /** The gravest first. */
  readonly resources: readonly PlannedResource[];
  /** Names of outputs that change; their values may be anybody's secret. */
  readonly outputs: readonly string[];
}

/** Not a plan that can be summarized; the message says how to mend it. */
export class PlanError extends Error {
  override readonly name = "PlanError";
}

/** Of `terraform show -json`; its words. */
export interface PlanJson {
  readonly format_version?: unknown;
  readonly errored?: unknown;
  readonly prior_state?: unknown;
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly type: string;
    readonly name: string;
    readonly change: Change;
    readonly action_reason?: string;
  }[];
  readonly output_changes?: Readonly<Record<string, Change>>;
}

const gravest: readonly Action[] = ["destroy", "replace", "forget", "update", "create", "read"];

const actions: Readonly<Record<string, Action>> = {
  delete: "destroy",
  "delete,create": "replace",
  "create,delete": "replace",
  "create,forget": "replace",
  forget: "forget",
  update: "update",
  create: "create",
  read: "read",
};

const reasons: Readonly<Record<string, string>> = {
  replace_because_tainted: "its last deploy failed",
  replace_by_request: "asked for with -replace",
  replace_by_triggers: "what it is bound to changes",
  delete_because_no_resource_config: "the app has it no more",
};

/** Reads what `terraform show -json PLAN` prints. */
export function summarizePlan(json: unknown): PlanSummary {
  const plan = requirePlan(json);
  const resources = (plan.resource_changes ?? []).flatMap(({ address, type, name, change, action_reason }): PlannedResource[] => {
    const action = actionOf(change, address);
    if (action === undefined) return [];
    const reason = reasons[action_reason ?? ""];
    return [{ address, type, name, action, ...(reason === undefined ? {} : { reason }), keys: changedKeys(change) }];
  });
  const outputs = Object.entries(plan.output_changes ?? {}).filter(
    ([name, one]) => actionOf(one, `output ${name}`) !== undefined,
  );
  return { resources: resources.sort(gravestFirst), outputs: outputs.map(([name]) => name).sort() };
}

/** Whether it is a plan that can be read here. */
export function requirePlan(json: unknown): PlanJson {
  const plan = (json ?? {}) as PlanJson;
  const version = plan.format_version;
  if (typeof version !== "string" || !version.startsWith("1.")) {
    const got = version === undefined ? "no format_version" : `format_version ${JSON.stringify(version)}`;
    throw new PlanError(`this is no Terraform plan of format 1 (it has ${got}); give what 'terraform show -json PLAN' prints`);
  }
  if (plan.errored === true) throw new PlanError("terraform could not finish this plan; what 'cdktf diff' printed says why");
  return plan;
}

export function actionOf({ actions: found }: Change, where: string): Action | undefined {
  const name = Array.isArray(found) ? found.join(",") : "";
  if (name === "no-op") return undefined;
  const action = actions[name];
  if (action === undefined) {
    throw new PlanError(
      `${where}: the plan has the action '${name}', which is not known here; read the whole plan with 'cdktf diff'`,
    );
  }
  return action;
}

const gravestFirst = (a: PlannedResource, b: PlannedResource): number =>
  gravest.indexOf(a.action) - gravest.indexOf(b.action) || (a.address < b.address ? -1 : 1);
