import { spawn } from "node:child_process";
import { once } from "node:events";
import { Command, Option } from "commander";
import { CliError } from "../app/error";
import { Lab, nothingChanged, probeTable, table } from "../lab";

interface Common {
  readonly instance: string;
  readonly json?: boolean;
}

interface UpCommand extends Common {
  readonly app: string;
  readonly registryNull?: boolean;
  readonly verbose?: boolean;
}

const instanceOption = (): Option =>
  new Option("--instance <name>", "name of the lab; several can run at once").default("wgchain");
const jsonOption = (): Option => new Option("--json", "print the result as JSON");

/** A line a stage, with the seconds since the start; on standard error, so that --json stays clean. */
function stages(): (stage: string, detail: string) => void {
  const start = Date.now();
  return (stage, detail) => {
    const seconds = ((Date.now() - start) / 1000).toFixed(1);
    process.stderr.write(`${seconds.padStart(6)}s  ${stage.padEnd(9)} ${detail}\n`);
  };
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function action<Args extends unknown[]>(work: (...args: Args) => Promise<number | void>): (...args: Args) => Promise<void> {
  return async (...args) => void (process.exitCode = (await work(...args)) ?? 0);
}

export function labCommand(): Command {
  const lab = new Command("lab")
    .description("rehearse an app on this machine: its hosts as namespaces, real Terraform, SSH and packets")
    .enablePositionalOptions();

  lab
    .command("up")
    .description("start the hosts, deploy the app into them, and prove with packets what it promises")
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--registry-null", "take the null provider from the Terraform registry, not the lab's stand-in")
    .option("--verbose", "show the output of cdktf deploy as it comes")
    .addOption(instanceOption())
    .addOption(jsonOption())
    .action(action(up));

  lab
    .command("probe")
    .description("probe a running lab again")
    .addOption(instanceOption())
    .addOption(jsonOption())
    .action(action((options: Common) => probe(new Lab({ instance: options.instance, onStage: stages() }), options)));

  lab
    .command("diff")
    .description("cdktf diff of the app as it is now against the running lab")
    .addOption(instanceOption())
    .addOption(jsonOption())
    .action(action(diff));

  lab
    .command("shell")
    .description("a shell in a host, or one command")
    .argument("<host>", "a node, a client, internet or operator")
    .argument("[command...]", "what to run in place of a shell, e.g. wgchain lab shell hk wg show")
    // What stands behind the host is the command's.
    .passThroughOptions()
    .addOption(instanceOption())
    .action(action(shell));

  lab
    .command("down")
    .description("cdktf destroy, then remove the hosts and all that the lab wrote")
    .option("--force", "leave out cdktf destroy")
    .addOption(instanceOption())
    .action(
      action(({ instance, force }: Common & { force?: boolean }) =>
        new Lab({ instance, onStage: stages() }).down({ force: force === true }),
      ),
    );

  return lab;
}

async function up(options: UpCommand): Promise<number> {
  const onStage = stages();
  const nullProvider = options.registryNull === true ? "registry" : "stand-in";
  const which = nullProvider === "registry" ? "null is the registry's" : "so is null";
  onStage("lab", `${options.instance}; the google provider is always the lab's stand-in, ${which}`);
  const onOutput = options.verbose === true ? { onOutput: (text: string) => void process.stderr.write(text) } : {};
  const lab = new Lab({ instance: options.instance, onStage, ...onOutput });
  await lab.up({ app: options.app, nullProvider });
  return probe(lab, options);
}

async function probe(lab: Lab, options: Common): Promise<number> {
  const rows = lab.inventory.clients.length > 0 ? await lab.probe() : [];
  const probes = await lab.probeScenario();
  const pass = rows.every((row) => row.pass) && probes.every(({ problem }) => problem === undefined);
  if (options.json === true) {
    print(JSON.stringify({ instance: options.instance, pass, addresses: rows, probes }, null, 2));
  } else {
    if (rows.length > 0) print(`\n${table(rows)}`);
    if (probes.length > 0) print(`\n${probeTable(probes)}`);
    if (rows.length + probes.length === 0)
      print("\nnothing to probe: the app has no client, and no scenario.ts beside its cdktf.json");
  }
  return pass ? 0 : 1;
}

async function diff(options: Common): Promise<void> {
  const quiet = options.json === true;
  const onOutput = quiet ? {} : { onOutput: (text: string) => void process.stdout.write(text) };
  const lab = new Lab({ instance: options.instance, onStage: stages(), ...onOutput });
  const result = await lab.diff();
  if (quiet)
    print(
      JSON.stringify({ instance: options.instance, changed: !nothingChanged(result), changes: result.changes ?? null }, null, 2),
    );
  else
    print(
      nothingChanged(result)
        ? "\nno change"
        : "\nthe app differs from what runs in the lab; deploy it there with: wgchain lab up",
    );
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
