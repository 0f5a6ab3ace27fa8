import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError, messageOf } from "../app/error";
import { readSynthesized } from "../app/synthesized";
import { readKnownAddresses } from "../lib/plan-summary";
import { compose } from "./compose";
import { harmless } from "./harmless";
import { sectionsOf, type Side } from "./sections";
import { readSynthesis } from "./synthesis";
import { requirePlainFiles } from "./untrusted";
import { viewsOf } from "./views";

const usage = `usage: comment.ts [--plan DIRECTORY] [--room CHARACTERS] SIDES COMMENT.md

Writes the comment of a pull request from what ci/synth.ts made of both sides, SIDES/base and SIDES/head. It runs nothing of theirs: what stands in the
files is taken for anybody's. DIRECTORY has what ci/plan
made, where it made something. Exit status 0, 1 an error here, 2 usage.`;

interface Arguments {
  readonly sides: string;
  readonly out: string;
  readonly plan?: string;
  readonly room?: number;
}

function main(argv: readonly string[]): number {
  const given = parse(argv);
  if (given === undefined) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  requirePlainFiles(given.sides);
  const [base, head] = [side(given.sides, "base"), side(given.sides, "head")];
  const plan = readPlan(given.plan, head.synthesis.stack);
  const views = viewsOf((address) => plan.addresses[address]);
  const sections = sectionsOf({ base, head, ...(plan.text === undefined ? {} : { plan: plan.text }) }, views);
  const safe = sections.map((section) => ({ ...section, markdown: harmless(section.markdown) }));
  writeFileSync(given.out, compose(safe, given.room));
  return 0;
}

interface Planned {
  readonly text?: string;
  readonly addresses: Readonly<Record<string, string>>;
}

function readPlan(directory: string | undefined, stack: string | null): Planned {
  if (directory === undefined || !existsSync(join(directory, "plan.txt"))) return { addresses: {} };
  requirePlainFiles(directory);
  const text = readFileSync(join(directory, "plan.txt"), "utf8");
  const stacks = JSON.parse(readFileSync(join(directory, "addresses.json"), "utf8")) as Readonly<Record<string, unknown>> | null;
  return { text, addresses: readKnownAddresses(stack === null ? undefined : stacks?.[stack]) };
}

function side(sides: string, name: string): Side {
  const directory = join(sides, name);
  const synthesis = readSynthesis(directory);
  if (synthesis.state !== "synthesized" || synthesis.stack === null) return { synthesis };
  return { synthesis, stack: readSynthesized(directory, synthesis.stack) };
}

function parse(argv: readonly string[]): Arguments | undefined {
  const rest = [...argv];
  const option = (name: string): string | undefined => {
    const at = rest.indexOf(name);
    return at < 0 ? undefined : rest.splice(at, 2)[1];
  };
  const [plan, room] = [option("--plan"), option("--room")];
  const [sides, out, ...more] = rest;
  if (sides === undefined || out === undefined || more.length > 0) return undefined;
  if (room !== undefined && !/^[1-9][0-9]{3,6}$/.test(room))
    throw new CliError(`--room '${room}': a number of characters, 1000 to 9999999`);
  return { sides, out, ...(plan === undefined ? {} : { plan }), ...(room === undefined ? {} : { room: Number(room) }) };
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
