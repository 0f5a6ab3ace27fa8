import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { hostProgram } from "../app/host-program";
import type { Compiled } from "../lib/compile";
import type { RenderedHost } from "../lib/render/host";
import { Host } from "./host";
import { clientsOf, type ClientShape } from "./intent";
import { keyPair } from "./keys";
import type { Shape } from "./shape";

/*
 *   n0 eth0 ── to-n0 ─┐                         ┌─ to-a ── eth0 a (wg0)
 *   n1 eth0 ── to-n1 ─┤ internet, lo 192.0.2.1  ├─ to-b ── eth0 b (wg0)
 *   n0 priv0 ── p0 ───┴─ a switch ── p1 ── priv0 n1
 */
export const internetAddress = "192.0.2.1";
export const metadataAddress = "169.254.169.254";
export const internetAddresses: readonly string[] = [internetAddress, metadataAddress];
const gateway = "169.254.0.1";
const clientPort = 51_999;
const clientUplink = (index: number): string => `203.0.113.${index + 1}`;
const program = "usr/local/lib/wgchain/wgchain-host";

export interface Built {
  readonly internet: Host;
  readonly nodes: ReadonlyMap<string, Host>;
  readonly clients: ReadonlyMap<string, Host>;
  /** All of them. */
  readonly hosts: readonly Host[];
}

export interface Wanted {
  readonly shape: Shape;
  readonly compiled: Compiled;
  /** A client's, as it is wired. */
  readonly clientMtu: (name: string) => number;
  /** Addresses that every client has beside its own, to send from. */
  readonly strangeSources: readonly string[];
}

/** Starts all hosts at once, wires them, and converges every node by the host program. The caller stops what is in `started`, however this ends. */
export async function build(wanted: Wanted, started: Host[]): Promise<Built> {
  const { shape, compiled } = wanted;
  const { nodes } = compiled.network;
  const shapes = clientsOf(shape);
  const start = async (name: string, forwarding = false): Promise<Host> => {
    const host = await Host.start(name, forwarding);
    started.push(host);
    return host;
  };
  const [internet, ...rest] = await settled([start("internet", true), ...[...nodes, ...shapes].map(({ name }) => start(name))]);
  if (internet === undefined) throw new Error("no internet host");
  const byName = new Map(rest.map((host) => [host.name, host]));
  const host = (name: string): Host => required(byName.get(name), name);
  const uplinks = [
    ...nodes.map((node) => ({ host: host(node.name), address: String(node.address), mtuBytes: node.uplinkMtuBytes })),
    ...shapes.map(({ name }, index) => ({ host: host(name), address: clientUplink(index), mtuBytes: 1500 })),
  ];
  const linked = nodes.flatMap(({ name, privateLink }) =>
    privateLink === undefined
      ? []
      : [{ host: host(name), address: privateLink.address.toString(), mtuBytes: privateLink.mtuBytes }],
  );
  await internet.ip([
    `addr add ${internetAddress}/32 dev lo`,
    `addr add ${metadataAddress}/32 dev lo`,
    "route add unreachable default metric 4278198272",
    ...uplinks.flatMap((uplink, index) => uplinkLines(uplink, index)),
    "link add switch type bridge",
    "link set switch up",
    ...linked.flatMap(({ host: { name, pid }, mtuBytes }) => [
      `link add p-${name} mtu ${mtuBytes} type veth peer name priv0 mtu ${mtuBytes} netns ${pid}`,
      `link set p-${name} master switch up`,
    ]),
  ]);
  await Promise.all(uplinks.map(({ host: { name }, address }) => host(name).ip(ownLines(address))));
  await Promise.all(linked.map((end) => end.host.ip([`addr add ${end.address} dev priv0`, "link set priv0 up"])));
  // Whom nobody sends to first: a handshake that finds no peer is tried again only after 5 seconds.
  const done = new Map<string, Promise<void>>();
  for (const node of compiled.order) {
    const rendered = required(
      compiled.hosts.find((one) => one.node === node.name),
      node.name,
    );
    const servers = compiled.network.tunnels.filter(({ client }) => client.node === node).map(({ server }) => server.node.name);
    done.set(
      node.name,
      Promise.all(servers.flatMap((name) => done.get(name) ?? [])).then(() => converge(host(node.name), rendered)),
    );
  }
  await settled([...done.values()]);
  await settled(shapes.map((client) => connect(host(client.name), client, wanted)));
  return {
    internet,
    nodes: new Map(nodes.map(({ name }) => [name, host(name)])),
    clients: new Map(shapes.map(({ name }) => [name, host(name)])),
    hosts: [internet, ...rest],
  };
}

