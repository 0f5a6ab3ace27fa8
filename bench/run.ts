import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { chain } from "./chain";
import { clientAdd } from "./client-add";
import { converge } from "./converge";
import { deploying } from "./deploy";
import { forwarding } from "./forwarding";
import type { Part, Result } from "./part";
import { svgOf } from "./plot";
import { proof } from "./proof";
import { synthesis } from "./synthesis";
import { page, terminalLine } from "./report";

/*
 * What it costs, beside what people would use instead. Prints ratios, and writes docs/bench.md with its plots when all parts were run in full. No
 * figure is a pass mark: it fails only where it could not measure.
 */
const parts: readonly Part[] = [forwarding, chain, synthesis, proof, converge, deploying, clientAdd];
const docs = join(__dirname, "../docs");

async function main(names: readonly string[], { quick = false }: { quick?: boolean }): Promise<void> {
  const wanted = names.length === 0 ? parts : parts.filter(({ name }) => names.includes(name));
  const results: (readonly [Part, Result])[] = [];
  const failed: string[] = [];
  for (const part of wanted) {
    const start = Date.now();
    process.stdout.write(`\n== ${part.name}: ${part.about}\n`);
    try {
      const result = await part.run({ quick, say: (line) => void process.stderr.write(`   ${line}\n`) });
      results.push([part, result]);
      for (const row of result.rows) process.stdout.write(`${terminalLine(row)}\n`);
    } catch (error) {
      // The others have their figures all the same.
      failed.push(part.name);
      process.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    }
    process.stdout.write(`   ${Math.round((Date.now() - start) / 1000)} s\n`);
  }
  const missed = results.flatMap(([, { rows }]) => rows.filter(({ reach }) => reach?.holds === false));
  process.stdout.write(
    missed.length === 0 ? "\nall that is to be reached is\n" : `\nnot reached: ${missed.map(({ what }) => what).join("; ")}\n`,
  );
  if (failed.length > 0) throw new Error(`could not be measured: ${failed.join(", ")}; docs/bench.md is as it was`);
  if (quick || wanted.length < parts.length) return;
  mkdirSync(join(docs, "bench"), { recursive: true });
  for (const [, { plots }] of results)
    for (const plot of plots) writeFileSync(join(docs, "bench", `${plot.name}.svg`), svgOf(plot));
  writeFileSync(join(docs, "bench.md"), page(results, new Date().toISOString().slice(0, 10)));
  process.stdout.write("written: docs/bench.md\n");
}

const all = parts.map(({ name }) => name);
void new Command("bench")
  .description("figures beside those of what people would use instead, as ratios; a full run writes docs/bench.md")
  .argument("[part...]", `some of ${all.join(", ")}; all when none is named`)
  .addOption(new Option("--quick", "fewer sizes and runs: whether it works, not what it says"))
  .action((names: string[], options: { quick?: boolean }) => {
    const unknown = names.filter((name) => !all.includes(name));
    if (unknown.length > 0) throw new Error(`no part '${unknown.join("', '")}'; there are ${all.join(", ")}`);
    return main(names, options);
  })
  .parseAsync()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? `error: ${error.message}` : error);
    process.exitCode = 1;
  });
