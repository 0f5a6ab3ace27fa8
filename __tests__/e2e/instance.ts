import { existsSync, readdirSync } from "node:fs";
import { Lab } from "../../lab";

/** A lab of this run's own, so that two runs at once do not trip each other. */
export const ownLab = (suffix: string): Lab => new Lab({ instance: `e2e-${process.pid}-${suffix}` });

/** Removes labs of runs that were killed. */
export async function removeStaleLabs(): Promise<void> {
  const { root } = ownLab("x").paths;
  const base = root.slice(0, root.lastIndexOf("/"));
  const names = existsSync(base) ? readdirSync(base) : [];
  for (const name of names) {
    const pid = /^e2e-(\d+)-[a-z]+$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await new Lab({ instance: name }).down({ force: true });
  }
}
