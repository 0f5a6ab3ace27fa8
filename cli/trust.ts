import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Inventory, InventoryNode } from "../lib/inventory";
import { readInventory } from "../app/run-app";
import { CliError, messageOf } from "../app/error";
import { confirm } from "./confirm";
import { fingerprint, KnownHosts, sameKey, type HostKey } from "./known-hosts";
import { inParallel } from "./parallel";
import { explainSsh, hostKeyAlias, isSshNode, ssh, type SshNode } from "./ssh";

export interface TrustOptions {
  readonly app: string;
  readonly yes?: boolean;
  readonly replace?: boolean;
  readonly forget?: boolean;
}

/** A host key that was shown, against what is pinned. */
interface Shown {
  readonly node: SshNode;
  readonly key: HostKey;
  readonly pinned: readonly HostKey[];
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const complain = (text: string): void => void process.stderr.write(`error: ${text}\n`);

/** Fetches hosts' SSH keys and pins what is confirmed. Returns the exit status. */
export async function trust(names: readonly string[], options: TrustOptions): Promise<number> {
  const inventory = await readInventory(options.app);
  const knownHosts = KnownHosts.read(join(inventory.directory, "known_hosts"));
  if (options.forget === true) return forget(names, inventory, knownHosts);
  const nodes = select(inventory, names);
  for (const node of nodes) {
    if (node.host.kind === "gce") say(`${node.name}: ${googleAdvice(node)}`);
    if (node.host.kind === "unmanaged")
      say(`${node.name}: somebody else's host (Host.unmanaged); nothing is delivered to it, so nothing is pinned`);
  }
  const fetched = await inParallel(16, nodes.filter(isSshNode), (node) => look(node, knownHosts));
  const shown = fetched.filter((one) => one !== undefined);
  let failed = fetched.length - shown.length;

  const unchanged = shown.filter(({ key, pinned }) => pinned.some((one) => sameKey(one, key)));
  for (const { node, key } of unchanged) say(`${node.name}: already pinned, ${fingerprint(key)}`);
  const fresh = shown.filter(({ pinned }) => pinned.length === 0);
  for (const { node, key } of fresh) say(`${node.name}: ${fingerprint(key)}, shown by ${node.host.destination}`);
  const changed = shown.filter((one) => !unchanged.includes(one) && !fresh.includes(one));

  if (fresh.length > 0) {
    const names = fresh.map(({ node }) => node.name).join(", ");
    const agreed =
      options.yes === true ||
      (await askFor(`pin ${names}? compare with what 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' says on the hosts`));
    if (agreed) pin(fresh, knownHosts);
    else failed += refuse(names);
  }
  for (const one of changed) {
    say(`${one.node.name}: the host key has CHANGED`);
    for (const pinned of one.pinned) say(`  pinned: ${fingerprint(pinned)}`);
    say(`  shown:  ${fingerprint(one.key)}, by ${one.node.host.destination}`);
    if (await mayReplace(one, options)) pin([one], knownHosts);
    else failed += refuse(one.node.name);
  }
  return failed === 0 ? 0 : 1;
}

async function mayReplace({ node }: Shown, { yes, replace }: TrustOptions): Promise<boolean> {
  if (yes !== true) return askFor(`replace the pinned key of ${node.name}? only if you know that the host was made anew`);
  if (replace === true) return true;
  complain(
    `${node.name}: --yes does not replace a pinned key; if the host was made anew: wgchain trust --yes --replace ${node.name}; if not, somebody stands in between`,
  );
  return false;
}

function refuse(names: string): number {
  say(`not pinned: ${names}`);
  return 1;
}

function pin(shown: readonly Shown[], knownHosts: KnownHosts): void {
  for (const { node, key } of shown) knownHosts.pin(hostKeyAlias(node.name), key);
  knownHosts.save();
  say(`pinned ${shown.map(({ node }) => node.name).join(", ")} in ${knownHosts.file}; commit it`);
}

const askFor = (question: string): Promise<boolean> =>
  confirm(question, "compare the fingerprints above with the hosts' own, then run again with --yes");

async function look(node: SshNode, knownHosts: KnownHosts): Promise<Shown | undefined> {
  const scratch = mkdtempSync(join(tmpdir(), "wgchain-trust-"));
  try {
    const pinned = knownHosts.keysOf(hostKeyAlias(node.name));
    // The kind of key that is pinned first, for a host has several.
    const kinds = [...new Set(pinned.map(({ type }) => type))];
    const key =
      (kinds.length > 0 ? await fetch(node, join(scratch, "pinned"), kinds) : undefined) ??
      (await fetch(node, join(scratch, "any"), []));
    return key === undefined ? undefined : { node, key, pinned };
  } catch (error) {
    complain(`${node.name}: ${messageOf(error)}`);
    return undefined;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
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

function forget(names: readonly string[], { nodes }: Inventory, knownHosts: KnownHosts): number {
  const current = new Set(nodes.map(({ name }) => hostKeyAlias(name)));
  let missing = 0;
  for (const name of names) {
    const own = hostKeyAlias(name);
    const aliases = knownHosts.aliases.filter(
      (one) => one === own || (one.startsWith(`${own}-`) && /^\d+$/.test(one.slice(own.length + 1)) && !current.has(one)),
    );
    for (const alias of aliases) knownHosts.remove(alias);
    if (aliases.length > 0) say(`forgot ${aliases.join(", ")}`);
    else {
      complain(`${name}: nothing is pinned in ${knownHosts.file}`);
      missing += 1;
    }
  }
  if (missing < names.length) knownHosts.save();
  return missing === 0 ? 0 : 1;
}
