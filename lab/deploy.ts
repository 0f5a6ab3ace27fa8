import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cleanEnv } from "./app";
import type { Host } from "./host";
import type { CloudBackend } from "./provider/cloud";
import { serveProviders, type Served } from "./provider/serve";
import { LabError, run, type RunResult } from "./run";
import { nullVersion, requireLabBackend } from "./stack";
import type { Paths } from "./state";

export type Verb = "deploy" | "diff" | "destroy";

export interface DeployOptions {
  readonly paths: Paths;
  readonly operator: Host;
  readonly appDir: string;
  readonly stack: string;
  readonly nullProvider: "stand-in" | "registry";
  readonly backend: CloudBackend;
  readonly onOutput?: ((text: string) => void) | undefined;
}

export interface DeployResult {
  readonly log: string;
  readonly output: string;
  /** Terraform's own count; undefined when it printed none. */
  readonly changes: { readonly added: number; readonly changed: number; readonly destroyed: number } | undefined;
}

/** The app's own cdktf CLI. */
function cdktf(appDir: string): string {
  for (const from of [join(appDir, "cdktf.json"), __filename]) {
    try {
      return createRequire(from).resolve("cdktf-cli/bundle/bin/cdktf");
    } catch {
      // the next place
    }
  }
  throw new LabError(`cdktf-cli is not installed for ${appDir}; run npm install --save-dev cdktf-cli`);
}

/** With the stand-ins' answers for all that Terraform might look for elsewhere. */
function terraformEnv(paths: Paths, served: Served): NodeJS.ProcessEnv {
  return {
    ...cleanEnv(),
    HOME: "/root",
    USER: "root",
    LOGNAME: "root",
    CI: "1",
    CHECKPOINT_DISABLE: "1",
    CDKTF_SKIP_PROVIDER_LOCK: "true",
    CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1",
    CDKTF_HOME: join(paths.root, "cdktf-home"),
    TF_REATTACH_PROVIDERS: inHost(served.reattach),
    TF_CLI_CONFIG_FILE: paths.terraformrc,
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
    WGCHAIN_DIR: paths.directory,
  };
}

/** Terraform lets go of a provider whose process it cannot see any more. Of ours it sees none, being in the host; the host's first is always there. */
function inHost(reattach: string): string {
  const providers = JSON.parse(reattach) as Record<string, object>;
  return JSON.stringify(Object.fromEntries(Object.entries(providers).map(([name, provider]) => [name, { ...provider, Pid: 1 }])));
}

const verbFlags: Record<Verb, string[]> = { deploy: ["--auto-approve"], destroy: ["--auto-approve"], diff: [] };

/** Runs the real `cdktf VERB` in the operator host, on what was synthesized into the lab's output directory. */
export async function runCdktf(verb: Verb, options: DeployOptions): Promise<DeployResult> {
  const { paths, operator, appDir, stack } = options;
  requireLabBackend(paths.out, stack, paths.tfstate);
  mkdirSync(paths.logs, { recursive: true });
  const log = join(paths.logs, `${verb}.log`);
  const file = createWriteStream(log);
  const served = await serveInView(options);
  try {
    const argv = [
      process.execPath,
      cdktf(appDir),
      verb,
      stack,
      "--skip-synth",
      "--no-color",
      "--output",
      paths.out,
      ...verbFlags[verb],
    ];
    const result = await operator.exec(argv, {
      cwd: appDir,
      env: terraformEnv(paths, served),
      check: false,
      onOutput: (text) => {
        file.write(text);
        options.onOutput?.(text);
      },
    });
    const output = plain(result);
    if (result.status !== 0) {
      const lines = output.trimEnd().split("\n").slice(-40).join("\n");
      throw new LabError(`cdktf ${verb} failed with status ${result.status}; its output is in ${log} and ends with\n${lines}`);
    }
    const changes = changesOf(output);
    // cdktf ends with 0 where Terraform was killed by a signal
    if (verb === "deploy" && !/Apply complete!|No changes\. |Your infrastructure matches|has no changes/.test(output)) {
      throw new LabError(`cdktf deploy ended without Terraform's word on what it did; its output is in ${log}`);
    }
    return { log, output, changes };
  } finally {
    await served.close();
    file.end();
  }
}

/** The sockets must stand where the operator host sees them. */
async function serveInView({ paths, backend, nullProvider }: DeployOptions): Promise<Served> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = paths.root;
  try {
    return await serveProviders({
      dir: paths.cloud,
      backend,
      providers: nullProvider === "registry" ? ["google"] : ["google", "null"],
    });
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

const uncoloured = (text: string): string => text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");

/** Without the spinner's frames and the terminal's escapes. */
function plain({ stdout, stderr }: RunResult): string {
  return uncoloured(`${stdout}${stderr}`)
    .split("\n")
    .filter((line) => !/^[⠀-⣿]\s/.test(line) && line.trim() !== "")
    .join("\n");
}

function changesOf(output: string): DeployResult["changes"] {
  const numbers = (match: RegExpExecArray): DeployResult["changes"] => {
    const [, added, changed, destroyed] = match.map(Number);
    return { added: added ?? 0, changed: changed ?? 0, destroyed: destroyed ?? 0 };
  };
  const applied = /Resources: (\d+) added, (\d+) changed, (\d+) destroyed/.exec(output);
  if (applied) return numbers(applied);
  const planned = /Plan: (?:\d+ to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy/.exec(output);
  if (planned) return numbers(planned);
  if (/No changes\. |Your infrastructure matches|has no changes/.test(output)) return { added: 0, changed: 0, destroyed: 0 };
  return undefined;
}

export const nothingChanged = ({ changes }: DeployResult): boolean =>
  changes !== undefined && changes.added + changes.changed + changes.destroyed === 0;

/**
 * --registry-null: fetches the registry's null provider here, outside, since no host of the lab can reach a registry; Terraform then
 * installs it from the mirror.
 */
export async function mirrorNullProvider(paths: Paths, stack: string): Promise<void> {
  const dir = join(paths.root, "mirror-config");
  mkdirSync(dir, { recursive: true });
  const required = { null: { source: "hashicorp/null", version: nullVersion(paths.out, stack) ?? "3.2.4" } };
  writeFileSync(join(dir, "main.tf.json"), JSON.stringify({ terraform: { required_providers: required } }));
  writeFileSync(paths.terraformrc, "");
  const env = { ...cleanEnv(), TF_CLI_CONFIG_FILE: paths.terraformrc, CHECKPOINT_DISABLE: "1" };
  try {
    await run(["terraform", `-chdir=${dir}`, "providers", "mirror", paths.mirror], { env });
  } catch (error) {
    throw new LabError(
      `--registry-null: the null provider could not be fetched from the registry\n${uncoloured((error as Error).message)}`,
    );
  }
  writeFileSync(
    paths.terraformrc,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(paths.mirror)}\n  }\n}\n`,
  );
}
