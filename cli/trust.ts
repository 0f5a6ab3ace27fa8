import { join } from "node:path";
import type { Inventory, InventoryNode } from "../lib/inventory";
import { readInventory } from "../app/run-app";
import { CliError, messageOf } from "../app/error";
import { withTemporary } from "../app/temporary";
import { confirm } from "./confirm";
import { exitStatus } from "./exit-status";
import { fingerprint, KnownHosts, sameKey, type HostKey } from "./known-hosts";
import { Output, type OutputOptions } from "./output";
import { askAll } from "./parallel";
import { explainSsh, hostKeyAlias, isSshNode, ssh, type SshNode } from "./ssh";

export interface TrustOptions extends OutputOptions {
  readonly app: string;
  readonly yes?: boolean;
  readonly replace?: boolean;
  readonly forget?: boolean;
}

/** What became of one node's key. */
interface Outcome {
  readonly node: string;
  /**
   * pinned: now, for the first time or in place of another; kept: it was; refused: not confirmed; failed: see detail; later: Terraform has still to make
   * the host; others: somebody else's host; forgotten: by --forget.
   */
  readonly result: "pinned" | "kept" | "refused" | "failed" | "later" | "others" | "forgotten";
  /** Of the key that the host shows. */
  readonly fingerprint?: string;
  readonly detail?: string;
}

/** A host key that was shown, against what is pinned. */
interface Shown {
  readonly node: SshNode;
  readonly key: HostKey;
  readonly pinned: readonly HostKey[];
}

/** Fetches hosts' SSH keys and pins what is confirmed. Returns the exit status. */
export async function trust(names: readonly string[], options: TrustOptions): Promise<number> {
  const out = Output.of(options);
  out.stage("app", options.app);
  const inventory = await readInventory(options.app);
  const knownHosts = KnownHosts.read(join(inventory.directory, "known_hosts"));
  const truster = new Truster(knownHosts, options, out);
  if (options.forget === true) truster.forget(names, inventory);
  else await truster.all(select(inventory, names));
  return truster.end();
}

class Truster {
  private readonly outcomes: Outcome[] = [];

  constructor(
    private readonly knownHosts: KnownHosts,
    private readonly options: TrustOptions,
    private readonly out: Output,
  ) {}

  async all(nodes: readonly InventoryNode[]): Promise<void> {
    for (const node of nodes) this.without(node);
    const fetched = await askAll(this.out, nodes.filter(isSshNode), (node) => this.look(node));
    const shown = fetched.filter((one) => one !== undefined);
    const unchanged = shown.filter(({ key, pinned }) => pinned.some((one) => sameKey(one, key)));
    for (const { node, key } of unchanged) {
      this.out.done(`${node.name}: already pinned, ${fingerprint(key)}`);
      this.outcomes.push({ node: node.name, result: "kept", fingerprint: fingerprint(key) });
    }
    const fresh = shown.filter(({ pinned }) => pinned.length === 0);
    await this.pinFresh(fresh);
    for (const one of shown) if (!unchanged.includes(one) && !fresh.includes(one)) await this.pinChanged(one);
  }

  /** Removes what is pinned; of a VM also the names that end in an instance's id. */
  forget(names: readonly string[], { nodes }: Inventory): void {
    const current = new Set(nodes.map(({ name }) => hostKeyAlias(name)));
    for (const node of names) {
      const own = hostKeyAlias(node);
      const aliases = this.knownHosts.aliases.filter(
        (one) => one === own || (one.startsWith(`${own}-`) && /^\d+$/.test(one.slice(own.length + 1)) && !current.has(one)),
      );
      for (const alias of aliases) this.knownHosts.remove(alias);
      if (aliases.length > 0) {
        this.out.done(`forgot ${aliases.join(", ")}`);
        this.outcomes.push({ node, result: "forgotten", detail: aliases.join(", ") });
      } else this.failed(node, `nothing is pinned in ${this.knownHosts.file}`);
    }
    if (this.outcomes.some(({ result }) => result === "forgotten")) this.knownHosts.save();
  }

  /** Returns the exit status. */
  end(): number {
    const nodes = this.outcomes;
    this.out.document({ knownHosts: this.knownHosts.file, nodes });
    const count = (...kinds: readonly Outcome["result"][]): number => nodes.filter(({ result }) => kinds.includes(result)).length;
    const failed = count("failed", "refused");
    const forgotten = this.options.forget === true ? `${count("forgotten")} forgotten` : "";
    const pinned = `${count("pinned")} pinned now, ${count("kept")} before`;
    this.out.summary(`${forgotten || pinned}${failed === 0 ? "" : `, ${failed} not`}`);
    return failed === 0 ? exitStatus.done : exitStatus.failed;
  }

  private without(node: InventoryNode): void {
    if (node.host.kind === "gce") {
      this.out.done(`${node.name}: ${googleAdvice(node)}`);
      this.outcomes.push({ node: node.name, result: "later", detail: googleAdvice(node) });
    }
    if (node.host.kind === "unmanaged") {
      const detail = "somebody else's host (Host.unmanaged); nothing is delivered to it, so nothing is pinned";
      this.out.done(`${node.name}: ${detail}`);
      this.outcomes.push({ node: node.name, result: "others", detail });
    }
  }

