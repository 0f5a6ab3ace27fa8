import { Lab, table, until, type DeployResult, type Host, type RunResult } from "../lab";
import { gone } from "./processes";
import type { Product } from "./product";
import { nodes, type Change, type Node } from "./reference";
import { Broken, require } from "./row";
import { differences, stateOf, type HostState } from "./state";
import { Steps } from "./steps";
import { addTargets } from "./traffic";

export type States = ReadonlyMap<Node, HostState>;

export interface Tried {
  /** Undefined: it went well. */
  readonly error?: string;
  readonly result?: DeployResult;
  readonly seconds: number;
}

/** What a row works with: a lab in which the reference network runs, and the product that it is deployed with. */
export class Bench {
  readonly lab: Lab;
  private network: Change = [];
  private base: States | undefined;
  /** A row that failed may not have waited for it. */
  private last: Promise<unknown> = Promise.resolve();
  private readonly recorded = new Map<Change, States>();

  constructor(
    readonly instance: string,
    readonly product: Product,
  ) {
    this.lab = new Lab({ instance });
  }

  host(name: string): Host {
    return this.lab.host(name);
  }

  sh(host: string, script: string): Promise<RunResult> {
    return this.host(host).sh(script);
  }

  /** Runs a line of shell on a node by the operator's ssh, as the product would. */
  async ssh(node: Node, command: string, seconds = 10): Promise<RunResult> {
    const argv = [
      "ssh",
      "-T",
      "-o",
      "BatchMode=yes",
      "-o",
      `ConnectTimeout=${seconds}`,
      this.lab.publicAddress(node) ?? node,
      command,
    ];
    return this.host("operator").exec(argv, { check: false, timeoutMs: (seconds + 10) * 1000 });
  }

  /** The command `wgchain`, in the operator host, with the lab's keys. */
  async cli(...args: string[]): Promise<RunResult> {
    const { directory } = this.product;
    const argv = [process.execPath, "--import", "tsx", `${directory}/cli/wgchain.ts`, ...args, "--app", directory];
    const env = { WGCHAIN_DIR: this.lab.paths.directory };
    return this.host("operator").exec(argv, { cwd: directory, env, check: false, timeoutMs: 90_000 });
  }

  /** The network that the next deploy brings. */
  want(change: Change): void {
    this.product.network(change);
    this.network = change;
  }

  async deploy(change: Change = this.network): Promise<DeployResult> {
    this.want(change);
    const deploying = this.lab.up({ app: this.product.directory });
    this.last = deploying;
    const result = await deploying;
    await addTargets(this.host("internet"));
    return result;
  }

  /** For deploys that may fail. */
  async tryDeploy(change: Change = this.network): Promise<Tried> {
    const start = Date.now();
    const seconds = (): number => (Date.now() - start) / 1000;
    try {
      const result = await this.deploy(change);
      return { result, seconds: seconds() };
    } catch (error) {
      return { error: (error as Error).message, seconds: seconds() };
    }
  }

  async states(): Promise<States> {
    const all = await Promise.all(nodes.map(async (node) => [node, await stateOf(this.host(node))] as const));
    return new Map(all);
  }

  /** States of the network as it is without a change; the first sound one after a start is what all later ones are compared with. */
  get old(): States {
    if (this.base === undefined) throw new Error("no sound network has been recorded yet");
    return this.base;
  }

  /** States of a changed network, learned once by deploying the change and taking it back. */
  async statesOf(change: Change): Promise<States> {
    const known = this.recorded.get(change);
    if (known !== undefined) return known;
    await this.deploy(change);
    const states = await this.states();
    this.recorded.set(change, states);
    await this.deploy([]);
    await this.requireStates(this.old, "after a change and back");
    return states;
  }

  async requireStates(wanted: States, when: string): Promise<void> {
    const seen = await this.states();
    for (const node of nodes) {
      const found = differences(wanted.get(node) ?? [], seen.get(node) ?? []);
      require(found.length === 0, `${node} is not as it should be ${when}:\n${found.slice(0, 12).join("\n")}`);
    }
  }

  /**
   * Waits until no deploy runs any more and every host is in its state from before the change or in its new one; says which. What is
   * neither after these seconds is between the two.
   */
  async settle(to: Change, from: Change = [], seconds = this.product.revertSeconds + 15): Promise<string> {
    const [before, after] = [from, to].map((change) => this.recorded.get(change) ?? this.old);
    const start = Date.now();
    await gone(this.host("operator"), /wgchain\/(deploy|deliver)/, seconds);
    let between = "";
    const words = await until("old or new", seconds, async () => {
      const seen = await this.states();
      between = "";
      const each = nodes.map((node) => {
        const now = seen.get(node) ?? [];
        const [toOld, toNew] = [before, after].map((states) => differences(states?.get(node) ?? [], now));
        if (toOld?.length === 0) return toNew?.length === 0 ? undefined : `${node} old`;
        if (toNew?.length === 0) return `${node} new`;
        between += `${node} is neither old nor new: from old ${toOld?.slice(0, 6).join("; ")}\n from new ${toNew?.slice(0, 6).join("; ")}\n`;
        return undefined;
      });
      return between === "" ? each.filter(Boolean).join(", ") : undefined;
    }).catch(() => {
      throw new Broken(`within ${seconds} s: ${between}`);
    });
    return `${words === "" ? "all as before" : words} after ${((Date.now() - start) / 1000).toFixed(0)} s`;
  }

  /** Everybody's packets go as promised, and everybody can be reached. */
  async requireSound(): Promise<void> {
    const rows = await this.lab.probe();
    require(rows.every(({ pass }) => pass), `the network does not keep its promises:\n${table(rows)}`);
    await this.requireSsh();
  }

  async requireSsh(of: readonly Node[] = nodes): Promise<void> {
    for (const { node, status } of await Promise.all(of.map(async (node) => ({ node, ...(await this.ssh(node, "true")) })))) {
      require(status === 0, `${node} cannot be reached by SSH`);
    }
  }

  /** To the network without a change, sound and as it was at first. */
  async restore(): Promise<void> {
    await this.deploy([]);
    await Promise.all(nodes.map((node) => Steps.remove(this.host(node))));
    await this.requireSound();
    if (this.base === undefined) this.base = await this.states();
    else await this.requireStates(this.base, "after the way back");
  }

  /** A sound network to begin with: the one that runs, or one made anew where the last row did not end well. */
  async ensure(): Promise<void> {
    if (this.base !== undefined) return;
    await this.remove();
    await this.restore();
  }

  /** The network that runs is not to be built upon, nor compared with. */
  distrust(): void {
    this.base = undefined;
    this.recorded.clear();
  }

  async remove(): Promise<void> {
    this.distrust();
    await this.last.catch(() => undefined);
    await this.lab.down({ force: true });
  }
}
