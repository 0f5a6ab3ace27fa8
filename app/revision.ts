import { execFile, execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { CliError, messageOf } from "./error";

const run = promisify(execFile);

/** What a git that runs us (a hook) has set for its own repository, and npm for the directory it was called in. */
const foreign =
  /^(GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE)|INIT_CWD|PWD|OLDPWD|npm_(config_local_prefix|package_.*|lifecycle_.*))$/;

export const ownEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)));

/** A directory that is gone when the work is done, also when it is ended by a signal; so are the work trees in it. */
export class Scratch {
  private readonly workTrees: { readonly repository: string; readonly path: string }[] = [];

  private constructor(readonly path: string) {}

  static async use<T>(work: (scratch: Scratch) => Promise<T>): Promise<T> {
    const scratch = new Scratch(realpathSync(mkdtempSync(join(tmpdir(), "wgchain-diff-"))));
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    const ended = (signal: NodeJS.Signals): void => {
      scratch.remove();
      for (const one of signals) process.removeListener(one, ended);
      process.kill(process.pid, signal);
    };
    for (const signal of signals) process.on(signal, ended);
    try {
      return await work(scratch);
    } finally {
      scratch.remove();
      for (const signal of signals) process.removeListener(signal, ended);
    }
  }

  addWorkTree(repository: string, path: string): void {
    this.workTrees.push({ repository, path });
  }

  private remove(): void {
    for (const { repository, path } of this.workTrees.splice(0)) {
      try {
        // Twice: also one that git has not finished.
        execFileSync("git", ["-C", repository, "worktree", "remove", "--force", "--force", path], {
          stdio: "ignore",
          env: ownEnvironment(process.env),
        });
      } catch {
        // Never finished, or never begun: the directory goes below, and git forgets the rest by itself.
      }
    }
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The git repository that an app is in. */
export class Repository {
  /** Of two `git worktree add` at once, one may read what the other has not written yet ("failed to read .git/worktrees/tree/commondir"). */
  private static adding: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly top: string,
    /** The app's directory, as it is and below the top. */
    private readonly app: string,
    private readonly inside: string,
  ) {}

  static async of(appDirectory: string): Promise<Repository> {
    if (!existsSync(appDirectory))
      throw new CliError(`${appDirectory} is not there; name the directory of the app's cdktf.json with --app`);
    const app = realpathSync(appDirectory);
    const top = await git(app, "rev-parse", "--show-toplevel").catch((error: unknown) => {
      throw new CliError(
        `${appDirectory} is in no git repository, so it has no revisions (${messageOf(error)}); name directories with synthesized output instead`,
      );
    });
    return new Repository(realpathSync(top), app, relative(realpathSync(top), app));
  }

  /** The commit that a revision names; undefined: it is none. */
  async commitOf(revision: string): Promise<string | undefined> {
    const said = await git(this.app, "rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`).catch(
      () => "",
    );
    const commit = said.split("\n").at(-1) ?? "";
    return /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined;
  }

  /** The app as that commit has it, in a work tree of its own, with the dependencies that are installed here. */
  async checkOut(
    commit: string,
    scratch: Scratch,
    name: string,
  ): Promise<{ readonly app: string; readonly env: NodeJS.ProcessEnv }> {
    const tree = join(scratch.path, name, "tree");
    mkdirSync(dirname(tree), { recursive: true });
    scratch.addWorkTree(this.top, tree);
    // No hook of the repository runs.
    const added = Repository.adding.then(() =>
      git(this.top, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", tree, commit),
    );
    Repository.adding = added.catch(() => undefined);
    await added.catch((error: unknown) => {
      throw new CliError(`git cannot check out ${commit}: ${messageOf(error)}`);
    });
    const app = join(tree, this.inside);
    if (!existsSync(join(app, "cdktf.json"))) {
      throw new CliError(
        `${commit.slice(0, 12)} has no ${join(this.inside, "cdktf.json")}; the app was not there yet, or is named otherwise (--app)`,
      );
    }
    this.linkDependencies(tree);
    const directory = await this.directoryFor(app, tree);
    const env = ownEnvironment(process.env);
    return { app, env: directory === undefined ? env : { ...env, WGCHAIN_DIR: directory } };
  }

  /** Node looks for node_modules from the app upwards; what is above the repository is linked at its top. */
  private linkDependencies(tree: string): void {
    const link = (from: string, to: string): boolean => {
      if (!existsSync(from)) return false;
      if (!isThere(to) && existsSync(dirname(to))) symlinkSync(from, to);
      return true;
    };
    let found = false;
    for (let at = this.app; ; at = dirname(at)) {
      found = link(join(at, "node_modules"), join(tree, relative(this.top, at), "node_modules")) || found;
      if (at === this.top) break;
    }
    for (let at = dirname(this.top); !found; at = dirname(at)) {
      found = link(join(at, "node_modules"), join(tree, "node_modules")) || at === dirname(at);
    }
  }

  /**
   * WGCHAIN_DIR for that commit: a directory of the repository is the commit's own, or one side would get the keys of the other. What git does not
   * have (outside of it, or never committed) is the same for both sides. Undefined: the app finds it by itself, beside its cdktf.json.
   */
  private async directoryFor(app: string, tree: string): Promise<string | undefined> {
    const { WGCHAIN_DIR } = process.env;
    const named = WGCHAIN_DIR ?? contextDirectory(join(app, "cdktf.json"));
    if (named === undefined) return undefined;
    const here = resolve(this.app, named);
    const inside = relative(this.top, existsSync(here) ? realpathSync(here) : here);
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return here;
    const committed = join(tree, inside);
    const isTracked = existsSync(committed) || (await git(this.top, "ls-files", "--", inside)) !== "";
    return isTracked ? committed : here;
  }
}

function contextDirectory(cdktfJson: string): string | undefined {
  try {
    const { context } = JSON.parse(readFileSync(cdktfJson, "utf8")) as { context?: Record<string, unknown> };
    const directory = context?.["wgchain:directory"];
    return typeof directory === "string" ? directory : undefined;
  } catch {
    // runApp says what is wrong with it.
    return undefined;
  }
}

async function git(directory: string, ...parameters: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run("git", ["-C", directory, ...parameters], {
      env: ownEnvironment(process.env),
      maxBuffer: 64 * 2 ** 20,
    });
    return stdout.trimEnd();
  } catch (error) {
    const { stderr = "", code } = error as { stderr?: string; code?: unknown };
    throw new Error(code === "ENOENT" ? "git is not installed" : stderr.trim() || messageOf(error), { cause: error });
  }
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
