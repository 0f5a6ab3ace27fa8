import { Command } from "commander";
import { clientCommand } from "./client/command";
import { coloursOf, isColoured } from "./colour";
import { diagramCommand } from "./diagram";
import { diffCommand } from "./diff";
import { adoptCommand, doctorCommand, keysCommand, statusCommand, trustCommand } from "./host-verbs";
import { proveCommand } from "./prove";
import { traceCommand } from "./trace";
import { ownVersion } from "./version";

/** All verbs, by what people do with them; the lab's come from who calls, for they need packages that the others do not. */
export function makeProgram(lab: Command): Command {
  const groups: Readonly<Record<string, readonly Command[]>> = {
    "To begin with:": [trustCommand(), keysCommand(), adoptCommand()],
    "People's devices:": [clientCommand()],
    "Before a deploy (no host is asked):": [proveCommand(), traceCommand(), diffCommand(), diagramCommand()],
    "What runs:": [statusCommand(), doctorCommand()],
    "To rehearse on this machine:": [lab],
  };
  const program = new Command("wgchain")
    .description(
      "chains of WireGuard hosts, and who leaves where: keys, pinned hosts, what runs and whether it is well, and a lab to rehearse in",
    )
    .version(ownVersion(), "-V, --version", "print the version")
    .enablePositionalOptions();
  for (const [group, verbs] of Object.entries(groups)) for (const verb of verbs) program.addCommand(verb.helpGroup(group));
  program.helpCommand("help [verb]", "print the help of a verb").addHelpText(
    "after",
    `
The hosts get what is written in your app by 'cdktf deploy'; these verbs are
what stands around it. Every verb takes --json and --quiet, and its --help has
examples and says what its exit status means.

Examples:
  wgchain prove
  wgchain help trace`,
  );
  settle(program);
  return program;
}

/** Errors are thrown, and colour is decided in one place. */
function settle(command: Command): void {
  command
    .exitOverride()
    .showHelpAfterError("(with --help it says what there is)")
    .configureOutput({
      getOutHasColors: () => isColoured(process.stdout),
      getErrHasColors: () => isColoured(process.stderr),
      outputError: (text, write) => write(text.replace(/^error:/, coloursOf(process.stderr).red("error:"))),
    })
    .configureHelp({
      // Short, so that what a verb does has room on a terminal of 80 columns; its own help has the arguments.
      subcommandTerm: (verb) => verb.name(),
      styleTitle: (title) => coloursOf({ isTTY: true }, {}).bold(title),
    });
  command.commands.forEach(settle);
}
