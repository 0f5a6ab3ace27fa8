#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { ParseError } from "../lib/problem";
import { CliError } from "../app/error";
import { adopt, type AdoptOptions } from "./adopt";
import { clientCommand } from "./client/command";
import { diagramCommand } from "./diagram";
import { diffCommand } from "./diff";
import { doctor, type DoctorOptions } from "./doctor";
import { keys, type KeysOptions } from "./keys";
import { proveCommand } from "./prove";
import { rotate, type RotateOptions } from "./rotate";
import { status, type StatusOptions } from "./status";
import { traceCommand } from "./trace";
import { trust, type TrustOptions } from "./trust";

/** Exit status of what the person typed wrong, as getopt's users have it. */
const usageError = 2;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("wgchain")
    .description(
      "chains of WireGuard hosts, and who leaves where: keys, pinned hosts, what runs and whether it is well, and a lab to rehearse in",
    )
    .enablePositionalOptions()
    .addCommand(keysCommand())
    .addCommand(clientCommand())
    .addCommand(trustCommand())
    .addCommand(proveCommand())
    .addCommand(traceCommand())
    .addCommand(diffCommand())
    .addCommand(diagramCommand())
    .addCommand(statusCommand())
    .addCommand(doctorCommand())
    .addCommand(adoptCommand())
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
    .enablePositionalOptions()
    .addHelpText("after", "\nExamples:\n  wgchain keys\n  wgchain keys hk sz/wgp --app ./network\n  wgchain keys rotate hk/wgp")
    .action(async (names: string[], options: KeysOptions) => void (process.exitCode = await keys(names, options)))
    .addCommand(rotateCommand());
}

function rotateCommand(): Command {
  return new Command("rotate")
    .description("make new keys, which the next deploy puts in the place of those in use, at both ends; may be run again")
    .argument("<node/iface...>", "interfaces")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--psk", "the tunnel's pre-shared key in place of the interface's own pair")
    .option("--yes", "also of an interface of clients, who are cut off until they have its new public key")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExamples:\n  wgchain keys rotate hk/wgp\n  wgchain keys rotate --psk hk/wgp")
    .action(async (names: string[], options: RotateOptions) => void (process.exitCode = await rotate(names, options)));
}

function statusCommand(): Command {
  return new Command("status")
    .description("show what the hosts carry: interfaces, peers and their last handshakes, tables")
    .argument("[node...]", "nodes; all when none is named")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      `
Exit status: 0 all nodes answered, 1 one could not be asked, 2 wrong arguments

Examples:
  wgchain status
  wgchain status hk --json`,
    )
    .action(async (names: string[], options: StatusOptions) => void (process.exitCode = await status(names, options)));
}

function doctorCommand(): Command {
  return new Command("doctor")
    .description("look for what differs on the hosts from what was deployed, and for what would break it, with how to mend it")
    .argument("[node...]", "nodes; all when none is named")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--repair", "bring the hosts that differ back to what was deployed, then look again")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      `
Exit status: 0 all healthy, 1 a node could not be asked, 2 wrong arguments, 3 something differs or would break

Examples:
  wgchain doctor
  wgchain doctor --repair hk`,
    )
    .action(async (names: string[], options: DoctorOptions) => void (process.exitCode = await doctor(names, options)));
}

function adoptCommand(): Command {
  return new Command("adopt")
    .description(
      "take over a WireGuard interface that was made by hand: its key stays, and the next deploy changes it as it runs",
    )
    .argument("<node/iface>", "an interface of your network that exists on its host already")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--yes", "take over without asking")
    .addHelpText("after", "\nExamples:\n  wgchain adopt hk/wgp\n  wgchain adopt hk/wgp --yes")
    .action(async (name: string, options: AdoptOptions) => void (process.exitCode = await adopt(name, options)));
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
