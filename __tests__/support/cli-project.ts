import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommanderError, type Command } from "commander";
import { CliError } from "../../app/error";
import { publicDirectory, temporaryDirectory } from "./directory";
import { withoutProgress } from "./progress";

const repository = join(__dirname, "..", "..");
const mainTs = readFileSync(join(repository, "main.ts"), "utf8");

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Edit = readonly [from: string, to: string | ((from: string) => string)];

/** The app of main.ts in a directory of its own, with public keys; `wgchain` is a process there, as a person starts it. */
export class Project {
  private readonly temporary = temporaryDirectory();
  private out: string | undefined;

  private constructor(readonly directory: string) {}

  static make(): Project {
    const directory = temporaryDirectory();
    for (const name of ["constructs", "node_modules", "package.json"]) symlinkSync(join(repository, name), join(directory, name));
    mkdirSync(join(directory, "wgchain"));
    cpSync(publicDirectory(), join(directory, "wgchain"), { recursive: true });
    writeFileSync(join(directory, "cdktf.json"), JSON.stringify({ language: "typescript", app: "node --import tsx main.ts" }));
    const project = new Project(directory);
    project.restore();
    return project;
  }

  /** What it left behind of temporary files; tsx's own cache aside. */
  get left(): readonly string[] {
    return readdirSync(this.temporary).filter((name) => !name.startsWith("tsx-"));
  }

  restore(): void {
    writeFileSync(join(this.directory, "main.ts"), mainTs);
  }

  /** Each must hit, or the test would test nothing. */
  edit(...edits: readonly Edit[]): void {
    const file = join(this.directory, "main.ts");
    let text = readFileSync(file, "utf8");
    for (const [from, to] of edits) {
      if (!text.includes(from)) throw new Error(`main.ts has no '${from}'`);
      text = text.replaceAll(from, () => (typeof to === "string" ? to : to(from)));
    }
    writeFileSync(file, text);
  }

  /** Parameters; an object among them is added to the environment. */
  async wgchain(...all: readonly (string | NodeJS.ProcessEnv)[]): Promise<Ran> {
    const parameters = all.filter((one) => typeof one === "string");
    const more = Object.assign({}, ...all.filter((one) => typeof one !== "string")) as NodeJS.ProcessEnv;
    return withoutProgress(await this.run([join(repository, "cli/wgchain.ts"), ...parameters], more));
  }

  /** What the app of the moment synthesizes. */
  async synthesized(): Promise<string> {
    if (this.out !== undefined) return this.out;
    const out = temporaryDirectory();
    const { status, stderr } = await this.run(["main.ts"], { CDKTF_OUTDIR: out });
    if (status !== 0) throw new Error(stderr);
    return (this.out = out);
  }

  /** A state of Terraform's in which an address has a value. */
  state(address: string, value: string): string {
    const [type = "", name = "", attribute = ""] = address.split(".");
    const file = join(temporaryDirectory(), "state.json");
    const resources = [{ mode: "managed", type, name, instances: [{ attributes: { [attribute]: value } }] }];
    writeFileSync(file, JSON.stringify({ version: 4, resources }));
    return file;
  }

  private run(parameters: readonly string[], more: NodeJS.ProcessEnv): Promise<Ran> {
    const { WGCHAIN_DIR: _directory, WGCHAIN_INVENTORY: _inventory, ...env } = process.env;
    const options = {
      cwd: this.directory,
      env: { ...env, TMPDIR: this.temporary, NODE_OPTIONS: "", ...more },
      maxBuffer: 64 * 2 ** 20,
    };
    return new Promise((resolve) => {
      execFile(process.execPath, ["--import", "tsx", ...parameters], options, (error, stdout, stderr) => {
        resolve({ status: error === null ? 0 : typeof error.code === "number" ? error.code : 1, stdout, stderr });
      });
    });
  }
}

/** A verb in this process, which is quicker; its errors are told as cli/wgchain.ts tells them. */
export async function inProcess(command: Command, parameters: readonly string[]): Promise<Ran> {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    jest.spyOn(process[name], "write").mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  const before = process.exitCode;
  try {
    process.exitCode = 0;
    await command.exitOverride().parseAsync(parameters, { from: "user" });
    return { status: Number(process.exitCode), ...said };
  } catch (error) {
    if (error instanceof CommanderError) return { ...said, status: 2 };
    if (error instanceof CliError) return { stdout: said.stdout, stderr: `error: ${error.message}\n`, status: 1 };
    throw error;
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
