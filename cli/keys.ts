import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Inventory, InventoryInterface, InventoryNode } from "../lib/inventory";
import { parseName } from "../lib/name";
import { recordAllocations } from "./allocations";
import { readInventory, requireSound } from "../app/run-app";
import { CliError, messageOf } from "../app/error";
import { exitStatus } from "./exit-status";
import { hostKeyFile, hostKeys, type HostKey } from "./host-keys";
import { PrivateKeyFiles, PublicKeyFiles } from "./key-file";
import { Output, type OutputOptions } from "./output";
import { askAll, inParallel } from "./parallel";
import { ensurePreshared, pairsOf } from "./preshared";
import { isManaged, keyName, selectInterfaces, type Selected } from "./select";
import { isSshNode, type SshNode } from "./ssh";
import { counted } from "./words";

export interface KeysOptions extends OutputOptions {
  readonly app: string;
  readonly clients?: boolean;
}

/** What became of one key. */
export interface KeyOutcome {
  /** NODE/IFACE, "NODE/IFACE psk" for a tunnel's pre-shared key, a NODE that could not be asked, or client/NAME. */
  readonly name: string;
  /**
   * made: a new pair; read: the private key was there, the public one is new here; kept: all was there; elsewhere: the private key is on another
   * operator's machine; missing: a client's, made by its owner; failed: see detail.
   */
  readonly result: "made" | "read" | "kept" | "elsewhere" | "missing" | "failed";
  readonly publicKey?: string;
  readonly detail: string;
}

/** Missing keys are what this mends, and it records what is not on record. */
export const mended: ReadonlySet<string> = new Set(["missing-public-key", "missing-preshared-key", "unrecorded-allocation"]);

/** Makes the WireGuard keys that are missing, each where it belongs, and records allocations. Returns the exit status. */
export async function keys(names: readonly string[], options: KeysOptions): Promise<number> {
  const out = Output.of(options);
  out.stage("app", options.app);
  const inventory = await readInventory(options.app);
  const selected = selectInterfaces(inventory, names);
  requireSound(inventory, mended);
  const maker = new KeyMaker(inventory.directory, out);
  const hosts = selected.filter(({ node }) => isSshNode(node)).map((one) => ({ ...one, name: one.node.name }));
  const others = selected.filter(({ node }) => !isSshNode(node));
  await Promise.all([askAll(out, hosts, (one) => maker.node(one)), ...others.map((one) => maker.node(one))]);
  const chosen = new Set(selected.flatMap(({ interfaces }) => interfaces));
  const pairs = pairsOf(inventory).filter(({ ends }) => ends.some(({ one }) => chosen.has(one)));
  if (pairs.length > 0) out.stage("psk", pairs.map(({ name }) => name).join(", "));
  await inParallel(16, pairs, async (pair) => {
    const found = await attempt(`${pair.name} psk`, () => ensurePreshared(inventory.directory, pair));
    maker.record(found);
  });
  if (names.length === 0 || options.clients === true) maker.clients(inventory, options.clients === true);
  const allocations = recordAllocations(inventory);
  if (allocations.length > 0) out.done(`allocations.json: recorded ${allocations.join(", ")}`);
  const outcomes = [...maker.outcomes].sort((a, b) => (a.name < b.name ? -1 : 1));
  const failed = outcomes.filter(({ result }) => result === "failed").length;
  out.document({ directory: inventory.directory, keys: outcomes, allocations });
  out.done(summary(outcomes, inventory.directory));
  out.summary(`${outcomes.length - failed} of ${counted(outcomes.length, "key")} well, ${counted(hosts.length, "host")} asked`);
  return failed === 0 ? exitStatus.done : exitStatus.failed;
}

class KeyMaker {
  readonly outcomes: KeyOutcome[] = [];
  private readonly publicKeys: PublicKeyFiles;
  private readonly privateKeys: PrivateKeyFiles;
  private readonly knownHosts: string;

  constructor(
    directory: string,
    private readonly out: Output,
  ) {
    this.publicKeys = new PublicKeyFiles(directory);
    this.privateKeys = new PrivateKeyFiles(directory);
    this.knownHosts = join(directory, "known_hosts");
  }

  /** One node's failure is named and leaves the others be. */
  async node({ node, interfaces }: Selected): Promise<void> {
    try {
      if (isSshNode(node)) await this.onHost(node, interfaces);
      else if (!isManaged(node))
        for (const one of interfaces) this.attempt(`${node.name}/${one.name}`, () => this.ofOthers(node, one));
      else for (const one of interfaces) this.attempt(`${node.name}/${one.name}`, () => this.onOperator(node, one));
    } catch (error) {
      this.record({ name: node.name, result: "failed", detail: messageOf(error) });
    }
  }

  clients({ clients }: Inventory, make: boolean): void {
    for (const { name } of clients.filter(({ publicKey }) => publicKey === null)) {
      const key = `client.${parseName(name, "client name")}`;
      const file = this.publicKeys.name(key);
      this.attempt(`client/${name}`, () => {
        if (!make)
          return {
            result: "missing",
            detail: `its owner makes the pair and gives you ${file}: ${pairCommand(name)}; or: wgchain keys --clients`,
          };
        const { publicKey, made } = this.privateKeys.publicKey(key);
        this.publicKeys.write(key, publicKey);
        return { result: made ? "made" : "read", publicKey, detail: `${file}; its owner needs ${this.privateKeys.name(key)}` };
      });
    }
  }

