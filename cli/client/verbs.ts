import { rmSync } from "node:fs";
import { join, relative } from "node:path";
import { Ipv4Address } from "../../lib/address";
import type { Inventory, InventoryClient } from "../../lib/inventory";
import { clientConfig, parseRoute } from "../../lib/client-config/client-config";
import { emptyClientsFile, withClient, withExit, withoutClient, withoutExpired } from "../../lib/clients-file/edit";
import type { ClientEntry } from "../../lib/clients-file/parse";
import { parsePublicKey } from "../../lib/key";
import { parseName } from "../../lib/name";
import { readInventory, requireSound } from "../../app/run-app";
import { CliError } from "../../app/error";
import { mended } from "../keys";
import { Output, type OutputOptions } from "../output";
import { newPrivateKey, publicKeyOf, PublicKeyFiles, writeNew } from "../key-file";
import { ClientsOnDisk } from "./clients-file";
import { endpointOf } from "./endpoint";
import { exitsOf, shownExits } from "./exits";
import { terminalQr, writeQr } from "./qr";

export interface AppOptions extends OutputOptions {
  readonly app: string;
}

export interface ConfigOptions extends AppOptions {
  readonly endpoint?: string;
  readonly state?: string;
  readonly route?: readonly string[];
  readonly dns?: readonly string[];
  readonly out?: string;
  readonly qr?: readonly string[];
}

export interface AddOptions extends ConfigOptions {
  readonly exit: string;
  readonly address?: string;
  readonly publicKey?: string;
}

/** How long the address of one who was revoked is nobody else's: a phone that was lost may call for a while. */
export const keptDays = 90;

/** The first client makes the file. */
const mendedByAdding: ReadonlySet<string> = new Set([...mended, "missing-clients-file"]);

const day = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10);

/** Revoked entries whose day has come, by name. */
function expired(disk: ClientsOnDisk, now: number): string[] {
  return Object.entries(disk.clients.revoked).flatMap(([name, { keptUntil }]) => (keptUntil <= day(now) ? [name] : []));
}

function clientOf({ clients }: Inventory, name: string): InventoryClient {
  const found = clients.find((client) => client.name === name);
  if (found === undefined)
    throw new CliError(
      `there is no client '${name}'; there are ${clients.map((client) => `'${client.name}'`).join(", ") || "none"}`,
    );
  return found;
}

/** A client more: an entry in the file, its public key, and its configuration on standard output. */
export async function add(name: string, options: AddOptions, now = Date.now()): Promise<void> {
  const out = Output.of(options);
  parseName(name, "client name");
  const given = options.publicKey === undefined ? undefined : parsePublicKey(options.publicKey, "--public-key");
  options.route?.forEach(parseRoute);
  const before = await out.wait(`asking ${options.app}`, readInventory(options.app));
  const disk = ClientsOnDisk.of(before);
  // What is wrong in the file is told first: what else is wrong may follow from it.
  const { revoked } = disk.clients;
  requireSound(before, mendedByAdding);
  disk.requireExit(options.exit);
  if (before.clients.some((client) => client.name === name))
    throw new CliError(`client '${name}' is there already; move it: wgchain client move ${name} --exit ${options.exit}`);
  if (revoked[name] !== undefined && !expired(disk, now).includes(name))
    throw new CliError(
      `client '${name}' was revoked, and its address is kept until ${revoked[name].keptUntil}; take another name, or delete its entry under 'revoked'`,
    );
  const keys = new PublicKeyFiles(before.directory);
  const privateKey = given === undefined ? newPrivateKey() : undefined;
  const publicKey = given ?? publicKeyOf(privateKey ?? "");
  const file = join(before.directory, keys.name(`client.${name}`));
  if (!writeNew(file, `${publicKey}\n`, 0o644))
    throw new CliError(`${file} is there already, of a client of that name before; remove it first`);
  const entry = { exit: exitsOf(options.exit), ...(options.address === undefined ? {} : { address: options.address }) };
  const base = withoutExpired(disk.text === "" ? emptyClientsFile : disk.text, expired(disk, now));
  const change = disk.change(withClient(base, name, entry), options.app, mended, () => rmSync(file, { force: true }));
  const after = await out.wait(`asking ${options.app} with the client in it`, change);
  const undo = (error: unknown): never => {
    disk.restore();
    rmSync(file, { force: true });
    throw error;
  };
  const client = clientOf(after, name);
  // A pair made here is nowhere but in the configuration: without that, nothing of the client stays.
  const text = await configText(after, client, options, privateKey).catch((error: unknown) =>
    privateKey === undefined ? undefined : undo(error),
  );
  try {
    deliver(client, text, options, out, privateKey !== undefined);
  } catch (error) {
    undo(error);
  }
  const here = (path: string): string => relative(process.cwd(), path);
  const addresses = client.addresses.map(({ address }) => address).join(", ");
  out.note(`${name}: ${addresses}, leaves at ${shownExits(entry.exit)}; written to ${here(disk.path)} and ${here(file)}`);
  if (text === undefined) out.note(`its configuration, once the entry can be named: wgchain client config ${name}`);
  if (privateKey !== undefined)
    out.note("its private key is in the configuration alone: give it to its owner, it is kept nowhere");
  out.note("commit both, then deploy: from then on it is let in");
}

