import type { Inventory } from "../lib/inventory";
import { bringUp, clientConfig } from "./client";
import { pinHostKey } from "./directory";
import { packageRoot } from "./files";
import { hostOf, removeHost, startHost, type Host } from "./host";
import { startInternetServer } from "./internet";
import { connect, connectPrivateLinks, setUpInternet, uplinkOf } from "./network";
import { internetAddress, type Plan, type PlannedHost } from "./plan";
import { LabError } from "./run";
import { addUser, startSshd } from "./sshd";
import type { Paths, StateFile } from "./state";

/** A running host by its name, with or without the instance's name before it. */
export function hostNamed(state: StateFile, name: string): Host {
  const { hosts } = state.required;
  const record = hosts[name] ?? Object.values(hosts).find(({ netns }) => netns === name);
  if (record === undefined) throw new LabError(`the lab has no host '${name}'; it has ${Object.keys(hosts).sort().join(", ")}`);
  return hostOf(record);
}

/** Starts every host of the plan, wires them, and brings them to where a fresh machine is: sshd with the operator's key let in. */
export async function buildHosts(paths: Paths, state: StateFile, plan: Plan, operatorKey: string): Promise<void> {
  const appDir = state.required.appDir;
  const started = await Promise.allSettled(plan.hosts.map((host) => startHost(paths, state, specOf(paths, host, appDir))));
  for (const one of started) if (one.status === "rejected") throw one.reason;
  const internet = hostNamed(state, "internet");
  await setUpInternet(internet, plan);
  // One after the other: a network namespace is changed by one `ip` at a time anyway
  for (const host of plan.hosts) if (host.kind !== "internet" && host.behind !== true) await connect(internet, uplinkOf(host));
  await connectPrivateLinks(internet, plan);
  const nodes = plan.hosts
    .filter(({ kind }) => kind === "node")
    .map((node) => prepareNode(paths, hostNamed(state, node.name), node, operatorKey));
  const machines = plan.hosts.filter(({ kind }) => kind === "machine");
  await Promise.all([
    startInternetServer(internet, internetAddress, plan.internet),
    ...machines.map(({ name, address }) => startInternetServer(hostNamed(state, name), bare(address), [bare(address)])),
    prepareJumpHosts(paths, internet, plan, operatorKey),
    ...nodes,
  ]);
}

/** Without the prefix length. */
const bare = (address: string): string => address.replace(/\/.*$/, "");

/** Clients come and go without the rest being started anew. */
export async function addClient(paths: Paths, state: StateFile, host: PlannedHost): Promise<void> {
  await startHost(paths, state, specOf(paths, host, state.required.appDir));
  await connect(hostNamed(state, "internet"), uplinkOf(host));
}

export async function dropHost(state: StateFile, name: string): Promise<void> {
  const record = state.required.hosts[name];
  if (record !== undefined) await removeHost(record);
  state.forgetHost(name);
}

function specOf(paths: Paths, host: PlannedHost, appDir: string): Parameters<typeof startHost>[2] {
  const { name, netns, kind } = host;
  const code = [...new Set([packageRoot, appDir])].map((path) => ({ path, mode: "ro" as const }));
  if (kind === "machine") return { name, netns, sharedHomes: true, keep: code.slice(0, 1) };
  if (kind === "internet") return { name, netns, forwarding: true, sharedHomes: true, keep: code.slice(0, 1) };
  if (kind !== "operator") return { name, netns };
  // The app is read-only here: whatever it or Terraform does, a local backend or file of the app's own cannot change.
  return { name, netns, sharedHomes: true, keep: [...code, { path: paths.root, mode: "rw" }] };
}

async function prepareNode(paths: Paths, host: Host, node: PlannedHost, operatorKey: string): Promise<void> {
  await addUser(host, { name: "root", authorizedKeys: [operatorKey], sudo: [] });
  if (node.sshUser !== undefined) {
    await addUser(host, { name: node.sshUser, authorizedKeys: [operatorKey], sudo: ["ALL=(ALL) NOPASSWD:ALL"] });
  }
  const publicKey = await startSshd(host, { rootLogin: true, ...(node.sshPort === undefined ? {} : { port: node.sshPort }) });
  pinHostKey(paths, `wgchain-${node.name}`, publicKey);
}

async function prepareJumpHosts(paths: Paths, internet: Host, plan: Plan, operatorKey: string): Promise<void> {
  if (plan.jumpHosts.length === 0) return;
  const users = new Set(plan.jumpHosts.map(({ user }) => user ?? "root"));
  for (const name of users) await addUser(internet, { name, authorizedKeys: [operatorKey], sudo: [] });
  const ports = new Set(plan.jumpHosts.flatMap(({ port }) => (port === undefined || port === 22 ? [] : [port])));
  const [port, ...more] = ports;
  if (more.length > 0)
    throw new LabError(`jump hosts on more than one port besides 22 (${[...ports].join(", ")}); the lab serves one`);
  pinHostKey(
    paths,
    "wgchain-lab-internet",
    await startSshd(internet, { rootLogin: true, ...(port === undefined ? {} : { port }) }),
  );
}

/** Brings up, or changes, wg0 of every client. */
export async function bringUpClients(
  state: StateFile,
  inventory: Inventory,
  addressOf: (node: string) => string | undefined,
): Promise<number> {
  const changed = await Promise.all(
    inventory.clients.map(async (client) => {
      const endpoint = addressOf(client.node);
      if (endpoint === undefined) throw new LabError(`client '${client.name}': node ${client.node} has no address yet`);
      return bringUp(hostNamed(state, client.name), clientConfig(client, inventory, endpoint));
    }),
  );
  return changed.filter(Boolean).length;
}
