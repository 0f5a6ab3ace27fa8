import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { CliError, messageOf } from "../app/error";
import { mermaidLimits, renderMermaid, renderSvg } from "../lib/diagram";
import { traceNetwork } from "../lib/trace";
import { networkOf } from "./synthesized-app";

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
  const from = directory === undefined ? {} : { from: directory };
  const network = traceNetwork(await networkOf({ ...options, ...from }));
  const text = options.format === "svg" ? renderSvg(network) : renderMermaid(network);
  if (options.format === "mermaid" && text.length >= mermaidLimits.characters) {
    process.stderr.write(
      `warning: ${text.length} characters are more than Mermaid draws unless it is set to (${mermaidLimits.characters}); --format svg has no limit\n`,
    );
  }
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
