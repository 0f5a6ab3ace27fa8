import * as path from "node:path";
import { withPlaceholders } from "../../app/placeholder-keys";
import { runApp } from "../../app/run-app";
import { readSynthesized } from "../../app/synthesized";
import { ProvenNetwork } from "../../lib/assert/proven-network";
import type { Inventory } from "../../lib/inventory";
import { prove } from "../../lib/prove/prove";
import { temporaryDirectory } from "./directory";
import { readSynthesized as readResources, type Synthesized } from "./synth";

export interface Example extends Synthesized {
  readonly inventory: Inventory;
  /** Its packets, for the matchers of `constructs/jest`. */
  readonly network: ProvenNetwork;
}

/** An example's app, run as cdktf runs it, validations on; its keys are stand-ins, since none are committed. Throws what the app says against it. */
export async function synthesizeExample(folder: string): Promise<Example> {
  const [directory, out] = [temporaryDirectory(), temporaryDirectory()];
  // Which keys it needs, the app itself says.
  const { inventory: without } = await runApp(folder, temporaryDirectory(), {
    ...process.env,
    WGCHAIN_DIR: temporaryDirectory(),
  });
  withPlaceholders(without, directory);
  const { inventory, synthesized, output } = await runApp(folder, out, { ...process.env, WGCHAIN_DIR: directory });
  if (!synthesized) throw new Error(output);
  const stack = readSynthesized(out);
  const { network, failures } = prove(stack);
  if (failures.length > 0) throw new Error(failures.map(({ message }) => message).join("\n"));
  return {
    ...readResources(path.join(out, "stacks", inventory.stack)),
    inventory,
    network: new ProvenNetwork(stack, network),
  };
}
