import { spawn } from "node:child_process";
import { once } from "node:events";
import { Option } from "commander";
import { CliError } from "../app/error";
import { Lab, nothingChanged, probeTable, table } from "../lab";
import { exitStatus } from "./exit-status";
import { Output, type OutputOptions } from "./output";
import { Verb } from "./verb";
import { counted } from "./words";

interface Common extends OutputOptions {
  readonly instance: string;
}

interface UpCommand extends Common {
  readonly app: string;
  readonly registryNull?: boolean;
  readonly verbose?: boolean;
}

const instanceOption = (): Option =>
  new Option("--instance <name>", "name of the lab; several can run at once").default("wgchain");

export function labCommand(): Verb {
  return new Verb("lab")
    .description("rehearse an app on this machine: its hosts as namespaces, real Terraform, SSH and packets")
    .about({ examples: ["wgchain lab up --app ./network", "wgchain lab shell hk", "wgchain lab down"] })
    .enablePositionalOptions()
    .addCommand(
      new Verb("up")
        .description("start the hosts, deploy the app into them, and prove with packets what it promises")
        .about({
          examples: ["wgchain lab up", "wgchain lab up --app ./network --instance second"],
          exits: { 0: "all probes passed", 1: "the app, the deploy or the lab failed", 3: "a probe failed" },
          json: ["instance", "changes", "pass", "addresses", "probes"],
        })
        .option("--app <dir>", "directory of the app's cdktf.json", ".")
        .option("--registry-null", "take the null provider from the Terraform registry, not the lab's stand-in")
        .option("--verbose", "show the output of cdktf deploy as it comes")
        .addOption(instanceOption())
        .runs(up),
    )
    .addCommand(
      new Verb("probe")
        .description("probe a running lab again")
        .about({
          examples: ["wgchain lab probe"],
          exits: { 0: "all passed", 1: "the lab is not up", 3: "a probe failed" },
          json: ["instance", "pass", "addresses", "probes"],
        })
        .addOption(instanceOption())
        .runs((options: Common) => {
          const out = Output.of(options);
          return probe(labOf(options, out), options, out);
        }),
    )
    .addCommand(
      new Verb("diff")
        .description("cdktf diff of the app as it is now against the running lab")
        .about({
          examples: ["wgchain lab diff", "wgchain lab diff --json"],
          exits: { 0: "it was compared, whether it differs or not" },
          json: ["instance", "changed", "changes"],
        })
        .addOption(instanceOption())
        .runs(diff),
    )
    .addCommand(
      new Verb("shell")
        .description("a shell in a host, or one command")
        .about({
          examples: ["wgchain lab shell hk", "wgchain lab shell hk wg show"],
          exits: { 0: "the command's own, as are all others", 1: "there is no such lab or host" },
        })
        .argument("<host>", "a node, a client, internet or operator")
        .argument("[command...]", "what to run in place of a shell, e.g. wgchain lab shell hk wg show")
        // What stands behind the host is the command's.
        .passThroughOptions()
        .addOption(instanceOption())
        .runs(shell),
    )
    .addCommand(
      new Verb("down")
        .description("cdktf destroy, then remove the hosts and all that the lab wrote")
        .about({
          examples: ["wgchain lab down", "wgchain lab down --force"],
          exits: { 0: "nothing is left", 1: "cdktf destroy failed, and the hosts still run" },
          json: ["instance", "down"],
        })
        .option("--force", "leave out cdktf destroy")
        .addOption(instanceOption())
        .runs(down),
    );
}

/** Its stages are the output's; what cdktf says is shown as it comes where `onOutput` is set, else its last line while it goes on. */
function labOf({ instance }: Common, out: Output, onOutput = lastLine(out)): Lab {
  return new Lab({ instance, onStage: (stage, detail) => out.stage(stage, detail), onOutput });
}

