import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forgetNullResources } from "../faults/tfstate";
import { Lab } from "../lab";
import { synthesize } from "../lab/app";
import { runCdktf } from "../lab/deploy";
import { Paths } from "../lab/state";

const repository = join(__dirname, "..");

/** The lab's places with a synthesis of its own. */
class VersionPaths extends Paths {
  constructor(
    instance: string,
    private readonly version: string,
  ) {
    super(instance);
  }
  override get out(): string {
    return join(this.root, `out-${this.version}`);
  }
}

export interface Deployed {
  readonly seconds: number;
  /** Those that took part. */
  readonly nodes: readonly string[];
  /** The product's own count of where its time went. */
  readonly steps: string;
}

/** A lab in which versions of one app are deployed in turn, timed, and beside the least that could be done instead. */
export class DeployLab {
  readonly lab: Lab;
  /** The app's; removed with the lab. */
  readonly app = mkdtempSync(join(tmpdir(), "wgchain-bench-"));
  private readonly versions = new Map<string, VersionPaths>();
  private readonly remove = (): void => {
    const down = [join(repository, "cli/wgchain.ts"), "lab", "down", "--force", "--instance", this.instance];
    spawnSync(process.execPath, ["--import", "tsx", ...down], { cwd: repository, stdio: "ignore" });
    rmSync(this.app, { recursive: true, force: true });
  };
  private readonly interrupted = (): never => process.exit(130);

  constructor(private readonly instance: string) {
    this.lab = new Lab({ instance });
    for (const name of ["constructs", "lib", "host", "node_modules", "package.json"])
      symlinkSync(join(repository, name), join(this.app, name));
    writeFileSync(join(this.app, "cdktf.json"), '{"language":"typescript","app":"node --import tsx main.ts","context":{}}');
    process.once("exit", this.remove).once("SIGINT", this.interrupted).once("SIGTERM", this.interrupted);
  }

  /** Builds the hosts, and deploys this version. */
  async start(mainTs: string): Promise<void> {
    writeFileSync(join(this.app, "main.ts"), mainTs);
    await this.lab.up({ app: this.app });
  }

  /** What a later `deploy` brings. */
  async synthesize(version: string, mainTs: string): Promise<void> {
    writeFileSync(join(this.app, "main.ts"), mainTs);
    const paths = new VersionPaths(this.instance, version);
    await synthesize(paths, this.app);
    copyFileSync(this.program(paths), `${this.program(paths)}.ours`);
    this.versions.set(version, paths);
  }

  private program(paths: Paths): string {
    return join(paths.out, "stacks", this.lab.inventory.stack, "wgchain/deploy");
  }

  /** `cdktf deploy` as a user runs it; "cdktf alone": the same resources are replaced, and no host is asked. What that has done is taken back. */
  async deploy(version: string, way: "ours" | "cdktf alone"): Promise<Deployed> {
    const paths = this.versions.get(version);
    if (paths === undefined) throw new Error(`no version ${version}`);
    const { tfstate } = paths;
    const before = readFileSync(tfstate);
    if (way === "ours") copyFileSync(`${this.program(paths)}.ours`, this.program(paths));
    else writeFileSync(this.program(paths), "exit 0\n");
    const began = process.hrtime.bigint();
    const { output } = await runCdktf("deploy", {
      paths,
      operator: this.lab.host("operator"),
      appDir: this.app,
      stack: this.lab.inventory.stack,
      nullProvider: "stand-in",
      backend: { changed: () => Promise.reject(new Error("the bench changes no cloud")) },
    });
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    if (way !== "ours") writeFileSync(tfstate, before);
    return {
      seconds,
      nodes: /prepare ([\w -]+) \(/.exec(output)?.[1]?.split(" ") ?? [],
      steps: /hosts in ([\d.]+ s: prepared [^\n]*)/.exec(output)?.[1] ?? "",
    };
  }

  /** All hosts as they were before the first deploy, and Terraform has never seen them. */
  async wipe(): Promise<void> {
    const programs = "/usr/local/lib/wgchain/wgchain-host";
    await Promise.all(
      this.nodes.map((node) =>
        this.lab.host(node).sh(`cp ${programs} /run/program; bash /run/program destroy >/run/destroyed 2>&1`),
      ),
    );
    forgetNullResources(this.lab.paths.tfstate);
  }

  get nodes(): readonly string[] {
    return this.lab.inventory.nodes.map(({ name }) => name);
  }

  /** The floor: what each of these hosts is sent, packed as the product packs it, by a bare `ssh host bash -s` each, all at once, from nothing. */
  async floor(version: string, nodes: readonly string[]): Promise<number> {
    const paths = this.versions.get(version);
    if (paths === undefined) throw new Error(`no version ${version}`);
    const operator = this.lab.host("operator");
    const trees = join(paths.out, "stacks", this.lab.inventory.stack, "wgchain/nodes");
    await operator.sh(
      `rm -rf /tmp/floor; mkdir /tmp/floor
       for node in ${nodes.join(" ")}; do
         { echo 'mkdir -p floor; tar -xzf - -C floor'; tar -C '${trees}'/$node -czf - .; } >/tmp/floor/$node
       done`,
    );
    const options = "-T -o BatchMode=yes -o UpdateHostKeys=no -o CheckHostIP=no -o ControlMaster=no -o ControlPath=none";
    const each = nodes.map(
      (node) => `ssh ${options} ${this.lab.publicAddress(node) ?? ""} bash -s </tmp/floor/${node} & all+=($!)`,
    );
    const began = process.hrtime.bigint();
    await operator.sh(`all=()\n${each.join("\n")}\nfor one in "\${all[@]}"; do wait "$one"; done`);
    return Number(process.hrtime.bigint() - began) / 1e9;
  }

  /** SSH logins so far, by host. */
  async sessions(): Promise<ReadonlyMap<string, number>> {
    const count = async (node: string): Promise<readonly [string, number]> => {
      const { stdout } = await this.lab.host(node).sh("grep -c '^Accepted ' /run/sshd.log || true");
      return [node, Number(stdout)];
    };
    return new Map(await Promise.all(this.nodes.map(count)));
  }

  async stop(): Promise<void> {
    await this.lab.down({ force: true });
    process.off("exit", this.remove).off("SIGINT", this.interrupted).off("SIGTERM", this.interrupted);
    rmSync(this.app, { recursive: true, force: true });
  }
}