/** All of them, or what failed, but never while one is still under way. */
async function settled<T>(all: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(all);
  return results.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}

export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`there is no ${name} here`);
  return value;
}

interface Uplink {
  readonly host: Host;
  readonly address: string;
  readonly mtuBytes: number;
}

/** What internet sends by one uplink's device goes to that host, wherever it is for. */
function uplinkLines({ host: { name, pid }, address, mtuBytes }: Uplink, index: number): string[] {
  const port = `to-${name}`;
  return [
    `link add ${port} mtu ${mtuBytes} type veth peer name eth0 mtu ${mtuBytes} netns ${pid}`,
    `addr add ${gateway}/32 dev ${port} scope link`,
    `link set ${port} up`,
    `route add ${address}/32 dev ${port} src ${internetAddress}`,
    `rule add pref ${1000 + index} oif ${port} lookup ${1000 + index}`,
    `route add 10.0.0.0/8 via ${address} dev ${port} src ${internetAddress} onlink table ${1000 + index}`,
  ];
}

const ownLines = (address: string): string[] => [
  `addr add ${address}/32 dev eth0`,
  "link set eth0 up",
  `route add default via ${gateway} dev eth0 onlink`,
];

/**
 * What a deploy has left on a host, and then what a boot does: the host program closes it, and wg-quick brings up each interface, which asks the host
 * program again (`ready`, `up`). How a deploy itself gets there is others' test.
 */
async function converge(host: Host, { files }: RenderedHost): Promise<void> {
  for (const [file, text] of Object.entries({ ...files, [program]: hostProgram() })) {
    const path = host.path(`/${file}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: file === program ? 0o755 : 0o600 });
  }
  mkdirSync(host.path("/etc/wgchain/keys"), { mode: 0o700 });
  const names = linesOf(files["etc/wgchain/interfaces"]).map((line) => line.split(" ")[0] ?? "");
  for (const name of names) {
    const key = keyPair(`${host.name}/${name}`).privateKey;
    writeFileSync(host.path(`/etc/wgchain/keys/${name}.key`), `${key}\n`, { mode: 0o600 });
  }
  const ups = names.map((name) => `wg-quick up ${name} >>/run/out 2>&1`).join(" && ");
  await host.must(`{ /${program} boot >/run/out 2>&1 && ${ups === "" ? ":" : ups}; } || { cat /run/out; exit 1; }`);
}
export const linesOf = (text = ""): string[] => text.split("\n").filter(Boolean);

/** As a person would: a full tunnel; its own sources, and strange ones, all on wg0. */
async function connect(host: Host, client: ClientShape, { compiled, clientMtu, strangeSources }: Wanted): Promise<void> {
  const entry = required(
    compiled.network.clientInterfaces.find(({ name }) => name === client.interface),
    client.interface,
  );
  const endpoint = String(entry.node.address);
  const config = [
    "[Interface]",
    `PrivateKey = ${keyPair(`client ${client.name}`).privateKey}`,
    `ListenPort = ${clientPort}`,
    "[Peer]",
    `PublicKey = ${entry.publicKey ?? ""}`,
    `Endpoint = ${endpoint}:${entry.listenPort}`,
    "AllowedIPs = 0.0.0.0/0",
    "PersistentKeepalive = 25",
  ];
  await host.must(
    `ip link add wg0 type wireguard 2>/dev/null || wireguard-go wg0 >/dev/null 2>&1
     (umask 077; cat >/run/wg0.conf); wg setconf wg0 /run/wg0.conf
     # No packet learns of the path from an earlier one.
     echo 3 >/proc/sys/net/ipv4/ip_no_pmtu_disc`,
    `${config.join("\n")}\n`,
  );
  const addresses = [...client.addresses.map(({ address }) => address), ...strangeSources];
  await host.ip([
    ...addresses.map((address) => `addr add ${address}/32 dev wg0`),
    `link set wg0 mtu ${clientMtu(client.name)} up`,
    `route add ${endpoint}/32 via ${gateway} dev eth0 onlink`,
    "route add 0.0.0.0/1 dev wg0",
    "route add 128.0.0.0/1 dev wg0",
  ]);
}
