import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Option } from "commander";
import { CliError, messageOf } from "../app/error";
import { Repository, Scratch } from "../app/revision";
import { runApp } from "../app/run-app";
import { isSynthesized, readSynthesized } from "../app/synthesized";
import { TerraformState } from "../app/terraform-state";
import {
  compareStacks,
  listFiles,
  renderJson,
  renderMarkdown,
  renderText,
  sideOf,
  type NetworkDiff,
  type Side,
} from "../lib/diff";
import { exitStatus } from "./exit-status";
import { Output, type OutputOptions } from "./output";
import { Verb } from "./verb";

export interface DiffOptions extends OutputOptions {
  readonly app: string;
  readonly stack?: string;
  readonly state?: string;
  readonly format: "text" | "markdown" | "json";
  readonly files?: true;
}

const statusOf: Readonly<Record<NetworkDiff["verdict"], number>> = {
  nothing: exitStatus.done,
  ways: exitStatus.found,
  files: exitStatus.onlyFiles,
};

export function diffCommand(): Verb {
  return new Verb("diff")
    .description("what is otherwise in one network than in another: first who leaves where, and who is interrupted, then files")
    .about({
      notes: [
        "A revision is synthesized in a temporary work tree, with its own wgchain/ and with the node_modules that are installed here, and its code runs as you do. A directory wins over a revision of the same name when it holds synthesized output. Nothing is deployed, and no host and no cloud is asked: what Terraform would do to virtual machines is shown by 'cdktf diff'.",
      ],
      exits: { 0: "nothing changes", 1: "an error", 3: "exits or ways change (who leaves where)", 4: "only files do" },
      examples: [
        "wgchain diff main",
        "wgchain diff v1.2 HEAD --format markdown",
        "wgchain diff old/cdktf.out cdktf.out --files",
        "wgchain diff HEAD~1 --app ./network --state terraform.tfstate",
      ],
      json: [
        ...[
          "version",
          "stack",
          "verdict",
          "moved",
          "clients",
          "nowhere",
          "exits",
          "hosts",
          "interfaces",
          "tunnels",
          "mtu",
          "hops",
        ],
        ...["failover", "instead", "labels", "keys", "interrupts", "files", "listings"],
      ],
    })
    .argument("<base>", "a directory with synthesized output (cdktf.out), or a git revision")
    .argument("[head]", "the same; the app's working tree when it is not named")
    .option("--app <dir>", "directory of the app's cdktf.json, whose revisions are meant", ".")
    .option("--stack <name>", "the stack to compare, where there are several")
    .option("--state <file>", "what 'terraform state pull' printed: shows addresses that only Terraform knows")
    .addOption(new Option("--format <format>", "how to print it").choices(["text", "markdown", "json"]).default("text"))
    .option("--files", "the lines of the files, too (Markdown always has them, folded and cut)")
    .runs((base: string, head: string | undefined, options: DiffOptions) => diff(base, head, options));
}

/** Prints what changes from base to head. Returns the exit status. */
export async function diff(base: string, head: string | undefined, options: DiffOptions): Promise<number> {
  const state = options.state === undefined ? undefined : TerraformState.read(options.state);
  const out = Output.of({ ...options, json: isJson(options) });
  const what = `synthesizing ${base} and ${head ?? "the working tree"}`;
  const work = Scratch.use(async (scratch) => {
    // A name that is nothing is said before anything runs.
    const before = await new SideReader("base", options, scratch).find(base);
    const after = await new SideReader("head", options, scratch).find(head);
    // The first that fails is told once both are through, so that nothing of them is left.
    const [first, second] = await Promise.allSettled([before(), after()]);
    return [valueOf(first), valueOf(second)] as const;
  });
  const [one, two] = await out.wait(what, work);
  const found = compareStacks(one, two, (address) => state?.value(address));
  const text = rendered(found, one, two, options);
  if (out.json) out.documentText(text);
  else out.result(found, () => text);
  return statusOf[found.verdict];
}

function valueOf(settled: PromiseSettledResult<Side> | undefined): Side {
  if (settled?.status === "fulfilled") return settled.value;
  throw settled?.reason;
}

/** --json is --format json, as all verbs have it. */
const isJson = ({ json, format }: DiffOptions): boolean => json === true || format === "json";

function rendered(found: NetworkDiff, one: Side, two: Side, options: DiffOptions): string {
  const { format, files } = options;
  const listings = files === true || format === "markdown" ? listFiles(one.stack.files, two.stack.files, found.files) : undefined;
  if (isJson(options)) return renderJson(found, listings);
  return format === "markdown" ? renderMarkdown(found, listings) : renderText(found, listings);
}

class SideReader {
  constructor(
    private readonly side: "base" | "head",
    private readonly options: DiffOptions,
    private readonly scratch: Scratch,
  ) {}

  /** What the name stands for (undefined: the working tree), to be read. */
  async find(what: string | undefined): Promise<() => Promise<Side>> {
    const { app, stack } = this.options;
    if (what === undefined) return () => this.synthesized(app, process.env, `the working tree of ${app}`);
    if (existsSync(what) && statSync(what).isDirectory() && isSynthesized(what)) {
      return () => Promise.resolve(this.traced(what, stack, what));
    }
    const repository = await Repository.of(app).catch((error: unknown) => {
      throw this.failed(what, `it holds no synthesized output (manifest.json), and ${messageOf(error)}`);
    });
    const commit = await repository.commitOf(what);
    if (commit === undefined) {
      throw this.failed(
        what,
        "it is neither a directory with synthesized output (manifest.json) nor a commit of the app's git repository; a shallow clone must fetch it first",
      );
    }
    return () => this.checkedOut(repository, commit, `${what}, ${commit.slice(0, 12)}`);
  }

  private async checkedOut(repository: Repository, commit: string, name: string): Promise<Side> {
    const { app, env } = await repository.checkOut(commit, this.scratch, this.side).catch((error: unknown) => {
      throw this.failed(name, messageOf(error));
    });
    return this.synthesized(app, env, name);
  }

  private async synthesized(app: string, env: NodeJS.ProcessEnv, name: string): Promise<Side> {
    const { stack } = this.options;
    const out = join(this.scratch.path, this.side, "out");
    const made = await runApp(app, out, stack === undefined ? env : { ...env, WGCHAIN_STACK: stack }).catch((error: unknown) => {
      throw this.failed(name, messageOf(error));
    });
    if (!made.synthesized) {
      const problems = made.inventory.problems.map(({ path, message }) => `  ${path}: ${message}`);
      throw this.failed(
        name,
        problems.length > 0
          ? `it does not pass its checks:\n${problems.join("\n")}`
          : `it did not synthesize:\n${made.output.trimEnd()}`,
      );
    }
    return this.traced(out, stack ?? made.inventory.stack, name);
  }

  private traced(directory: string, stack: string | undefined, name: string): Side {
    try {
      return sideOf(readSynthesized(directory, stack));
    } catch (error) {
      throw this.failed(name, messageOf(error));
    }
  }

  private failed(name: string, why: string): CliError {
    return new CliError(`${this.side} (${name}): ${why}`);
  }
}
