import { join } from "node:path";
import type { Inventory, InventoryClient } from "../lib/inventory";
import { CliError, messageOf } from "../app/error";
import { readInventory, requireSound } from "../app/run-app";
import { exitStatus } from "./exit-status";
import { hostKeyFile, hostKeys } from "./host-keys";
import { PrivateKeyFiles, PublicKeyFiles } from "./key-file";
import { mended } from "./keys";
import { Output, type OutputOptions } from "./output";
import { askAll } from "./parallel";
import { pairsOf, rotatePreshared, type Pair } from "./preshared";
import { fullName, isManaged, keyName, selectInterface, type SelectedInterface } from "./select";
import { isSshNode, type SshNode } from "./ssh";

export interface RotateOptions extends OutputOptions {
  readonly app: string;
  readonly psk?: boolean;
  readonly yes?: boolean;
}

interface Rotated {
  readonly name: string;
  readonly result: "rotated" | "failed";
  /** What was recorded before and is now: public keys, or digests of pre-shared ones. */
  readonly former?: string;
  readonly now?: string;
  readonly detail: string;
}

/** Makes keys that the next deploy puts in the place of those in use, at both ends. Returns the exit status. */
export async function rotate(names: readonly string[], options: RotateOptions): Promise<number> {
  const out = Output.of(options);
  out.stage("app", options.app);
  const inventory = await readInventory(options.app);
  const chosen = [...new Set(names)].map((name) => selectInterface(inventory, name));
  requireSound(inventory, mended);
  const notice = (node: string, text: string): void => out.note(`${node}: ${text}`);
  const work =
    options.psk === true ? presharedWork(inventory, chosen) : keyWork(inventory, chosen, { yes: options.yes === true, notice });
  const done = await askAll(out, work, ({ name, run }) => attempt(name, run), { name: "rotate", verb: "new keys of" });
  for (const one of done) if (one.result === "failed") out.error(`${one.name}: ${one.detail}`);
  out.document({ directory: inventory.directory, rotated: done });
  const good = done.filter(({ result }) => result === "rotated");
  for (const { name, former, now, detail } of good) out.done(`${name}: ${former} -> ${now}\n  ${detail}`);
  if (good.length > 0) out.done(`commit ${join(inventory.directory, "keys")}, then deploy: it switches both ends`);
  out.summary(`${good.length} of ${done.length} wait for the next deploy`);
  return good.length === done.length ? exitStatus.done : exitStatus.failed;
}

interface Work {
  readonly name: string;
  readonly run: () => Promise<Omit<Rotated, "name" | "result">>;
}

async function attempt(name: string, run: Work["run"]): Promise<Rotated> {
  try {
    return { name, result: "rotated", ...(await run()) };
  } catch (error) {
    return { name, result: "failed", detail: messageOf(error) };
  }
}

interface KeyWorkOptions {
  readonly yes: boolean;
  readonly notice: (node: string, text: string) => void;
}

function keyWork(inventory: Inventory, chosen: readonly SelectedInterface[], { yes, notice }: KeyWorkOptions): readonly Work[] {
  const publicKeys = new PublicKeyFiles(inventory.directory);
  for (const selected of chosen) {
    const name = fullName(selected.node, selected.one);
    const clients = clientsOf(inventory, selected);
    if (selected.one.role !== "clients" || yes) continue;
    const who = clients.length === 0 ? "" : `: ${clients.map((client) => client.name).join(", ")}`;
    throw new CliError(
      `the new key of ${name} cuts off its ${clients.length} clients from the next deploy until each has the new public key in its configuration${who}; if that is what you want: wgchain keys rotate --yes ${name}`,
    );
  }
  return chosen.map((selected) => ({
    name: fullName(selected.node, selected.one),
    run: async () => {
      const { node, one } = selected;
      if (!isManaged(node)) {
        throw new CliError(
          `${node.name} is somebody else's host (Host.unmanaged); they make a new key, and you put its public half into the code`,
        );
      }
      const key = keyName(node, one);
      const former = publicKeys.read(key);
      if (one.publicKey === null) throw new CliError("it has no key yet; make it: wgchain keys");
      if (former === undefined || former !== one.publicKey) {
        throw new CliError(
          `its public key stands in the code, which this cannot change; write it into ${publicKeys.name(key)}, take publicKey out of the code, and run again`,
        );
      }
      const now = isSshNode(node)
        ? await nextOnHost(inventory.directory, node, one.name, former, (text) => notice(node.name, text))
        : nextHere(inventory.directory, key, former);
      publicKeys.replace(key, now.publicKey);
      const clients = clientsOf(inventory, selected);
      const warning = clients.length === 0 ? "" : `; after the deploy ${clients.length} clients need the new public key`;
      return {
        former: now.former,
        now: now.publicKey,
        detail: `${publicKeys.name(key)}; the private key is ${now.where}${warning}`,
      };
    },
  }));
}

const clientsOf = ({ clients }: Inventory, { node, one }: SelectedInterface): readonly InventoryClient[] =>
  clients.filter((client) => client.node === node.name && client.interface === one.name);

interface Next {
  readonly publicKey: string;
  readonly former: string;
  readonly where: string;
}

async function nextOnHost(
  directory: string,
  node: SshNode,
  iface: string,
  recorded: string,
  notice: (text: string) => void,
): Promise<Next> {
  const found = (await hostKeys(node, join(directory, "known_hosts"), [{ interface: iface, action: "next" }], notice)).get(iface);
  const file = hostKeyFile(iface);
  if (found?.state === "malformed")
    throw new CliError(`${file} on the host holds no WireGuard key (not shown); nothing was changed`);
  if (found?.publicKey === undefined || found.next === undefined)
    throw new CliError(`the host has no private key at ${file} to replace; nothing was changed: wgchain keys says more`);
  if (recorded !== found.publicKey && recorded !== found.next) {
    throw new CliError(
      `keys/${node.name}.${iface}.pub says ${recorded}, but ${file} on the host belongs to ${found.publicKey}; nothing was changed here: wgchain keys ${node.name} says more`,
    );
  }
  return { publicKey: found.next, former: found.publicKey, where: `${file}.next on the host` };
}

/** A VM's: sent by the next deploy from here. */
function nextHere(directory: string, key: string, recorded: string): Next {
  const files = new PrivateKeyFiles(directory);
  if (!files.has(key)) {
    throw new CliError(`${files.name(key)} is not on this machine; whoever made it rotates it, for a deploy from there sends it`);
  }
  const publicKey = files.rotate(key, recorded);
  return {
    publicKey,
    former: recorded,
    where: `${files.name(key)}, which the next deploy from here sends; the former is ${files.name(key)}.old`,
  };
}

function presharedWork(inventory: Inventory, chosen: readonly SelectedInterface[]): readonly Work[] {
  const pairs = pairsOf(inventory);
  const wanted = new Map<string, Pair>();
  for (const { node, one } of chosen) {
    const pair = pairs.find(({ ends }) => ends.some((end) => end.one === one));
    if (pair === undefined)
      throw new CliError(`${fullName(node, one)} has no pre-shared key in this app; a tunnel gets one in your network's code`);
    wanted.set(pair.name, pair);
  }
  return [...wanted.values()].map((pair) => ({
    name: `${pair.name} psk`,
    run: async () => {
      const { former, digest, file } = await rotatePreshared(inventory.directory, pair);
      return {
        former: `sha256 ${former.slice(0, 12)}...`,
        now: `${digest.slice(0, 12)}...`,
        detail: `${file}; both ends hold the new key`,
      };
    },
  }));
}