  private async pinFresh(fresh: readonly Shown[]): Promise<void> {
    // What is asked about is shown with the question, too.
    const show = (line: string): void => (this.options.yes === true ? this.out.done(line) : this.out.shown(line));
    for (const { node, key } of fresh) show(`${node.name}: ${fingerprint(key)}, shown by ${node.host.destination}`);
    if (fresh.length === 0) return;
    const names = fresh.map(({ node }) => node.name).join(", ");
    const question = `pin ${names}? compare with what 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' says on the hosts`;
    if (this.options.yes === true || (await this.ask(question))) this.pin(fresh);
    else this.refuse(fresh);
  }

  private async pinChanged(one: Shown): Promise<void> {
    const { node, key, pinned } = one;
    this.out.shown(`${node.name}: the host key has CHANGED`);
    for (const former of pinned) this.out.shown(`  pinned: ${fingerprint(former)}`);
    this.out.shown(`  shown:  ${fingerprint(key)}, by ${node.host.destination}`);
    if (await this.mayReplace(node.name)) this.pin([one]);
    else this.refuse([one]);
  }

  private async mayReplace(node: string): Promise<boolean> {
    const { yes, replace } = this.options;
    if (yes !== true) return this.ask(`replace the pinned key of ${node}? only if you know that the host was made anew`);
    if (replace === true) return true;
    this.out.error(
      `${node}: --yes does not replace a pinned key; if the host was made anew: wgchain trust --yes --replace ${node}; if not, somebody stands in between`,
    );
    return false;
  }

  private ask(question: string): Promise<boolean> {
    return confirm(question, "compare the fingerprints above with the hosts' own, then run again with --yes", this.out);
  }

  private refuse(shown: readonly Shown[]): void {
    this.out.shown(`not pinned: ${shown.map(({ node }) => node.name).join(", ")}`);
    for (const { node, key, pinned } of shown) {
      const detail =
        pinned.length === 0 ? "not confirmed" : `the host key has changed; pinned: ${pinned.map(fingerprint).join(", ")}`;
      this.outcomes.push({ node: node.name, result: "refused", fingerprint: fingerprint(key), detail });
    }
  }

  private pin(shown: readonly Shown[]): void {
    for (const { node, key } of shown) {
      this.knownHosts.pin(hostKeyAlias(node.name), key);
      this.outcomes.push({ node: node.name, result: "pinned", fingerprint: fingerprint(key) });
    }
    this.knownHosts.save();
    this.out.done(`pinned ${shown.map(({ node }) => node.name).join(", ")} in ${this.knownHosts.file}; commit it`);
  }

  private failed(node: string, detail: string): void {
    this.out.error(`${node}: ${detail}`);
    this.outcomes.push({ node, result: "failed", detail });
  }

  private async look(node: SshNode): Promise<Shown | undefined> {
    try {
      const shown = await look(node, this.knownHosts);
      if (shown === undefined) this.failed(node.name, "it shows no SSH host key of a kind that this machine's ssh takes");
      return shown;
    } catch (error) {
      this.failed(node.name, messageOf(error));
      return undefined;
    }
  }
}

/** Undefined: it has no key that is of use. */
function look(node: SshNode, knownHosts: KnownHosts): Promise<Shown | undefined> {
  return withTemporary(async (scratch) => {
    const pinned = knownHosts.keysOf(hostKeyAlias(node.name));
    // The kind of key that is pinned first, for a host has several.
    const kinds = [...new Set(pinned.map(({ type }) => type))];
    const key =
      (kinds.length > 0 ? await fetch(node, join(scratch, "pinned"), kinds) : undefined) ??
      (await fetch(node, join(scratch, "any"), []));
    return key === undefined ? undefined : { node, key, pinned };
  });
}

/**
 * Through ssh itself and not ssh-keyscan, so that aliases, ports and jump hosts of ssh_config hold. ssh writes the key into an empty file before it
 * logs in, and need not log in: nothing is offered to a host that is not trusted yet. Undefined: the host has no key of these kinds.
 */
async function fetch(node: SshNode, file: string, kinds: readonly string[]): Promise<HostKey | undefined> {
  const algorithms = kinds.flatMap((kind) => (kind === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [kind]));
  const options = ["PreferredAuthentications=none", ...(kinds.length > 0 ? [`HostKeyAlgorithms=${algorithms.join(",")}`] : [])];
  const result = await ssh({ node, knownHosts: file, checking: "accept-new", options, command: "true" });
  const key = KnownHosts.read(file).keysOf(hostKeyAlias(node.name))[0];
  if (key === undefined && !/no matching host key type/.test(result.stderr)) throw new CliError(explainSsh(node, file, result));
  return key;
}

function select({ nodes, problems }: Inventory, names: readonly string[]): readonly InventoryNode[] {
  if (names.length === 0) return nodes;
  return names.map((name) => {
    const node = nodes.find((one) => one.name === name);
    if (node !== undefined) return node;
    const known = nodes.map((one) => one.name).join(", ") || "none";
    const why =
      problems.length === 0
        ? ""
        : `; its checks also fail: ${problems.map(({ path, message }) => `${path}: ${message}`).join("; ")}`;
    throw new CliError(`'${name}' is no node of this app; it has ${known}${why}`);
  });
}

/** A VM's key is known only once Terraform has made it; its instance id is part of the name, so a new VM is a new name. */
function googleAdvice({ name }: InventoryNode): string {
  return [
    "a Google VM's key is recorded at the first deploy, under the instance's id, so there is nothing to pin before; to compare afterwards:",
    `  gcloud compute instances get-guest-attributes ${name} --query-path=hostkeys/`,
    `  ssh-keygen -lf known_hosts   (the line ${hostKeyAlias(name)}-INSTANCE_ID)`,
  ].join("\n");
}