async function configText(
  inventory: Inventory,
  client: InventoryClient,
  options: ConfigOptions,
  privateKey?: string,
): Promise<string> {
  const endpoint = await endpointOf(inventory, client, options);
  const { dns } = options;
  const routes = options.route?.map(parseRoute);
  return clientConfig(inventory, client, {
    endpoint,
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(routes === undefined ? {} : { routes }),
    ...(dns === undefined ? {} : { dns: dns.map((address) => Ipv4Address.parse(address, "--dns").toString()) }),
  });
}

/** Another exit; its address stays, so its owner changes nothing. */
export async function move(name: string, options: AppOptions & { readonly exit: string }): Promise<void> {
  const out = Output.of(options);
  const before = await out.wait(`asking ${options.app}`, readInventory(options.app));
  const disk = ClientsOnDisk.of(before);
  disk.requireExit(options.exit);
  const entry = requireInFile(disk, before, name);
  const file = relative(process.cwd(), disk.path);
  const exit = exitsOf(options.exit);
  if (shownExits(entry.exit) === shownExits(exit)) {
    out.note(`${name} leaves at ${shownExits(exit)} already`);
  } else {
    const change = disk.change(withExit(disk.text, name, exit), options.app, mended);
    await out.wait(`asking ${options.app} with the client there`, change);
    out.note(`${name}: ${shownExits(entry.exit)} -> ${shownExits(exit)}; commit ${file}, then deploy. Its owner changes nothing`);
  }
  out.document({ client: name, former: entry.exit, exit, file });
}

function requireInFile(disk: ClientsOnDisk, inventory: Inventory, name: string): ClientEntry {
  const entry = disk.clients.clients[name];
  if (entry !== undefined) return entry;
  clientOf(inventory, name);
  throw new CliError(`client '${name}' stands in the code, not in ${disk.path}; change it there`);
}

/** Cut off at the next deploy; its address is nobody's for a while. */
export async function revoke(name: string, options: AppOptions, now = Date.now()): Promise<void> {
  const out = Output.of(options);
  const before = await out.wait(`asking ${options.app}`, readInventory(options.app));
  const disk = ClientsOnDisk.of(before);
  requireInFile(disk, before, name);
  const address = clientOf(before, name).addresses[0]?.address ?? "";
  const keptUntil = day(now + keptDays * 86_400_000);
  const change = disk.change(withoutClient(disk.text, name, { address, keptUntil }), options.app, mended);
  await out.wait(`asking ${options.app} without the client`, change);
  rmSync(join(before.directory, new PublicKeyFiles(before.directory).name(`client.${name}`)), { force: true });
  out.note(
    `${name} is cut off by the next deploy, live connections included; nobody gets ${address} before ${keptUntil}. Commit, then deploy`,
  );
  out.document({ client: name, address, keptUntil, file: relative(process.cwd(), disk.path) });
}

/** The configuration again, without the private key, which only its owner has. */
export async function config(name: string, options: ConfigOptions): Promise<void> {
  const out = Output.of(options);
  const inventory = await out.wait(`asking ${options.app}`, readInventory(options.app));
  requireSound(inventory, mended);
  const client = clientOf(inventory, name);
  deliver(client, await out.wait("asking Terraform", configText(inventory, client, options)), options, out, false);
}

/**
 * To standard output or a file, and as QR codes; with a private key in it only its owner may read it. Undefined: the entry is not there yet, so there is
 * no configuration.
 */
function deliver(client: InventoryClient, text: string | undefined, options: ConfigOptions, out: Output, secret: boolean): void {
  const { out: file, qr = [] } = options;
  if (text !== undefined) {
    for (const image of qr) writeQr(image, text);
    if (file !== undefined && !writeNew(file, text, 0o600))
      throw new CliError(`${file} is there already, and is left as it is; take another name`);
  }
  const addresses = client.addresses.map(({ address }) => address);
  const document = { name: client.name, addresses, mtuBytes: client.mtuBytes, config: text ?? null };
  out.result(document, () => (file === undefined ? (text ?? "") : ""));
  if (process.stderr.isTTY && secret && !out.json && text !== undefined) out.note(`\n${terminalQr(text)}`);
}
