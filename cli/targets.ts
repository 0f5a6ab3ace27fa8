import type { Inventory, InventoryGceHost, InventoryNode } from "../lib/inventory";
import { messageOf } from "../app/error";
import { TerraformState } from "../app/terraform-state";
import { hostKeyAlias, isSshNode, type SshTarget } from "./ssh";

/** A node and how to reach it; or why that is not known. */
export interface Located {
  readonly name: string;
  readonly target: SshTarget | undefined;
  readonly reason: string;
}

/** A VM's address and id are known to Terraform's state alone. */
export async function locate(app: string, { stack }: Inventory, nodes: readonly InventoryNode[]): Promise<readonly Located[]> {
  let state: TerraformState | undefined;
  let reason = "";
  if (!nodes.every(isSshNode)) {
    try {
      state = await TerraformState.pull(app, stack);
    } catch (error) {
      reason = messageOf(error);
    }
  }
  return nodes.map((node) => {
    const { name, host } = node;
    if (host.kind === "ssh") return { name, target: { name, host }, reason: "" };
    if (host.kind === "unmanaged") return { name, target: undefined, reason: "it is somebody else's host, which is not asked" };
    const target = state === undefined ? undefined : targetOf(name, host, state);
    const why = reason === "" ? "" : ` (${reason})`;
    return { name, target, reason: `not deployed yet, or its state is not reachable from here${why}` };
  });
}

function targetOf(name: string, host: InventoryGceHost, state: TerraformState): SshTarget | undefined {
  const id = state.value(`${host.instance}.instance_id`);
  const address = state.value(host.externalAddress);
  if (id === undefined || address === undefined || !/^\d+$/.test(id)) return undefined;
  return {
    name,
    hostKeyAlias: `${hostKeyAlias(name)}-${id}`,
    host: { kind: "ssh", address, destination: address, user: host.user },
  };
}
