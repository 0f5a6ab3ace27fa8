#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { ParseError } from "../lib/problem";
import { CliError } from "../app/error";
import { keys, type KeysOptions } from "./keys";
import { trust, type TrustOptions } from "./trust";

/** Exit status of what the person typed wrong, as getopt's users have it. */
const usageError = 2;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("wgchain")
    .description("chains of WireGuard hosts, and who leaves where: keys, pinned hosts, and a lab to rehearse in")
    .enablePositionalOptions()
    .addCommand(keysCommand())
    .addCommand(trustCommand())
    .addCommand(await labCommand(argv));
  exitByException(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

function keysCommand(): Command {
  return new Command("keys")
    .description(
      "make the WireGuard keys that are missing; what exists is never overwritten, and private keys stay where they are made",
    )
    .argument("[node/iface...]", "nodes, or interfaces of nodes; all when none is named")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--clients", "also make the clients' missing pairs here, in private/")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExamples:\n  wgchain keys\n  wgchain keys hk sz/wgp --app ./network")
    .action(async (names: string[], options: KeysOptions) => void (process.exitCode = await keys(names, options)));
}

function trustCommand(): Command {
  return new Command("trust")
    .description("fetch the hosts' SSH keys through your ssh_config, show their fingerprints, and pin what you confirm")
    .argument("[node...]", "nodes; all when none is named")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--yes", "pin without asking; never replaces a key that is pinned")
    .option("--replace", "with --yes: replace a pinned key that has changed")
    .option("--forget", "remove the pinned keys of the named nodes")
    .addHelpText("after", "\nExamples:\n  wgchain trust\n  wgchain trust sz --yes\n  wgchain trust --forget hk")
    .action(async (names: string[], options: TrustOptions, command: Command) => {
      if (options.forget === true && names.length === 0)
        command.error("error: --forget takes the nodes to forget, e.g. wgchain trust --forget hk");
      process.exitCode = await trust(names, options);
    });
}

/** The lab needs packages that the constructs do not: it is loaded only when asked for, and says what to install when it cannot be. */
async function labCommand(argv: readonly string[]): Promise<Command> {
  const description = "rehearse an app on this machine, with real Terraform, SSH and packets";
  const examples = "\nExamples:\n  wgchain lab up --app ./network\n  wgchain lab shell hk\n  wgchain lab down";
  const unloaded = new Command("lab").description(description).addHelpText("after", examples);
  if (argv[2] !== "lab" && !(argv[2] === "help" && argv[3] === "lab")) return unloaded;
  try {
    return (await import("./lab.js")).labCommand().addHelpText("after", examples);
  } catch (error) {
    const missing = /Cannot find (?:module|package) '((?:@[^/']+\/)?[^./'][^/']*)/.exec(
      error instanceof Error ? error.message : "",
    )?.[1];
    if (missing === undefined) throw error;
    const needed = "npm install --save-dev @grpc/grpc-js @grpc/proto-loader @msgpack/msgpack";
    return unloaded
      .helpOption(false)
      .allowUnknownOption()
      .argument("[verb...]")
      .action(() => {
        throw new CliError(
          `the lab needs the package ${missing}, which the constructs do not; install what it stands on: ${needed}`,
        );
      });
  }
}

function exitByException(command: Command): void {
  command.exitOverride();
  command.commands.forEach(exitByException);
}

/** What a person must be told is a line; a stack is for what we did not foresee. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageError;
  if (!(error instanceof CliError) && !(error instanceof ParseError)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  return 1;
}

void main(process.argv);
