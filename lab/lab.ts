import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Inventory, InventoryPromise } from "../lib/inventory";
import { inspectApp, recoverSynthesis, synthesize } from "./app";
import { addClient, bringUpClients, buildHosts, dropHost, hostNamed } from "./build";
import { nothingChanged, runCdktf, mirrorNullProvider, type DeployResult, type Verb } from "./deploy";
import { forgetClientKey, makeDirectory, makeKeys, recordAllocations, takeAllocations, writeSshConfig } from "./directory";
import { alive, removeHost, type Host } from "./host";
import { planOf, type Plan } from "./plan";
import { makePresharedKeys } from "./preshared";
import { probe, type Row } from "./probe";
import { LabError, type RunOptions, type RunResult } from "./run";
import { readScenario, type ScenarioLab } from "./scenario";
import { runProbes, type ProbeResult } from "./scenario-probes";
import { nodeOfInstance, stateValue } from "./stack";
import { bootId, lock, Paths, StateFile, type State } from "./state";
import { NamespaceCloud } from "./vm";

export interface LabOptions {
  /** @default "wgchain" */
  readonly instance?: string;
  /** A line for every stage. */
  readonly onStage?: (stage: string, detail: string) => void;
  /** Output of cdktf as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface UpOptions {
  /** Directory of the app's cdktf.json. */
  readonly app: string;
  /** @default "stand-in" */
  readonly nullProvider?: "stand-in" | "registry";
}

export interface DownOptions {
  /** Leave out `cdktf destroy`. */
  readonly force?: boolean;
}

/** A rehearsal of an app: its hosts as namespaces on this machine, the real cdktf and Terraform, real SSH, real packets. */
export class Lab {
  readonly paths: Paths;
  private readonly state: StateFile;

  constructor(private readonly options: LabOptions = {}) {
    this.paths = new Paths(options.instance ?? "wgchain");
    this.state = new StateFile(this.paths);
  }

  get inventory(): Inventory {
    return this.state.required.inventory;
  }

  /** Names of the hosts that run, Google VMs too. */
  get hosts(): readonly string[] {
    return Object.keys(this.state.required.hosts).sort();
  }

  host(name: string): Host {
    return hostNamed(this.state, name);
  }

  /** Runs a program in a host. */
  async exec(name: string, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.host(name).exec(argv, options);
  }

  /** Starts what does not run, deploys the app into it, and brings the clients up. */
  async up(options: UpOptions): Promise<DeployResult> {
    return this.locked(async () => {
      const appDir = resolve(options.app);
      const nullProvider = options.nullProvider ?? "stand-in";
      await this.clean(appDir);
      this.stage("app", appDir);
      const { inventory, appsDirectory } = await inspectApp(appDir);
      const scenario = readScenario(appDir);
      const plan = planOf(this.paths.instance, inventory, scenario);
      await this.prepare({ appDir, nullProvider, inventory, plan });
      takeAllocations(this.paths, appsDirectory);
      await makeKeys(this.paths, inventory, (name) => this.host(name));
      await makePresharedKeys(this.paths, inventory, (name) => this.host(name));
      const synthesized = await synthesize(this.paths, appDir);
      recordAllocations(this.paths, synthesized);
      if (nullProvider === "registry") await mirrorNullProvider(this.paths, synthesized.stack);
      this.state.update({ inventory: synthesized, nullProvider });
      writeSshConfig(this.paths, synthesized, plan, this.state.required.vms);
      this.stage("deploy", "cdktf deploy, in the operator host");
      const result = await this.cdktf("deploy");
      this.stage("deployed", nothingChanged(result) ? "nothing to change" : describe(result));
      await bringUpClients(this.state, synthesized, (node) => this.publicAddress(node));
      await scenario?.start?.(this.scenarioLab);
      for (const machine of scenario?.machines ?? []) await machine.start?.(this.scenarioLab);
      this.state.update({ phase: "up" });
      return result;
    });
  }

  /** Real packets against promises. */
  async probe(): Promise<Row[]> {
    const { inventory } = this.requireUp();
    this.stage("probe", `${inventory.clients.flatMap(({ addresses }) => addresses).length} client addresses`);
    return probe(inventory, { host: (name) => this.host(name), exitAddress: (promise) => this.exitAddress(promise) });
  }

  /** Real packets against what the app's scenario says must be so, one probe after the other; until one fails, or all. */
  async probeScenario(options: { readonly stopAtFirst?: boolean } = {}): Promise<ProbeResult[]> {
    const { probes = [] } = readScenario(this.requireUp().appDir) ?? {};
    if (probes.length > 0) this.stage("probe", `${probes.length} of the app's own`);
    return runProbes(probes, this.scenarioLab, options.stopAtFirst);
  }

