import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { Lab, LabError, readScenario, type Edit } from "../lab";

/*
 * Every example in a lab of its own: what its scenario says must be so is so; and with each of its edits, which take out what it shows, is not.
 */

/** What `npm test` has time for: one of each kind, each with the first of its edits. */
const core = ["port-forward", "own-routes", "chain", "gcp-exit", "failover"];

const folder = __dirname;
const examples = readdirSync(folder)
  .filter((name) => !name.startsWith(".") && existsSync(join(folder, name, "cdktf.json")))
  .sort();

interface Seen {
  /** Undefined: all as it must be. */
  readonly failed?: string;
  readonly probes: number;
}

/** The app in the lab, and its probes: all of them, or until one fails. */
async function look(lab: Lab, app: string, stopAtFirst: boolean): Promise<Seen> {
  await lab.up({ app });
  const probes = await lab.probeScenario({ stopAtFirst });
  const enough = stopAtFirst && probes.some(({ problem }) => problem !== undefined);
  const rows = lab.inventory.clients.length > 0 && !enough ? await lab.probe() : [];
  const failed = [
    ...rows.flatMap(({ client, address, problems }) => problems.map((problem) => `${client} ${address} ${problem}`)),
    ...probes.flatMap(({ name, problem }) => (problem === undefined ? [] : `${name}: ${problem}`)),
  ];
  return { probes: rows.length + probes.length, ...(failed[0] === undefined ? {} : { failed: failed[0] }) };
}

/** A copy beside the example, where its imports lead to the same files. */
function without(name: string, { what, replace, by }: Edit): string {
  const copy = join(folder, `.${name}-${process.pid}`);
  rmSync(copy, { recursive: true, force: true });
  cpSync(join(folder, name), copy, { recursive: true });
  const text = readFileSync(join(copy, "main.ts"), "utf8");
  const parts = text.split(replace);
  if (parts.length !== 2)
    throw new LabError(`without ${what}: '${replace}' stands ${parts.length - 1} times in its main.ts, not once`);
  writeFileSync(join(copy, "main.ts"), parts.join(by));
  return copy;
}

let [passed, failed] = [0, 0];

async function row(name: string, what: string, work: () => Promise<string>): Promise<void> {
  const start = Date.now();
  let [result, words] = ["ok", ""];
  try {
    words = await work();
    passed += 1;
  } catch (error) {
    failed += 1;
    [result, words] = ["FAILED", (error as Error).message.split("\n").slice(0, 6).join("\n    ")];
  }
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  process.stdout.write(
    `${name.padEnd(16)} ${result.padEnd(7)} ${seconds.padStart(6)} s  ${what}${words === "" ? "" : `: ${words}`}\n`,
  );
}

async function run(name: string, edits: number): Promise<void> {
  const lab = new Lab({ instance: `ex-${name}-${process.pid}` });
  const scenario = readScenario(join(folder, name));
  try {
    await row(name, "as it is", async () => {
      const { probes, failed: problem } = await look(lab, join(folder, name), false);
      if (problem !== undefined) throw new LabError(problem);
      if (probes === 0) throw new LabError("it has no probe");
      return `${probes} probes`;
    });
    for (const edit of (scenario?.without ?? []).slice(0, edits)) {
      await row(name, `without ${edit.what}`, async () => {
        const copy = without(name, edit);
        try {
          const { failed: problem } = await look(lab, copy, true);
          if (problem === undefined) throw new LabError("all its probes pass all the same");
          return problem;
        } finally {
          rmSync(copy, { recursive: true, force: true });
        }
      });
    }
    if (edits > 0 && (scenario?.without ?? []).length === 0) throw new LabError(`${name}: its scenario has no edit to fail by`);
  } finally {
    await lab.down({ force: true });
  }
}

/** What a run that was killed has left. */
async function sweep(): Promise<void> {
  const pidOf = (name: string): number => Number(/-(\d+)(\.lock)?$/.exec(name)?.[1] ?? 0);
  const gone = (name: string): boolean => pidOf(name) > 0 && !existsSync(`/proc/${pidOf(name)}`);
  const base = "/run/wgchain-lab";
  for (const name of existsSync(base) ? readdirSync(base) : []) {
    if (!name.startsWith("ex-") || !gone(name)) continue;
    if (name.endsWith(".lock")) rmSync(join(base, name), { force: true });
    else await new Lab({ instance: name }).down({ force: true });
  }
  for (const name of readdirSync(folder))
    if (name.startsWith(".") && gone(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

async function main(names: readonly string[], options: { core?: boolean; edits: boolean }): Promise<void> {
  const unknown = names.filter((name) => !examples.includes(name));
  if (unknown.length > 0) throw new LabError(`no example '${unknown.join("', '")}'; there are ${examples.join(", ")}`);
  await sweep();
  const wanted = options.core === true ? core : names.length > 0 ? names : examples;
  const start = Date.now();
  for (const name of wanted)
    await run(name, !options.edits ? 0 : options.core === true ? 1 : Infinity).catch(
      (error: unknown) => void ((failed += 1), console.error(String(error))),
    );
  process.stdout.write(
    `\n${wanted.length} examples, ${Math.round((Date.now() - start) / 1000)} s\n${passed} passed, ${failed} failed\n`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}

void new Command("examples")
  .description("each example in the lab: its probes, and that they fail without what it shows")
  .argument("[name...]", `some of ${examples.join(", ")}; all when none is named`)
  .option("--core", `the ones that npm test has time for: ${core.join(", ")}`)
  .option("--no-edits", "leave out the runs that must fail")
  .action((names: string[], options: { core?: boolean; edits: boolean }) => main(names, options))
  .parseAsync()
  .catch((error: unknown) => {
    console.error(error instanceof LabError ? `error: ${error.message}` : error);
    process.exitCode = 1;
  });
