/**
 * `npm run differential -- [COUNT] [--seed N]`: builds random networks for real, breaks them, and holds what real packets do against the trace.
 * `-- --case NAME`, `-- --kept`: those of cases/ again. `-- --false-model`: the trace is told of one rule less; passes when that is noticed.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { check, type Case, type Disagreement, type Lie, type Outcome } from "./check";
import { faultText } from "./faults";
import { generated, shrunk } from "./random";

const directory = join(__dirname, "cases");

interface Work {
  readonly name: string;
  readonly one: Case;
  /** Of a random one: its number in the run of this seed. */
  readonly index?: number;
  /** A lie to the trace, which must be noticed. */
  readonly lie?: Lie;
}

class Report {
  private readonly start = Date.now();
  private passed = 0;
  private failed = 0;
  private packets = 0;
  private again = 0;
  private disagreements = 0;

  add(name: string, outcome: Outcome | Error, seconds: number): void {
    const good = !(outcome instanceof Error) && outcome.disagreements.length === 0;
    if (good) this.passed += 1;
    else this.failed += 1;
    const time = `${seconds.toFixed(1).padStart(5)} s`;
    if (outcome instanceof Error) {
      console.log(`${name.padEnd(24)} FAILED  ${time}  ${outcome.message}`);
      return;
    }
    const { packets, again, faults, disagreements } = outcome;
    this.packets += packets;
    this.again += again;
    this.disagreements += disagreements.length;
    const broken = faults.map((fault) => `; ${faultText(fault)}`).join("");
    console.log(`${name.padEnd(24)} ${good ? "ok    " : "FAILED"}  ${time}  ${String(packets).padStart(4)} packets${broken}`);
    for (const one of disagreements.slice(0, 5)) console.log(disagreementText(one));
    if (disagreements.length > 5) console.log(`    and ${disagreements.length - 5} more`);
  }

  end(): number {
    const seconds = (Date.now() - this.start) / 1000;
    console.log(
      `\n${this.passed + this.failed} networks, ${this.packets} packets (${this.again} sent again), ${this.disagreements} disagreements, ${seconds.toFixed(0)} s`,
    );
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}

const disagreementText = ({ faults, question, text }: Disagreement): string =>
  [`    ${JSON.stringify(question)}`, ...faults.map((fault) => `      after ${faultText(fault)}`), `      ${text}`].join("\n");

const kept = (): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.replace(/\.json$/, ""))
    .sort();

function readCase(name: string): Case {
  if (!kept().includes(name)) throw new Error(`there is no case '${name}'; there are: ${kept().join(", ") || "none"}`);
  const one = JSON.parse(readFileSync(join(directory, `${name}.json`), "utf8")) as Case;
  for (const fault of one.faults) for (const value of Object.values(fault)) checkWord(name, String(value), fault.kind);
  return one;
}

/** Most of it becomes arguments of a shell on a host; a rule of nftables is only looked for. */
function checkWord(name: string, value: string, kind: string): void {
  if (kind === "nft-rule" || /^[A-Za-z0-9 .,:/_+="-]*$/.test(value)) return;
  throw new Error(`cases/${name}.json: '${value}' of a fault of kind '${kind}' holds what no line of ours does; mend the case`);
}

/** The trace is told of one rule less than stands on n0. */
const oneRuleLess: Lie = (model) => {
  const rules = model.files["n0"]?.["etc/wgchain/rules"] ?? "";
  const files = { ...model.files, n0: { ...model.files["n0"], "etc/wgchain/rules": rules.replace(/^pref 11000 .*\n/m, "") } };
  return { ...model, files };
};

/** Turns it round: a disagreement is what there must be. */
function noticed(outcome: Outcome | Error): Outcome | Error {
  if (outcome instanceof Error) return outcome;
  const [first] = outcome.disagreements;
  if (first === undefined) return new Error("the trace was told of one rule less than there is, and nobody noticed");
  console.log(`what only the trace misses is noticed, e.g.:\n${disagreementText(first)}`);
  return { ...outcome, disagreements: [] };
}

function integer(text: string, what: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > 0x7fffffff) {
    throw new Error(`${what} is '${text}'; it must be a whole number from ${least} to ${0x7fffffff}`);
  }
  return value;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string" },
      case: { type: "string" },
      kept: { type: "boolean" },
      "false-model": { type: "boolean" },
    },
  });
  const work: Work[] = [];
  if (values.case !== undefined) work.push({ name: values.case, one: readCase(values.case) });
  if (values.kept === true) work.push(...kept().map((name) => ({ name, one: readCase(name) })));
  if (values["false-model"] === true)
    work.push(...generated(1, 1).map(({ shape }) => ({ name: "false-model", one: { shape, faults: [] }, lie: oneRuleLess })));
  const alone = work.length > 0;
  const count = integer(positionals[0] ?? (alone ? "0" : "10"), "the number of networks", alone ? 0 : 1);
  const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : integer(values.seed, "--seed", 0);
  if (count > 0) console.log(`seed ${seed}`);
  work.push(...generated(count, seed).map((one, index) => ({ name: `${seed}-${index}`, one, index })));
  const report = new Report();
  for (const { name, one, index, lie } of work) {
    const start = Date.now();
    const outcome = await check(one, lie).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    report.add(name, lie === undefined ? outcome : noticed(outcome), (Date.now() - start) / 1000);
    if (index === undefined || outcome instanceof Error || outcome.disagreements.length === 0) continue;
    const small = await shrunk(index, seed);
    writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(small ?? one, null, 2)}\n`);
    console.log(`    ${small === undefined ? "it did not happen again; " : ""}kept: npm run differential -- --case ${name}`);
  }
  return report.end();
}

void main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    console.error(`differential: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 2;
  },
);
