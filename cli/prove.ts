import { TerraformState } from "../app/terraform-state";
import { withNames } from "../lib/assert/names";
import { withValues } from "../lib/diff";
import { plain } from "../lib/diff/phrase";
import { prove } from "../lib/prove/prove";
import { summaryOf } from "../lib/prove/summary";
import type { TracedNetwork } from "../lib/trace";
import { exitStatus } from "./exit-status";
import { Output, type OutputOptions } from "./output";
import { provedAppOf, Refuted, type WhichNetwork } from "./synthesized-app";
import { Verb } from "./verb";
import { wayLines } from "./way-table";

export interface ProveOptions extends WhichNetwork, OutputOptions {
  readonly state?: string;
  readonly all?: true;
}

/** What `--json` prints. */
export interface Proved {
  readonly version: 1;
  readonly proved: boolean;
  /** What does otherwise; `where` is a construct's path, or a node where there is only synthesized output. */
  readonly failures: readonly { readonly code: string; readonly where: string; readonly message: string }[];
  /** In words. */
  readonly checked: readonly string[];
  /** The app's own, which hold, too. */
  readonly assertions: readonly string[];
  /** Null: the app refuses to synthesize what fails. */
  readonly network: TracedNetwork | null;
  readonly milliseconds: number;
}

export function proveCommand(): Verb {
  return new Verb("prove")
    .description("show who leaves where, by which hops, and what happens with each tunnel down: walked through the hosts' files")
    .about({
      notes: [
        "Synthesis proves the same, and refuses a network that does something else. No packet is sent and no host is asked.",
      ],
      exits: { 0: "proved", 1: "an error", 3: "packets would do what was not declared" },
      examples: ["wgchain prove", "wgchain prove --from cdktf.out --json"],
      json: ["version", "proved", "failures", "checked", "assertions", "network", "milliseconds"],
    })
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--from <dir>", "synthesized output (cdktf.out) in place of the app; what the app asserts of its own is not in it")
    .option("--stack <name>", "the stack that is meant, where there are several")
    .option("--state <file>", "what 'terraform state pull' printed: shows addresses that only Terraform knows")
    .option("--all", "a line for every address, also where many go alike")
    .runs((options: ProveOptions) => proveVerb(options));
}

/** Prints every way. Returns the exit status. */
export async function proveVerb(options: ProveOptions): Promise<number> {
  const state = options.state === undefined ? undefined : TerraformState.read(options.state);
  const out = Output.of(options);
  const proved = await provedOf(options, out, (address) => state?.value(address));
  out.result(proved, () => `${told(proved, options.all === true, out)}\n`);
  return proved.proved ? exitStatus.done : exitStatus.found;
}

async function provedOf(options: ProveOptions, out: Output, valueOf: (address: string) => string | undefined): Promise<Proved> {
  const from = performance.now();
  const since = (): number => Math.round(performance.now() - from);
  const app = await provedAppOf(options, out).catch((error: unknown) => {
    if (error instanceof Refuted) return error;
    throw error;
  });
  if (app instanceof Refuted) {
    const failures = app.problems.map(({ code, path, message }) => ({ code, where: path, message }));
    return { version: 1, proved: false, failures, checked: [], assertions: [], network: null, milliseconds: since() };
  }
  const { stack, assertions } = app;
  const start = performance.now();
  const { network, failures } = prove(stack);
  const milliseconds = Math.round(performance.now() - start);
  return {
    version: 1,
    proved: failures.length === 0,
    failures: withNames(failures, stack.wiring, valueOf).map(({ code, node, message }) => ({ code, where: node, message })),
    checked: failures.length === 0 ? summaryOf(network) : [],
    assertions,
    network: withValues(withNames(network, stack.wiring, valueOf), valueOf),
    milliseconds,
  };
}

function told({ network, failures, checked, assertions, milliseconds }: Proved, all: boolean, out: Output): string {
  const table = network === null ? [] : [...wayLines(network.ways, all, out.width), ""];
  const seconds = (milliseconds / 1000).toFixed(2);
  const failed = [
    `packets would not do what is declared (${failures.length}, in ${seconds} s):`,
    ...failures.map(({ where, message }) => `  ${where}: ${message}`),
  ];
  const own = assertions.map((words) => `  ${words}`);
  const proved = [
    `proved in ${seconds} s:`,
    ...checked.map((line) => `  ${line}`),
    ...(own.length === 0 ? [] : ["and what the app asserts of its own:", ...own]),
  ];
  const [head = "", ...rest] = (failures.length > 0 ? failed : proved).map(plain);
  const { red, green } = out.colours;
  return [...table.map(plain), failures.length > 0 ? red(head) : green(head), ...rest].join("\n");
}
