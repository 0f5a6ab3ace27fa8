import { writeFileSync } from "node:fs";
import { Option } from "commander";
import { CliError, messageOf } from "../app/error";
import { mermaidLimits, renderMermaid, renderSvg } from "../lib/diagram";
import { traceNetwork } from "../lib/trace";
import { Output, type OutputOptions } from "./output";
import { networkOf } from "./synthesized-app";
import { Verb } from "./verb";

export interface DiagramOptions extends OutputOptions {
  readonly app: string;
  readonly stack?: string;
  readonly format: "mermaid" | "svg";
  readonly out?: string;
}

export function diagramCommand(): Verb {
  return new Verb("diagram")
    .description("draw the network: hosts, tunnels, and one colour for each way from clients to an exit, as a trace sees them")
    .about({
      examples: ["wgchain diagram", "wgchain diagram --format svg --out network.svg", "wgchain diagram cdktf.out"],
      json: ["format", "out", "diagram"],
    })
    .argument("[dir]", "a directory with synthesized output (cdktf.out); the app is synthesized when it is not named")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--stack <name>", "the stack to draw, where there are several")
    .addOption(new Option("--format <format>", "how to draw it").choices(["mermaid", "svg"]).default("mermaid"))
    .option("--out <file>", "write it there, not to the terminal")
    .runs((directory: string | undefined, options: DiagramOptions) => diagram(directory, options));
}

export async function diagram(directory: string | undefined, options: DiagramOptions): Promise<void> {
  const from = directory === undefined ? {} : { from: directory };
  const out = Output.of(options);
  const network = traceNetwork(await networkOf({ ...options, ...from }, out));
  const text = options.format === "svg" ? renderSvg(network) : renderMermaid(network);
  if (options.format === "mermaid" && text.length >= mermaidLimits.characters) {
    out.note(
      `warning: ${text.length} characters are more than Mermaid draws unless it is set to (${mermaidLimits.characters}); --format svg has no limit`,
    );
  }
  if (options.out !== undefined) writeTo(options.out, text);
  // What is in a file already is not printed again.
  const { format, out: file = null } = options;
  out.result({ format, out: file, diagram: text }, () => (file === null ? text : ""));
}

function writeTo(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CliError(`${file} cannot be written: ${messageOf(error)}`);
  }
}