  private async onHost(node: SshNode, interfaces: readonly InventoryInterface[]): Promise<void> {
    const requests = interfaces.map((one) => ({
      interface: one.name,
      action: one.publicKey === null ? ("make" as const) : ("check" as const),
    }));
    const found = await hostKeys(node, this.knownHosts, requests, (text) => this.out.done(`${node.name}: ${text}`));
    for (const one of interfaces) this.attempt(`${node.name}/${one.name}`, () => this.fromHost(node, one, found.get(one.name)));
  }

  private fromHost(node: SshNode, one: InventoryInterface, found: HostKey | undefined): Omit<KeyOutcome, "name"> {
    const key = keyName(node, one);
    const file = hostKeyFile(one.name);
    if (found === undefined) throw new CliError("the host said nothing of this key; run again");
    if (found.state === "malformed")
      throw new CliError(`${file} on the host holds no WireGuard key (not shown); move it away there and run again`);
    if (found.publicKey === undefined) {
      throw new CliError(
        `${this.origin(key)} says ${String(one.publicKey)}, but the host has no private key at ${file} (was it made anew?); put the private key there, or ${this.forget(key)} and run again for a new pair`,
      );
    }
    if (one.publicKey !== null && one.publicKey === found.next && one.publicKey !== found.publicKey) {
      const detail = `${this.publicKeys.name(key)}; ${file}.next waits on the host, the next deploy switches to it`;
      return { result: "kept", publicKey: found.next, detail };
    }
    return this.compare(key, one, found.publicKey, found.state === "made", `${file} on the host`);
  }

  /** A host that does not exist yet: its key waits here, and is sent with the first deploy. */
  private onOperator(node: InventoryNode, one: InventoryInterface): Omit<KeyOutcome, "name"> {
    const key = keyName(node, one);
    const file = this.privateKeys.name(key);
    if (one.publicKey !== null && !this.privateKeys.has(key)) {
      const detail = `${file} is not on this machine; whoever made it has it, and a host that has it needs it no more`;
      return { result: "elsewhere", publicKey: one.publicKey, detail };
    }
    const { publicKey, made } = this.privateKeys.publicKey(key);
    return this.compare(key, one, publicKey, made, file);
  }

  /** Somebody else's host: its owner makes the pair, and gives the public half. */
  private ofOthers(node: InventoryNode, one: InventoryInterface): Omit<KeyOutcome, "name"> {
    const file = this.publicKeys.name(keyName(node, one));
    const detail = `its host is somebody else's (Host.unmanaged)`;
    if (one.publicKey !== null) return { result: "elsewhere", publicKey: one.publicKey, detail };
    return { result: "missing", detail: `${detail}: put the output of 'wg pubkey' there into ${file}` };
  }

  private compare(
    key: string,
    one: InventoryInterface,
    publicKey: string,
    made: boolean,
    where: string,
  ): Omit<KeyOutcome, "name"> {
    const file = this.publicKeys.name(key);
    if (one.publicKey === null) {
      this.publicKeys.write(key, publicKey);
      return { result: made ? "made" : "read", publicKey, detail: `${file}; the private key is ${where}` };
    }
    if (one.publicKey !== publicKey) {
      throw new CliError(
        `${this.origin(key)} says ${one.publicKey}, but ${where} belongs to ${publicKey}; nothing was changed. If the private key is the right one, ${this.forget(key)}, run again, commit and deploy; if not, put the right one in its place`,
      );
    }
    return { result: "kept", publicKey, detail: file };
  }

  private origin(key: string): string {
    const file = this.publicKeys.name(key);
    return existsSync(join(this.publicKeys.directory, file)) ? file : "publicKey in the code";
  }

  private forget(key: string): string {
    const origin = this.origin(key);
    return origin.startsWith("keys") ? `delete ${origin}` : "take publicKey out of the code";
  }

  private attempt(name: string, work: () => Omit<KeyOutcome, "name">): void {
    try {
      this.record({ name, ...work() });
    } catch (error) {
      this.record({ name, result: "failed", detail: messageOf(error) });
    }
  }

  record(outcome: KeyOutcome): void {
    this.outcomes.push(outcome);
    if (outcome.result === "failed") this.out.error(`${outcome.name}: ${outcome.detail}`);
    else this.out.done(`${outcome.result.padEnd(9)} ${outcome.name}  ${outcome.detail}`);
  }
}

/** What went wrong is an outcome, too. */
async function attempt(name: string, work: () => Promise<Omit<KeyOutcome, "name">>): Promise<KeyOutcome> {
  try {
    return { name, ...(await work()) };
  } catch (error) {
    return { name, result: "failed", detail: messageOf(error) };
  }
}

const pairCommand = (name: string): string => `(umask 077; wg genkey | tee ${name}.key | wg pubkey >client.${name}.pub)`;

function summary(outcomes: readonly KeyOutcome[], directory: string): string {
  const kinds = ["made", "read", "kept", "elsewhere", "missing", "failed"] as const;
  const count = (kind: string): number => outcomes.filter(({ result }) => result === kind).length;
  const counts = kinds.filter((kind) => count(kind) > 0).map((kind) => `${count(kind)} ${kind}`);
  const commit = count("made") + count("read") > 0 ? `; commit ${join(directory, "keys")}` : "";
  return `${counts.length === 0 ? "nothing to do" : counts.join(", ")}${commit}`;
}
