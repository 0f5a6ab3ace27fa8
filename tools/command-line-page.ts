import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { exitStatus, exitStatusWords } from "../cli/exit-status";
import { labCommand } from "../cli/lab";
import { makeProgram } from "../cli/program";
import { Verb } from "../cli/verb";

/** docs/command-line.md, made from the commands themselves: `npm run docs` writes it. */
export const commandLinePage = join(__dirname, "..", "docs", "command-line.md");

type Words = keyof typeof exitStatus;

const common = `# The command line

Made from the commands themselves; \`npm run docs\` writes it. \`wgchain --help\` and \`wgchain VERB --help\` say the same at the terminal.

## What all verbs have in common

**Output.** Standard output is for what was asked for, standard error for everything else: errors, notes, and how the work goes on. Work that takes its
time (hosts, Terraform, the lab) tells its stages there, a line each with the seconds since the start, and ends with a line \`done\` that says what came
of it. At a terminal there is a live line below them.

**\`--quiet\`** prints errors and what was asked for, nothing else. What a verb only does (\`keys\`, \`trust --yes\`, \`lab up\`) is then silent where all is well.

**\`--json\`** prints one document on standard output and nothing else there; it asks no questions, so what needs a yes needs \`--yes\`. Its keys stand with each verb
below; keys may be added, and none is renamed or removed without a new major version. What ends a verb without its document is a document, too, also where the
command line is wrong:

\`\`\`json
{ "error": { "kind": "usage", "message": "unknown option '--jsn'", "status": 2 } }
\`\`\`

\`kind\` is \`usage\` (the command line), \`failed\` (see the message), \`interrupted\` (a signal) or \`internal\` (a fault of wgchain's own, which standard error says how to
report). Where several hosts are asked, one that fails is an \`error\` in its place of the document. \`lab shell\` alone has neither option: its output is the
program's that runs in the host.

**Colour** is only on a terminal. \`NO_COLOR\` (set, and not empty) switches it off everywhere, \`FORCE_COLOR\` (not \`0\` or \`false\`) on; \`TERM=dumb\` has no colour and no
live line. A table that is wider than the terminal becomes a block of lines for each row.

**Ctrl-C** ends a verb at once; what it had begun on a host is whole or not there, and running it again takes up from there. A reader that goes away
(\`wgchain prove | head\`) ends nothing.
`;

export function renderPage(program: Command): string {
  const statuses = (Object.keys(exitStatus) as Words[]).map((name) => `| ${exitStatus[name]} | ${exitStatusWords[name]} |`);
  const verbs = program.commands.flatMap((verb) =>
    verb.name() === "help" ? [] : [verb, ...verb.commands.filter((one) => one.name() !== "help")],
  );
  return [
    common,
    "## Exit statuses\n",
    ["| status | means |", "|---|---|", ...statuses].join("\n"),
    "\nWhat a verb means by them stands with it.\n",
    ...verbs.map(verbText),
  ].join("\n");
}

function verbText(verb: Command): string {
  const about = verb instanceof Verb ? verb.described : undefined;
  const name = nameOf(verb);
  const isGroup = verb.commands.length > 0 && verb.registeredArguments.length === 0;
  const facts = [
    ...verb.registeredArguments.map((one) => `| \`${argumentOf(one)}\` | ${cell(one.description)} |`),
    ...verb.options.map((one) => `| \`${one.flags}\` | ${cell(one.description)}${choicesOf(one)} |`),
  ];
  const exits = verb instanceof Verb ? verb.exits.map(([status, meaning]) => `${status} ${meaning}`).join("; ") : "";
  const examples = about === undefined ? [] : ["\n```sh", ...about.examples, "```"];
  return [
    `${isGroup || verb.parent?.parent === null ? "##" : "###"} ${name}\n`,
    `${sentence(verb.description())}\n`,
    ...(about?.notes ?? []).map((text) => `${text}\n`),
    ...(facts.length === 0 ? [] : [["| | |", "|---|---|", ...facts].join("\n"), ""]),
    ...(isGroup ? [] : [`Exit status: ${exits}.`]),
    ...examples,
    "",
  ].join("\n");
}

const nameOf = (verb: Command): string => (verb.parent === null ? verb.name() : `${nameOf(verb.parent)} ${verb.name()}`);

const argumentOf = (one: Command["registeredArguments"][number]): string =>
  one.required ? `<${one.name()}${one.variadic ? "..." : ""}>` : `[${one.name()}${one.variadic ? "..." : ""}]`;

function choicesOf({ argChoices, defaultValue }: Command["options"][number]): string {
  const choices = argChoices === undefined ? [] : [`one of ${argChoices.map((choice) => `\`${choice}\``).join(", ")}`];
  const rest = [...choices, ...(defaultValue === undefined ? [] : [`default \`${String(defaultValue)}\``])];
  return rest.length === 0 ? "" : ` (${rest.join("; ")})`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

if (require.main === module) writeFileSync(commandLinePage, renderPage(makeProgram(labCommand())));