  private get scenarioLab(): ScenarioLab {
    return { inventory: this.inventory, host: (name) => this.host(name) };
  }

  private requireUp(): State {
    const state = this.state.required;
    if (state.phase !== "up")
      throw new LabError(`the lab '${this.paths.instance}' is not up (${state.phase}); run: wgchain lab up`);
    return state;
  }

  /** The app as it is now against the running lab. */
  async diff(): Promise<DeployResult> {
    return this.locked(async () => {
      const { phase, appDir, hosts } = this.state.required;
      if ((phase !== "up" && phase !== "failed") || !Object.values(hosts).every(alive)) {
        throw new LabError(`the lab '${this.paths.instance}' is not whole (${phase}); run: wgchain lab up`);
      }
      await synthesize(this.paths, appDir, (inventory) => this.requireSameHosts(inventory)).catch((error: unknown) => {
        throw new LabError(`${(error as Error).message}\n(what is new in the app gets its host and keys by: wgchain lab up)`);
      });
      return this.cdktf("diff");
    });
  }

  /** Destroys what was deployed, then removes the hosts and all that the lab wrote. */
  async down(options: DownOptions = {}): Promise<void> {
    return this.locked(async () => {
      const state = this.state.current;
      if (state === undefined) {
        this.stage("down", existsSync(this.paths.root) ? "removing what is left" : "nothing is up");
        return this.remove();
      }
      const whole =
        (state.phase === "up" || state.phase === "failed") &&
        state.bootId === bootId() &&
        Object.values(state.hosts).every(alive);
      if (options.force === true || !whole) {
        this.stage(
          "down",
          `without cdktf destroy: ${options.force === true ? "as asked" : `the lab is not whole (${state.phase})`}`,
        );
      } else {
        try {
          await this.undeploy();
        } catch (error) {
          throw new LabError(
            `${(error as Error).message}\nthe hosts still run; remove them all the same with: wgchain lab down --force`,
          );
        }
      }
      await this.remove();
      this.stage("removed", "hosts and files");
    });
  }

  /** Takes back what was deployed; the hosts stay. */
  async destroy(): Promise<DeployResult> {
    return this.locked(async () => this.undeploy());
  }

  private async undeploy(): Promise<DeployResult> {
    this.stage("destroy", "cdktf destroy, in the operator host");
    const result = await this.cdktf("destroy");
    this.stage("destroyed", describe(result));
    this.state.update({ phase: "failed" });
    return result;
  }

  private stage(stage: string, detail: string): void {
    this.options.onStage?.(stage, detail);
  }

  /** One command at a time; a signal ends it at once and takes the deploy along. */
  private async locked<T>(work: () => Promise<T>): Promise<T> {
    requireMachine();
    const release = await lock(this.paths);
    // what another command may have written before we had the lock
    this.state.reread();
    recoverSynthesis(this.paths);
    const interrupt = (signal: NodeJS.Signals): void => {
      const operator = this.state.current?.hosts.operator;
      if (this.state.current?.phase === "deploying" && operator?.pid !== undefined && alive(operator))
        process.kill(operator.pid, "SIGKILL");
      process.stderr.write(`\ninterrupted by ${signal}; the next 'wgchain lab up' or 'lab down' cleans up\n`);
      process.exit(signal === "SIGINT" ? 130 : 143);
    };
    process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
    try {
      return await work();
    } finally {
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      await release();
    }
  }

  /** Removes what an interrupted run left, or a lab of another app or of before a reboot. */
  private async clean(appDir: string): Promise<void> {
    const state = this.state.current;
    if (state === undefined) {
      if (existsSync(this.paths.root)) this.state.remove();
      return;
    }
    const reason = reasonToStartAnew(state, appDir);
    if (reason === undefined) return;
    this.stage("clean", `${reason}: starting afresh`);
    await this.remove();
  }

  private async remove(): Promise<void> {
    await Promise.all(Object.values(this.state.current?.hosts ?? {}).map(removeHost));
    this.state.remove();
  }

