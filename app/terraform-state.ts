import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CliError, messageOf } from "./error";

interface StateJson {
  readonly resources?: readonly {
    readonly mode: string;
    readonly type: string;
    readonly name: string;
    readonly instances: readonly { readonly attributes?: Readonly<Record<string, unknown>> }[];
  }[];
}

/** What was deployed, as Terraform remembers it. */
export class TerraformState {
  private constructor(private readonly state: StateJson) {}

  /** Through the stack's own backend; a state that is not reachable is an Error with the reason. `state pull` needs no provider. */
  static async pull(appDirectory: string, stack: string): Promise<TerraformState> {
    const directory = join(outputDirectory(appDirectory), "stacks", stack);
    if (!existsSync(join(directory, "cdk.tf.json"))) throw new Error(`${directory} holds no synthesized stack`);
    const child = spawn(process.env["TERRAFORM_BINARY_NAME"] ?? "terraform", ["state", "pull"], {
      cwd: directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TF_IN_AUTOMATION: "1", TF_INPUT: "0", CHECKPOINT_DISABLE: "1", TF_CLI_ARGS: "", NO_COLOR: "1" },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [status] = (await once(child, "close")) as [number | null];
    const said = stderr
      .replace(/\u001b\[[0-9;]*m/g, "")
      .split("\n")
      .map((line) => line.replace(/^[╷│╵\s]+/, ""))
      .find((line) => line !== "");
    if (status !== 0) throw new Error(`terraform state pull: ${said ?? `status ${String(status)}`}`);
    if (stdout.trim() === "") return new TerraformState({});
    try {
      return new TerraformState(JSON.parse(stdout) as StateJson);
    } catch (error) {
      throw new Error(`terraform state pull gave no JSON: ${messageOf(error)}`);
    }
  }

  /** As `terraform state pull` prints it. */
  static read(file: string): TerraformState {
    let json: unknown;
    try {
      json = JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
      throw new CliError(`${file} cannot be read as a state (${messageOf(error)}); make it with: terraform state pull`);
    }
    const { version, resources } = (json ?? {}) as { version?: unknown; resources?: unknown };
    if (version !== 4 || !Array.isArray(resources))
      throw new CliError(`${file} is no state of Terraform (version 4, with resources); make it with: terraform state pull`);
    return new TerraformState(json as StateJson);
  }

  /** Of a Terraform address, e.g. google_compute_address.x.address. */
  value(address: string): string | undefined {
    const [type, name, ...path] = address.replaceAll(/\[(\d+)\]/g, ".$1").split(".");
    const found = this.state.resources?.find((one) => one.mode === "managed" && one.type === type && one.name === name);
    let value: unknown = found?.instances[0]?.attributes;
    for (const step of path) value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[step];
    return typeof value === "string" && value !== "" ? value : undefined;
  }
}

/** Where cdktf synthesizes to: its environment, else cdktf.json. */
function outputDirectory(appDirectory: string): string {
  const { CDKTF_OUTDIR } = process.env;
  if (CDKTF_OUTDIR !== undefined && CDKTF_OUTDIR !== "") return resolve(CDKTF_OUTDIR);
  const { output } = JSON.parse(readFileSync(join(appDirectory, "cdktf.json"), "utf8")) as { output?: unknown };
  return resolve(appDirectory, typeof output === "string" ? output : "cdktf.out");
}
