import { readFileSync, writeFileSync } from "node:fs";

interface Resource {
  readonly type: string;
  readonly name: string;
  readonly instances: { status?: string }[];
}
interface TfState {
  serial: number;
  resources: Resource[];
}

function edit(file: string, change: (state: TfState) => void): void {
  const state = JSON.parse(readFileSync(file, "utf8")) as TfState;
  change(state);
  state.serial += 1;
  writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`);
}

/** As `terraform taint null_resource.NAME`. */
export function taint(file: string, name: string): void {
  edit(file, ({ resources }) => {
    const found = resources.find((one) => one.type === "null_resource" && one.name === name);
    if (found === undefined) throw new Error(`the state has no null_resource.${name}`);
    for (const instance of found.instances) instance.status = "tainted";
  });
}

export function isTainted(file: string, name: string): boolean {
  const { resources } = JSON.parse(readFileSync(file, "utf8")) as TfState;
  const found = resources.find((one) => one.type === "null_resource" && one.name === name);
  return found !== undefined && found.instances.some(({ status }) => status === "tainted");
}

/** All that is ours is forgotten; the VM and its network are as after `terraform import`. */
export function forgetNullResources(file: string): number {
  let count = 0;
  edit(file, (state) => {
    const kept = state.resources.filter(({ type }) => type !== "null_resource");
    count = state.resources.length - kept.length;
    state.resources = kept;
  });
  return count;
}
