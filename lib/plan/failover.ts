import { priorities } from "../model/numbers";
import type { HostPlan, RulePlan, SourcePlan } from "./host-plan";
import type { Way, WaySource } from "./ways";

/** Nothing for a node without failover: its files stay as they are. */
export function failoversOf(ways: readonly Way[]): Pick<HostPlan, "failovers"> {
  const failovers = ways.flatMap(({ name, table, failover }) =>
    failover === undefined
      ? []
      : [
          {
            name,
            table,
            probing: failover.probing,
            choices: failover.choices.map((choice) => ({
              exit: choice.exit.name,
              interface: choice.via.client.name,
              table: choice.table,
              source: choice.snat,
            })),
          },
        ],
  );
  return failovers.length === 0 ? {} : { failovers };
}

/** What the host itself sends with the mark of a choice goes by that choice, or nowhere. */
export const probeRules = ({ failover }: Way): RulePlan[] =>
  (failover?.choices ?? []).map(({ table }) => ({ priority: priorities.probe, iif: "lo", fwmark: table, table }));

/** The labels of a source by the further choices of its way. */
export function othersOf({ failover }: Way, { otherSnats = [] }: WaySource): Pick<SourcePlan, "others"> {
  const others = (failover?.choices ?? []).slice(1).flatMap(({ exit, via }, index) => {
    const snat = otherSnats[index];
    return snat === undefined ? [] : [{ exit: exit.name, interface: via.client.name, snat }];
  });
  return others.length === 0 ? {} : { others };
}
