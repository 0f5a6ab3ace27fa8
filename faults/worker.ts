/** The process that works (run.ts looks after it): options, the rows one after the other, the table. */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Bench } from "./bench";
import { instanceOf, productDirectory } from "./names";
import { Product } from "./product";
import { Report } from "./report";
import { rows } from "./rows";
import type { Row } from "./row";
import { runRow, runWithout, type Outcome } from "./run-row";

const usage = `npm run faults -- [--all] [--core] [--row NAME...] [--list] [--without] [--product DIR]

  --core         only the rows that npm test runs
  --all          all rows, and each with a protection once more without it, to see it fail
  --row NAME     only these rows
  --without      the rows without their protection only
  --logs DIR     keeps what cdktf said last in each row that failed
  --product DIR  a checkout whose product is tried, in place of this one
  --list         names, and what each row does`;

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    core: { type: "boolean", default: false },
    without: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    row: { type: "string", multiple: true, default: [] },
    logs: { type: "string" },
    product: { type: "string", default: join(__dirname, "..") },
  },
  allowPositionals: false,
});

function wanted(): Row[] {
  for (const name of values.row) if (!rows.some((row) => row.name === name)) throw new Error(`no row '${name}'; see --list`);
  return rows.filter((row) => (values.row.length === 0 || values.row.includes(row.name)) && (!values.core || row.core === true));
}

function keepLogs(bench: Bench, directory: string): void {
  if (existsSync(bench.lab.paths.logs)) cpSync(bench.lab.paths.logs, directory, { recursive: true });
}

/** Once more where not even the watch came up, as on a machine that others keep busy: nothing was seen, so nothing is overlooked. */
async function tried(run: () => Promise<Outcome>): Promise<Outcome> {
  const outcome = await run();
  return outcome.untried === true ? run() : outcome;
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.list) {
    for (const { name, core, about, protection } of wanted()) {
      console.log(
        `${name.padEnd(24)} ${core === true ? "core" : "    "}  ${about}${protection ? ` Protection: ${protection.what}.` : ""}`,
      );
    }
    return 0;
  }
  // the one who looks after this process is gone
  process.stdin.on("end", () => process.exit(143)).resume();
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)
    process.on(signal, () => process.exit(status));
  const pid = Number(process.env.WGCHAIN_FAULTS_PID ?? process.ppid);
  const bench = new Bench(instanceOf(pid), new Product(values.product, productDirectory(pid), 10));
  for (const { protection } of rows) bench.product.check(protection?.edits ?? []);
  const report = new Report();
  for (const row of wanted()) {
    if (!values.without) {
      const outcome = await tried(() => runRow(bench, row));
      report.row(row, outcome);
      if (!outcome.passed && values.logs !== undefined) keepLogs(bench, join(values.logs, row.name));
    }
    if ((values.all || values.without) && row.protection !== undefined) {
      const outcome = await tried(() => runWithout(bench, row));
      report.without(row, outcome);
      if (outcome.untried && values.logs !== undefined) keepLogs(bench, join(values.logs, `${row.name}-without`));
    }
  }
  return report.end();
}

main().then(
  (status) => process.exit(status),
  (error: Error) => {
    console.error(error.message);
    process.exit(2);
  },
);
