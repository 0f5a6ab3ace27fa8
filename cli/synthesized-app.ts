import { join } from "node:path";
import { CliError } from "../app/error";
import { mendedByKeys, withPlaceholders } from "../app/placeholder-keys";
import { requireSound, runApp } from "../app/run-app";
import { readSynthesized } from "../app/synthesized";
import { withTemporary } from "../app/temporary";
import type { Inventory, InventoryProblem } from "../lib/inventory";
import type { SynthesizedStack } from "../lib/trace";
import type { Output } from "./output";

export interface WhichNetwork {
  /** Directory of the app's cdktf.json. */
  readonly app: string;
  /** Synthesized output, in place of the app. */
  readonly from?: string;
  readonly stack?: string;
}

/** All is well with the app, but for what packets would do. */
export class Refuted extends CliError {
  constructor(readonly problems: readonly InventoryProblem[]) {
    super(
      `packets would not do what the app declares:\n${problems.map(({ path, message }) => `  ${path}: ${message}`).join("\n")}`,
    );
  }
}

/** The network that a verb is asked about: what was synthesized, or the app synthesized now, into a directory that is thrown away. */
export async function networkOf(which: WhichNetwork, out: Output): Promise<SynthesizedStack> {
  return (await provedAppOf(which, out)).stack;
}

/** The same, and what the app asserts of its own; nothing is known of that where there is only its output. */
export async function provedAppOf({ app, from, stack }: WhichNetwork, out: Output): Promise<ProvedApp> {
  if (from !== undefined) return { stack: readSynthesized(from, stack), assertions: [] };
  return out.wait(`synthesizing ${app}`, synthesizedNow({ app, stack }, out));
}

interface ProvedApp {
  readonly stack: SynthesizedStack;
  readonly assertions: readonly string[];
}

function synthesizedNow(
  { app, stack }: { readonly app: string; readonly stack: string | undefined },
  out: Output,
): Promise<ProvedApp> {
  return withTemporary(async (scratch) => {
    const env = stack === undefined ? process.env : { ...process.env, WGCHAIN_STACK: stack };
    let tree = join(scratch, "own");
    let made = await runApp(app, tree, env);
    if (!made.synthesized && lacksOnlyKeys(made.inventory)) {
      // Keys are made on hosts and choose no way: who leaves where can be seen before there are any.
      const directory = join(scratch, "directory");
      const missing = withPlaceholders(made.inventory, directory);
      out.note(`note: ${missing.length} public keys are not there yet and have stand-ins here; 'wgchain keys' makes them`);
      tree = join(scratch, "stand-ins");
      made = await runApp(app, tree, { ...env, WGCHAIN_DIR: directory });
    }
    const { inventory, synthesized, output } = made;
    const { problems } = inventory;
    if (problems.length > 0 && problems.every(isRefutation)) throw new Refuted(problems);
    requireSound(inventory, new Set());
    if (!synthesized) throw new CliError(`the app does not synthesize:\n${output.trimEnd()}`);
    return { stack: readSynthesized(tree, stack ?? inventory.stack), assertions: inventory.assertions ?? [] };
  });
}

const lacksOnlyKeys = ({ problems }: Inventory): boolean =>
  problems.length > 0 && problems.every(({ code }) => mendedByKeys.has(code));

const isRefutation = ({ code }: InventoryProblem): boolean => code === "assertion" || code.startsWith("proof-");
