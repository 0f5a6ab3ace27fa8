import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Inventory } from "../lib/inventory";
import type { Host } from "./host";
import type { Plan } from "./plan";
import { run } from "./run";
import type { Paths } from "./state";
import type { Vm } from "./vm";

/*
 * The lab's own directory of public things (docs/internals.md), and the operator's ~/.ssh. Nothing of the user's is read but
 * allocations.json: the numbers that the real network has are the ones to rehearse.
 */

type Allocations = Record<string, Record<string, string | number>>;

const readAllocations = (file: string): Allocations =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Allocations) : {};

/** The app's recorded allocations over those that earlier runs of this lab made. */
export function takeAllocations(paths: Paths, appsDirectory: string): void {
  const mine = join(paths.directory, "allocations.json");
  const merged = readAllocations(mine);
  for (const [kind, entries] of Object.entries(readAllocations(join(appsDirectory, "allocations.json")))) {
    merged[kind] = { ...merged[kind], ...entries };
  }
  writeFileSync(mine, `${JSON.stringify(merged, null, 2)}\n`);
}

export function recordAllocations(paths: Paths, inventory: Inventory): void {
  writeFileSync(join(paths.directory, "allocations.json"), `${JSON.stringify(inventory.allocations, null, 2)}\n`);
}

/** Directories, the operator's SSH key, and what the app wants of it. */
export async function makeDirectory(paths: Paths): Promise<string> {
  for (const dir of [paths.root, paths.ssh, join(paths.directory, "private")]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const dir of [join(paths.directory, "keys"), paths.cloud, paths.logs, paths.out]) mkdirSync(dir, { recursive: true });
  const key = join(paths.ssh, "id_ed25519");
  if (!existsSync(key)) await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", `lab-${paths.instance}`, "-f", key]);
  copyFileSync(`${key}.pub`, join(paths.directory, "authorized_keys"));
  const knownHosts = join(paths.directory, "known_hosts");
  if (!existsSync(knownHosts)) writeFileSync(knownHosts, "");
  writeFileSync(paths.terraformrc, "");
  return readFileSync(`${key}.pub`, "utf8").trim();
}

export function pinHostKey(paths: Paths, name: string, publicKey: string): void {
  appendFileSync(join(paths.directory, "known_hosts"), `${name} ${publicKey}\n`);
}

/** Makes the WireGuard keys that are not there yet, each where it belongs; only public keys come back from a host. */
export async function makeKeys(paths: Paths, inventory: Inventory, host: (name: string) => Host): Promise<void> {
  const make = (file: string): string => `umask 077; [ -s ${file} ] || wg genkey >${file}; wg pubkey <${file}`;
  const publish = (name: string, key: string): void => writeFileSync(join(paths.directory, "keys", `${name}.pub`), key);
  const missing = (name: string): boolean => !existsSync(join(paths.directory, "keys", `${name}.pub`));
  const work: Promise<void>[] = [];
  for (const node of inventory.nodes) {
    for (const iface of node.interfaces) {
      const name = `${node.name}.${iface.name}`;
      if (!missing(name)) continue;
      const made =
        iface.keyMadeOn !== "operator"
          ? host(node.name).sh(
              iface.keyMadeOn === "host"
                ? `install -d -m 0700 /etc/wgchain /etc/wgchain/keys; ${make(`/etc/wgchain/keys/${iface.name}.key`)}`
                : // Somebody else's host has no directory of ours.
                  `install -d -m 0700 /etc/wireguard; ${make(`/etc/wireguard/${iface.name}.key`)}`,
            )
          : run(["sh", "-euc", make(join(paths.directory, "private", `${name}.key`))]);
      work.push(made.then(({ stdout }) => publish(name, stdout)));
    }
  }
  for (const client of inventory.clients) {
    const name = `client.${client.name}`;
    if (!missing(name)) continue;
    const made = host(client.name).sh(`install -d -m 0700 /etc/wireguard; ${make("/etc/wireguard/wg0.key")}`);
    work.push(made.then(({ stdout }) => publish(name, stdout)));
  }
  await Promise.all(work);
}

/** A client's private half goes with its host; one of that name that comes later has a key of its own. */
export function forgetClientKey(paths: Paths, client: string): void {
  rmSync(join(paths.directory, "keys", `client.${client}.pub`), { force: true });
}

/** So that `ssh 198.51.100.10`, `ssh sz` (whatever the app names as destination) and a VM's external address work in the operator host. */
export function writeSshConfig(paths: Paths, inventory: Inventory, plan: Plan, vms: readonly Vm[]): void {
  const blocks: string[] = [];
  const block = (patterns: string[], settings: Record<string, string | number>): void => {
    const lines = Object.entries(settings).map(([key, value]) => `  ${key} ${value}`);
    blocks.push([`Host ${[...new Set(patterns)].join(" ")}`, ...lines, ""].join("\n"));
  };
  for (const { name, host } of inventory.nodes) {
    if (host.kind !== "ssh") continue;
    const planned = plan.hosts.find((other) => other.name === name);
    block([host.address, host.destination.replace(/^.*@/, "")], {
      HostName: host.address,
      Port: planned?.sshPort ?? 22,
      User: planned?.sshUser ?? "root",
      HostKeyAlias: `wgchain-${name}`,
    });
  }
  for (const jump of plan.jumpHosts) {
    block([jump.name], {
      HostName: plan.hosts.find(({ kind }) => kind === "internet")?.address ?? "",
      Port: jump.port ?? 22,
      User: jump.user ?? "root",
      HostKeyAlias: "wgchain-lab-internet",
    });
  }
  for (const vm of vms) {
    if (vm.externalAddress === undefined || vm.user === undefined) continue;
    block([vm.externalAddress], { User: vm.user, HostKeyAlias: `wgchain-${vm.host}-${vm.instanceId}` });
  }
  block(["*"], {
    IdentityFile: "~/.ssh/id_ed25519",
    IdentitiesOnly: "yes",
    UserKnownHostsFile: join(paths.directory, "known_hosts"),
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
  });
  writeFileSync(join(paths.ssh, "config"), blocks.join("\n"), { mode: 0o600 });
}