  /** Hosts as planned: all of them on a fresh start, else only clients that came or went. */
  private async prepare(next: Pick<State, "appDir" | "nullProvider" | "inventory" | "plan">): Promise<void> {
    const before = this.state.current;
    if (before !== undefined && wiring(before.plan) === wiring(next.plan)) {
      this.state.update({ ...next, nullProvider: before.nullProvider });
      await makeDirectory(this.paths);
      await this.followClients(before.plan, next.plan);
      this.stage("hosts", `${this.hosts.length} are running`);
      return;
    }
    if (before !== undefined) {
      this.stage("clean", "the app's hosts have changed: starting afresh");
      await this.remove();
    }
    this.state.write({ version: 1, bootId: bootId(), phase: "starting", hosts: {}, vms: [], ...next });
    const operatorKey = await makeDirectory(this.paths);
    await buildHosts(this.paths, this.state, next.plan, operatorKey);
    await this.host("operator").sh(`mkdir -p /root/.ssh; mount --bind '${this.paths.ssh}' /root/.ssh`);
    this.stage("hosts", `${this.hosts.length} started: ${this.hosts.join(", ")}`);
  }

  private async followClients(before: Plan, next: Plan): Promise<void> {
    const clients = (plan: Plan): Map<string, string> =>
      new Map(plan.hosts.filter(({ kind }) => kind === "client").map((host) => [host.name, JSON.stringify(host)]));
    const [old, now] = [clients(before), clients(next)];
    for (const [name, text] of old) {
      if (now.get(name) === text) continue;
      await dropHost(this.state, name);
      forgetClientKey(this.paths, name);
    }
    for (const host of next.hosts) {
      if (host.kind === "client" && !(host.name in this.state.required.hosts)) await addClient(this.paths, this.state, host);
    }
  }

  private requireSameHosts(inventory: Inventory): void {
    const { appDir, plan } = this.state.required;
    if (wiring(planOf(this.paths.instance, inventory, readScenario(appDir))) !== wiring(plan)) {
      throw new LabError("the app's hosts have changed; the lab must start afresh for that");
    }
  }

  private async cdktf(verb: Verb): Promise<DeployResult> {
    const { appDir, inventory, nullProvider, phase, plan } = this.state.required;
    const backend = new NamespaceCloud(
      this.paths,
      this.state,
      (instance) => nodeOfInstance(this.paths.out, inventory, instance.name),
      () => writeSshConfig(this.paths, inventory, plan, this.state.required.vms),
    );
    // a plan changes nothing, so an interrupted one leaves nothing to clean
    if (verb !== "diff") this.state.update({ phase: "deploying" });
    const { onOutput } = this.options;
    const { paths } = this;
    try {
      return await runCdktf(verb, {
        paths,
        operator: this.host("operator"),
        appDir,
        stack: inventory.stack,
        nullProvider,
        backend,
        onOutput,
      });
    } catch (error) {
      // Terraform ended in order: the next deploy goes on from its state
      if (verb !== "diff") this.state.update({ phase: "failed" });
      throw error;
    } finally {
      if (verb === "diff") this.state.update({ phase });
      for (const note of backend.notes) this.stage("note", note);
    }
  }

  /** Where a node is reached; undefined for a VM that is not there yet. */
  publicAddress(node: string): string | undefined {
    const planned = this.state.required.plan.hosts.find(({ name }) => name === node);
    return planned?.address ?? this.state.required.vms.find(({ host }) => host === node)?.externalAddress;
  }

  private exitAddress({ exitAddress }: InventoryPromise): string | undefined {
    return "literal" in exitAddress ? exitAddress.literal : stateValue(this.paths.tfstate, exitAddress.deferred);
  }
}

/** What cannot change under running hosts: all but the clients. */
const wiring = (plan: Plan): string =>
  JSON.stringify([
    plan.hosts.filter(({ kind }) => kind !== "client"),
    plan.privateLinks,
    plan.internet,
    plan.targets,
    plan.jumpHosts,
  ]);

function reasonToStartAnew(state: State, appDir: string): string | undefined {
  if (state.bootId !== bootId()) return "the machine has been restarted";
  if (state.phase !== "up" && state.phase !== "failed") return `an interrupted run left it half done (${state.phase})`;
  const dead = Object.values(state.hosts).filter((record) => !alive(record));
  if (dead.length > 0) return `not running: ${dead.map(({ name }) => name).join(", ")}`;
  if (state.appDir !== appDir) return `it runs another app, ${state.appDir}`;
  return undefined;
}

function describe({ changes }: DeployResult): string {
  return changes === undefined ? "done" : `${changes.added} added, ${changes.changed} changed, ${changes.destroyed} destroyed`;
}

function requireMachine(): void {
  if (process.platform !== "linux") throw new LabError("the lab needs Linux: its hosts are network namespaces");
  if (process.getuid?.() !== 0) throw new LabError("the lab needs root, to make network namespaces; run it with sudo");
  if (!readFileSync("/proc/filesystems", "utf8").includes("overlay"))
    throw new LabError("the lab needs overlayfs; run: modprobe overlay");
}
