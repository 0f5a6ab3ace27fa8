import type { Inventory, InventoryClient } from "../../lib/inventory";
import { parseEndpoint } from "../../lib/client-config/client-config";
import { CliError, messageOf } from "../../app/error";
import { TerraformState } from "../../app/terraform-state";

/** Where a client calls: as asked, else the entry's address; a VM's is known to Terraform alone. */
export async function endpointOf(
  inventory: Inventory,
  client: InventoryClient,
  { app, endpoint, state }: { readonly app: string; readonly endpoint?: string; readonly state?: string },
): Promise<string> {
  if (endpoint !== undefined) return parseEndpoint(endpoint);
  const host = inventory.nodes.find(({ name }) => name === client.node)?.host;
  if (host === undefined) throw new CliError(`the app has no node '${client.node}', to which client '${client.name}' connects`);
  if (host.kind !== "gce") return host.address;
  let why = "it is not deployed yet";
  try {
    const known = state === undefined ? await TerraformState.pull(app, inventory.stack) : TerraformState.read(state);
    const address = known.value(host.externalAddress);
    if (address !== undefined) return address;
  } catch (error) {
    why = messageOf(error);
  }
  throw new CliError(
    `the address of ${client.node} is known after its first deploy (${why}); deploy, then: wgchain client config ${client.name}; or name it: --endpoint HOST`,
  );
}
