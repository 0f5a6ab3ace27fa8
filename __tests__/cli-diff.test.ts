import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommanderError } from "commander";
import { Repository } from "../app/revision";
import { readSynthesized } from "../app/synthesized";
import { diffCommand } from "../cli/diff";
import { publicDirectory, removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { keyPair } from "./support/keys";

// Real repositories of git, whose app is main.ts in a directory of its own; `wgchain diff` is a process, as a person starts it.
jest.setTimeout(120_000);
afterAll(removeTemporaryDirectories);

const repository = join(__dirname, "..");
const mainTs = readFileSync(join(repository, "main.ts"), "utf8").replace(
  '"./constructs"',
  JSON.stringify(join(repository, "constructs")),
);
const moved = (text: string): string =>
  text
    .replace('from: ["10.66.224.2/32", "10.66.224.3/32"]', 'from: ["10.66.224.3/32"]')
    .replace('from: ["10.66.225.2/32"]', 'from: ["10.66.225.2/32", "10.66.224.2/32"]');
const ways = { nothing: 0, error: 1, wrong: 2, ways: 3, files: 4 };

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it did not fail");
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Project {
  /** Where it looks for temporary files: what is left there was left by it. */
  readonly temporary = temporaryDirectory();
  readonly runner = join(temporaryDirectory(), "run.mts");

  private constructor(
    readonly top: string,
    readonly app: string,
  ) {}

  /** A commit with the reference network; keys are committed, node_modules is not. */
  static make(): Project {
    const top = temporaryDirectory();
    const app = join(top, "network");
    mkdirSync(join(app, "wgchain"), { recursive: true });
    execFileSync("cp", ["-r", `${publicDirectory()}/.`, join(app, "wgchain")]);
    symlinkSync(join(repository, "node_modules"), join(top, "node_modules"));
    writeFileSync(join(top, ".gitignore"), "node_modules\nignored/\n");
    writeFileSync(join(app, "main.ts"), mainTs);
    writeFileSync(join(app, "cdktf.json"), JSON.stringify({ language: "typescript", app: "node --import tsx main.ts" }));
    const project = new Project(top, app);
    project.git("init", "-q", "-b", "main");
    project.commit("first");
    const { runner } = project;
    const from = (file: string): string => JSON.stringify(join(repository, file));
    writeFileSync(
      runner,
      `import commander from ${from("node_modules/commander/index.js")}; import cli from ${from("cli/diff.ts")}; import app from ${from("app/error.ts")};
const program = new commander.Command("wgchain").addCommand(cli.diffCommand().exitOverride());
program.parseAsync().catch((error) => {
  if (error instanceof commander.CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof app.CliError) { process.stderr.write("error: " + error.message + "\\n"); process.exitCode = 1; }
  else throw error;
});`,
    );
    return project;
  }

  git(...parameters: string[]): string {
    return execFileSync("git", ["-C", this.top, "-c", "user.name=t", "-c", "user.email=t@example", ...parameters], {
      encoding: "utf8",
    });
  }
  commit(message: string): void {
    this.git("add", "-A");
    this.git("commit", "-q", "-m", message);
  }
  edit(change: (text: string) => string): void {
    const file = join(this.app, "main.ts");
    const text = readFileSync(file, "utf8");
    expect(change(text)).not.toBe(text);
    writeFileSync(file, change(text));
  }
  write(file: string, text: string): void {
    writeFileSync(join(this.app, file), text);
  }

  environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { WGCHAIN_DIR: _, ...env } = process.env;
    return { ...env, TMPDIR: this.temporary, NODE_OPTIONS: "", ...more };
  }
  command(...parameters: string[]): string[] {
    return ["--import", join(repository, "node_modules/tsx/dist/loader.mjs"), this.runner, "diff", ...parameters];
  }
  diff(parameters: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    return new Promise((done) => {
      const options = { cwd: this.app, env: this.environment(env) };
      execFile(process.execPath, this.command(...parameters), options, (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        done({ status, stdout, stderr });
      });
    });
  }

  /** Nothing of it is left, and the dependencies are not gone with their link. */
  expectClean(): void {
    // tsx keeps compiled files there.
    expect(readdirSync(this.temporary).filter((name) => !name.startsWith("tsx-"))).toEqual([]);
    expect(this.git("worktree", "list").trim().split("\n")).toHaveLength(1);
    expect(existsSync(join(repository, "node_modules", "commander", "index.js"))).toBe(true);
  }

  /** Synthesized by cdktf's own way, into a directory. */
  synthesize(): string {
    const out = temporaryDirectory();
    execFileSync(process.execPath, ["--import", "tsx", "main.ts"], {
      cwd: this.app,
      env: this.environment({ CDKTF_OUTDIR: out }),
      stdio: "pipe",
    });
    return out;
  }
}