/** What the deploy says of itself; cdktf and Terraform put the names of the stack and of the resource before it. */
function lastLine(out: Output): (text: string) => void {
  return (text) => {
    const line =
      text
        .trimEnd()
        .split("\n")
        .at(-1)
        ?.replace(/^.*\(local-exec\): /, "")
        .trim() ?? "";
    if (/[a-z]/i.test(line)) out.lately(line);
  };
}

async function up(options: UpCommand): Promise<number> {
  const verbose = options.verbose === true;
  const out = Output.of(options, { live: !verbose });
  const nullProvider = options.registryNull === true ? "registry" : "stand-in";
  const which = nullProvider === "registry" ? "null is the registry's" : "so is null";
  out.stage("lab", `${options.instance}; the google provider is always the lab's stand-in, ${which}`);
  const lab = labOf(options, out, verbose ? (text) => void process.stderr.write(text) : undefined);
  const { changes = null } = await lab.up({ app: options.app, nullProvider });
  return probe(lab, options, out, { changes });
}

async function probe(lab: Lab, { instance, quiet }: Common, out: Output, more: object = {}): Promise<number> {
  const rows = lab.inventory.clients.length > 0 ? await lab.probe() : [];
  const probes = await lab.probeScenario();
  const failed = rows.filter((row) => !row.pass).length + probes.filter(({ problem }) => problem !== undefined).length;
  const pass = failed === 0;
  // What passes is what was asked for, unless it was asked to be quiet about that.
  const isShown = quiet !== true || !pass || !("changes" in more);
  const tables = [...(rows.length > 0 ? [table(rows)] : []), ...(probes.length > 0 ? [probeTable(probes)] : [])];
  const none = "nothing to probe: the app has no client, and no scenario.ts beside its cdktf.json";
  out.result({ instance, ...more, pass, addresses: rows, probes }, () =>
    isShown ? (tables.length > 0 ? tables : [none]).map((text) => `\n${coloured(text, out)}\n`).join("") : "",
  );
  const count = rows.length + probes.length;
  out.summary(`${counted(lab.hosts.length, "host")}; ${count - failed} of ${counted(count, "probe")} passed`);
  return pass ? exitStatus.done : exitStatus.found;
}

const coloured = (text: string, { colours }: Output): string =>
  text.replace(/\bPASS\b/g, (word) => colours.green(word)).replace(/\bFAIL\b/g, (word) => colours.red(word));

async function diff(options: Common): Promise<void> {
  const out = Output.of(options, { live: options.json === true });
  const lab = labOf(options, out, options.json === true ? undefined : (text) => void process.stdout.write(text));
  const result = await lab.diff();
  const changed = !nothingChanged(result);
  out.result({ instance: options.instance, changed, changes: result.changes ?? null }, () =>
    changed ? "\nthe app differs from what runs in the lab; deploy it there with: wgchain lab up\n" : "\nno change\n",
  );
}

async function down(options: Common & { readonly force?: boolean }): Promise<void> {
  const out = Output.of(options);
  await labOf(options, out).down({ force: options.force === true });
  out.document({ instance: options.instance, down: true });
  out.summary(`the lab '${options.instance}' is gone`);
}

async function shell(name: string, command: readonly string[], { instance }: Common): Promise<number> {
  const [first = ""] = command;
  if (first.startsWith("-") && first !== "--") {
    throw new CliError(
      `'${first}' stands behind the host, where the command to run begins; an option of the lab stands before it: wgchain lab shell --instance NAME ${name}`,
    );
  }
  const host = new Lab({ instance }).host(name);
  const prompt = { PS1: `${host.netns}:\\w# `, WGCHAIN_LAB: instance };
  const words = first === "--" ? command.slice(1) : command;
  const argv = words.length > 0 ? words : ["bash", "--norc", "-i"];
  const [file = "", ...args] = host.command(argv, prompt);
  const child = spawn(file, args, { stdio: "inherit" });
  // Ctrl-C belongs to what runs in the host
  process.on("SIGINT", () => undefined);
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}
