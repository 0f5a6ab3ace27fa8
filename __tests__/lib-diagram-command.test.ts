import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import { Command } from "commander";
import { readSynthesized } from "../app/synthesized";
import { diagramCommand } from "../cli/diagram";
import { renderMermaid, renderSvg } from "../lib/diagram";
import { traceNetwork, type TracedNetwork } from "../lib/trace";
import { publicDirectory, removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { reference } from "./support/reference";

afterAll(removeTemporaryDirectories);

let out: string;
let network: TracedNetwork;
beforeAll(() => {
  out = temporaryDirectory();
  const app = new App({ outdir: out, context: { "wgchain:directory": publicDirectory() } });
  reference(new TerraformStack(app, "net"));
  app.synth();
  network = traceNetwork(readSynthesized(out));
});

/** What `wgchain diagram` prints with these arguments. */
async function diagram(...parameters: string[]): Promise<string> {
  let printed = "";
  const write = jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    const command = diagramCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    await new Command("wgchain").addCommand(command).parseAsync(["node", "wgchain", "diagram", ...parameters]);
  } finally {
    write.mockRestore();
  }
  return printed;
}

test("prints Mermaid where nothing else is said, or SVG", async () => {
  expect(await diagram(out)).toBe(renderMermaid(network));
  expect(await diagram(out, "--format", "svg")).toBe(renderSvg(network));
});

test("writes a file instead", async () => {
  const file = join(temporaryDirectory(), "network.svg");
  expect(await diagram(out, "--format", "svg", "--out", file)).toBe("");
  expect(readFileSync(file, "utf8")).toBe(renderSvg(network));
});

test("says what is wrong, and how to mend it", async () => {
  await expect(diagram(out, "--out", join(out, "no", "such", "place.svg"))).rejects.toThrow(
    /no\/such\/place\.svg cannot be written: /,
  );
  await expect(diagram(join(out, "nowhere"))).rejects.toThrow(/nowhere is not there; synthesize first/);
  await expect(diagram(out, "--stack", "other")).rejects.toThrow(/no stack 'other' with a network; it has net/);
  await expect(diagram(out, "--format", "png")).rejects.toThrow(/Allowed choices are mermaid, svg/);
});