describe("revisions", () => {
  let project: Project;
  beforeAll(() => (project = Project.make()));
  beforeEach(() => void project.git("reset", "-q", "--hard", "main"));
  afterEach(() => project.expectClean());

  test("a commit against the working tree, and two commits", async () => {
    project.edit(moved);
    const first = await project.diff(["main"]);
    expect(first).toMatchObject({ stderr: "", status: ways.ways });
    expect(first.stdout).toMatch(
      /^1 client leaves elsewhere\n\nLeave elsewhere\n {2}client \(10\.66\.224\.2\): gcp .* becomes hkt 198\.51\.100\.30\n/,
    );
    project.git("checkout", "-q", "-B", "moved");
    project.commit("moved");
    expect(await project.diff(["main", "moved"])).toEqual(first);
    // From elsewhere, by --app.
    const back = await project.diff(["moved", "HEAD~1", "--app", project.app, "--format", "json"], { PWD: project.top });
    expect(back.status).toBe(ways.ways);
    expect(JSON.parse(back.stdout)).toMatchObject({
      verdict: "ways",
      moved: [{ before: { node: "hkt" }, after: { node: "gcp" } }],
    });
    project.git("checkout", "-q", "main");
  });

  test("each side has its own wgchain/, also where WGCHAIN_DIR names that of the working tree", async () => {
    project.write("wgchain/keys/hk.wgp.pub", `${keyPair("another").publicKey}\n`);
    const env = { WGCHAIN_DIR: join(project.app, "wgchain") };
    for (const set of [{}, env, { WGCHAIN_DIR: "wgchain" }]) {
      const { status, stdout } = await project.diff(["main"], set);
      expect(stdout).toMatch(/Keys\n {2}hk\/wgp has another key\n/);
      expect(status).toBe(ways.files);
    }
  });

  test("what git does not have is the same for both", async () => {
    const outside = publicDirectory({ "keys/hk.wgp.pub": `${keyPair("another").publicKey}\n` });
    expect(await project.diff(["main"], { WGCHAIN_DIR: outside })).toEqual({
      status: 0,
      stdout: "nothing changes\n",
      stderr: "",
    });
    const ignored = join(project.top, "ignored");
    execFileSync("cp", ["-r", outside, ignored]);
    expect(await project.diff(["main"], { WGCHAIN_DIR: "../ignored" })).toEqual({
      status: 0,
      stdout: "nothing changes\n",
      stderr: "",
    });
    rmSync(ignored, { recursive: true });
  });

  test("git checks out one side after the other: two at once may fail", async () => {
    const bin = temporaryDirectory();
    const busy = join(bin, "busy");
    const git = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    const adds = `case " $* " in *" worktree add "*) mkdir '${busy}' || exit 9; sleep 0.3; rmdir '${busy}' ;; esac`;
    writeFileSync(join(bin, "git"), `#!/bin/sh\n${adds}\nexec '${git}' "$@"\n`, { mode: 0o755 });
    const ran = await project.diff(["main", "main"], { PATH: `${bin}:${process.env["PATH"]}` });
    expect(ran).toEqual({ status: ways.nothing, stdout: "nothing changes\n", stderr: "" });
  });

  test("called by a hook of git, whose variables are for its own repository", async () => {
    const other = Project.make();
    const env = { GIT_DIR: join(other.top, ".git"), GIT_INDEX_FILE: join(other.top, ".git", "index") };
    expect(await project.diff(["main"], env)).toMatchObject({ status: 0, stdout: "nothing changes\n" });
  });

  test("a side that does not pass its checks is named, with its problems", async () => {
    rmSync(join(project.app, "wgchain", "keys", "hk.wgp.pub"));
    const head = await project.diff(["main"]);
    expect(head.status).toBe(ways.error);
    expect(head.stderr).toMatch(
      /^error: head \(the working tree of \.\): it does not pass its checks:\n {2}reference\/wgp: .*keys\/hk\.wgp\.pub/,
    );
    project.git("checkout", "-q", "-B", "broken");
    project.commit("broken");
    const base = await project.diff(["broken", "main"]);
    expect(base.stderr).toMatch(/^error: base \(broken, [0-9a-f]{12}\): it does not pass its checks:\n/);
    project.git("checkout", "-q", "main");
    const none = await project.diff(["main", "--app", project.top]);
    expect(none.stderr).toMatch(
      /^error: base \(main, [0-9a-f]{12}\): [0-9a-f]{12} has no cdktf\.json; the app was not there yet/,
    );
  });

  test("a name that is no commit is nothing else either", async () => {
    const there = await Repository.of(project.app);
    const none = ["nobody", "--all", "-x", "HEAD:network", "$(touch pwned)", "main; touch pwned", "HEAD^{tree}", ""];
    for (const name of none) expect([name, await there.commitOf(name)]).toEqual([name, undefined]);
    for (const name of ["main", "HEAD", "main~0"])
      expect(await there.commitOf(name)).toBe(project.git("rev-parse", "HEAD").trim());
    const { status, stderr } = await project.diff(["--", "main; touch pwned"]);
    expect(stderr).toMatch(
      /^error: base \(main; touch pwned\): it is neither a directory with synthesized output \(manifest\.json\) nor a commit /,
    );
    expect(status).toBe(ways.error);
    expect(existsSync(join(project.app, "pwned"))).toBe(false);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("ended by %s it leaves nothing", async (signal) => {
    const started = join(project.temporary, "started");
    project.write("cdktf.json", JSON.stringify({ app: `touch '${started}'; exec sleep 5` }));
    project.git("checkout", "-q", "-B", "slow");
    project.commit("slow");
    const child = spawn(process.execPath, project.command("slow", "slow"), {
      cwd: project.app,
      env: project.environment(),
      stdio: "ignore",
    });
    const ended = new Promise<NodeJS.Signals | null>((done) => child.on("exit", (_code, by) => done(by)));
    while (!existsSync(started)) await new Promise((done) => setTimeout(done, 50));
    expect(project.git("worktree", "list").trim().split("\n").length).toBeGreaterThan(1);
    child.kill(signal);
    expect(await ended).toBe(signal);
    rmSync(started);
    project.git("checkout", "-q", "main");
  });
});

describe("directories", () => {
  let project: Project;
  let [before, after]: string[] = [];
  beforeAll(() => {
    project = Project.make();
    before = project.synthesize();
    project.edit((text) => moved(text).replace('network: "10.66.7.0/24",', 'network: "10.66.7.0/24",\n      mtuBytes: 1320,'));
    after = project.synthesize();
  });
  const directories = (): [string, string] => [before ?? "", after ?? ""];

  test("two of them need no git", async () => {
    rmSync(join(project.top, ".git"), { recursive: true });
    expect((await project.diff(directories())).stdout).toContain("tunnel hk/wg7: MTU 1440 becomes 1320\n");
    expect(await project.diff([before ?? "", before ?? ""])).toEqual({ status: 0, stdout: "nothing changes\n", stderr: "" });
    const { stderr } = await project.diff(["main", ...directories().slice(1)]);
    expect(stderr).toMatch(
      /^error: base \(main\): it holds no synthesized output \(manifest\.json\), and .* is in no git repository/,
    );
  });

  test("--files and Markdown show the lines", async () => {
    const { stdout } = await project.diff([...directories(), "--files"]);
    expect(stdout).toContain("\n--- sz: /etc/wgchain/sources\n@@ -1,3 +1,3 @@\n-wgs 10.66.224.2 gcp 10.66.220.224\n");
    const markdown = await project.diff([...directories(), "--format", "markdown"]);
    expect(markdown.stdout).toMatch(/^### 1 client leaves elsewhere\n\n\| Who /);
    expect(markdown.stdout).toContain("<details><summary><code>sz</code>: <code>etc/wgchain/sources</code></summary>");
  });

  test("--state shows what only Terraform knows", async () => {
    const file = join(temporaryDirectory(), "state.json");
    const address = {
      mode: "managed",
      type: "google_compute_address",
      name: "gcp_address",
      instances: [{ attributes: { address: "203.0.113.10" } }],
    };
    writeFileSync(file, JSON.stringify({ version: 4, resources: [address] }));
    expect((await project.diff([...directories(), "--state", file])).stdout).toContain(
      "client (10.66.224.2): gcp 203.0.113.10 becomes hkt 198.51.100.30\n",
    );
    writeFileSync(file, JSON.stringify({ format_version: "1.0" }));
    expect(await project.diff([...directories(), "--state", file])).toMatchObject({
      status: ways.error,
      stderr: `error: ${file} is no state of Terraform (version 4, with resources); make it with: terraform state pull\n`,
    });
  });

  test("what is no output, or none that can be read, is said", async () => {
    const [one, two] = directories();
    const wiring = join(one, "stacks", "reference", "wgchain", "network.json");
    const good = readFileSync(wiring, "utf8");
    const says = (text: string, stack?: string): string => {
      writeFileSync(wiring, text);
      return failure(() => readSynthesized(one, stack)).replaceAll(one, "OUT");
    };
    const prefix = "OUT/stacks/reference/wgchain/network.json";
    const json = JSON.parse(good) as { nodes: object[] };
    expect(says("{")).toContain(`${prefix} cannot be read (`);
    expect(says("{}")).toContain(`${prefix} has version undefined, this command reads 1`);
    expect(says(JSON.stringify({ ...json, nodes: [{}] }))).toBe(`${prefix}: nodes[0].name is no string; synthesize again`);
    expect(says(JSON.stringify({ ...json, nodes: [...json.nodes, { ...json.nodes[0], name: "../x" }] }))).toContain(
      "has no files of '../x'",
    );
    expect(says(good, "other")).toBe("OUT has no stack 'other' with a network; it has reference");
    expect((await project.diff([one, two, "--stack", "other"])).stderr).toBe(
      `error: base (${one}): ${one} has no stack 'other' with a network; it has reference\n`,
    );
    rmSync(wiring);
    expect(failure(() => readSynthesized(one))).toContain("was synthesized by a wgchain that wrote no network.json yet");
    writeFileSync(wiring, good);
    const empty = temporaryDirectory();
    mkdirSync(join(empty, "stacks"));
    expect(failure(() => readSynthesized(empty))).toContain("holds no synthesized network (stacks: none)");
    execFileSync("cp", ["-r", join(one, "stacks", "reference"), join(one, "stacks", "second")]);
    expect(failure(() => readSynthesized(one))).toContain("choose one with --stack: reference, second");
    rmSync(join(one, "stacks", "second"), { recursive: true });
  });

  test("wrong arguments, and help", async () => {
    for (const wrong of [[], ["a", "b", "c"], ["a", "--format", "html"], ["--bogus"]]) {
      const command = diffCommand()
        .exitOverride()
        .configureOutput({ writeErr: () => undefined });
      await expect(command.parseAsync(wrong, { from: "user" })).rejects.toBeInstanceOf(CommanderError);
    }
    expect((await project.diff(["--bogus"])).status).toBe(ways.wrong);
    const { status, stdout } = await project.diff(["--help"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^Exit status:\n {2}0 {2}nothing changes\n {2}1 {2}an error\n {2}2 {2}wrong arguments\n {2}3 {2}exits or ways change \(who leaves where\)\n {2}4 {2}only files do$/m,
    );
    expect(stdout).toMatch(/^Examples:\n {2}wgchain diff main\n/m);
  });
});
