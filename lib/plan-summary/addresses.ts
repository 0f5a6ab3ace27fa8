import { actionOf, type PlanJson } from "./plan";

interface StateModule {
  readonly resources?: readonly {
    readonly address?: unknown;
    readonly type?: unknown;
    readonly values?: unknown;
    readonly sensitive_values?: unknown;
  }[];
}

/** Public addresses that stand in the state and stay, by their Terraform address: what the world sees of an exit that only Terraform knows. */
export function knownAddresses(plan: PlanJson): Readonly<Record<string, string>> {
  const leaving = new Set(
    (plan.resource_changes ?? []).flatMap(({ address, change }) => {
      const action = actionOf(change, address);
      return action === undefined || action === "update" ? [] : [address];
    }),
  );
  const root = (plan.prior_state as { values?: { root_module?: StateModule } } | undefined)?.values?.root_module;
  const found = (root?.resources ?? []).flatMap(({ address, type, values, sensitive_values }): [string, string][] => {
    if (typeof address !== "string" || type !== "google_compute_address" || leaving.has(address)) return [];
    const value = (values as { address?: unknown } | undefined)?.address;
    const hidden = sensitive_values === true || (sensitive_values as { address?: unknown } | undefined)?.address === true;
    return typeof value === "string" && isAddress(value) && !hidden ? [[`${address}.address`, value]] : [];
  });
  return Object.fromEntries(found);
}

const isAddress = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(text);

/** The value of what a plan told, where somebody else may have written it down. */
export function readKnownAddresses(json: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(typeof json === "object" && json !== null ? json : {});
  return Object.fromEntries(
    entries.filter(
      (one): one is [string, string] =>
        /^google_compute_address\.[A-Za-z0-9_-]+\.address$/.test(one[0]) && typeof one[1] === "string" && isAddress(one[1]),
    ),
  );
}
