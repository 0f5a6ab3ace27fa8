import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { CliError, messageOf } from "../app/error";
import { requireSound, runApp } from "../app/run-app";
import { readSynthesized } from "../app/synthesized";
import { renderMermaid, renderSvg } from "../lib/diagram";
import { traceNetwork, type SynthesizedStack } from "../lib/trace";

export interface DiagramOptions {
  readonly app: string;
  readonly stack?: string;
  readonly format: "mermaid" | "svg";
  readonly out?: string;
}

export function diagramCommand(): Command {
  return new Command("diagram")
    .description("draw the network: hosts, tunnels, and one colour for each way from clients to an exit, as a trace sees them")
    .argument("[dir]", "a directory with synthesized output (cdktf.out); the app is synthesized when it is not named")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--stack <name>", "the stack to draw, where there are several")
    .addOption(new Option("--format <format>", "how to draw it").choices(["mermaid", "svg"]).default("mermaid"))
    .option("--out <file>", "write it there, not to the terminal")
    .addHelpText(
      "after",
      "\nExamples:\n  wgchain diagram\n  wgchain diagram --format svg --out network.svg\n  wgchain diagram cdktf.out",
    )
    .action(async (directory: string | undefined, options: DiagramOptions) => {
      await diagram(directory, options);
    });
}

export async function diagram(directory: string | undefined, options: DiagramOptions): Promise<void> {
  const stack = directory === undefined ? await synthesized(options) : readSynthesized(directory, options.stack);
  const network = traceNetwork(stack);
  const text = options.format === "svg" ? renderSvg(network) : renderMermaid(network);
  if (options.out === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(options.out, text);
  } catch (error) {
    throw new CliError(`${options.out} cannot be written: ${messageOf(error)}`);
  }
}

async function synthesized({ app, stack }: DiagramOptions): Promise<SynthesizedStack> {
  const scratch = mkdtempSync(join(tmpdir(), "wgchain-"));
  try {
    const { inventory, synthesized: done, output } = await runApp(app, scratch, stackEnv(stack));
    requireSound(inventory, new Set());
    if (!done) throw new CliError(`the app does not synthesize:\n${output.trimEnd()}`);
    return readSynthesized(scratch, stack);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const stackEnv = (stack: string | undefined): NodeJS.ProcessEnv =>
  stack === undefined ? process.env : { ...process.env, WGCHAIN_STACK: stack };
