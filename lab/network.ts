import { InterfaceAddress } from "../lib/address";
import type { Host } from "./host";
import { gatewayAddress, internetAddress, type Plan, type PlannedHost, type PlannedLink } from "./plan";
import { run } from "./run";

/*
 *   sz eth0 ───┐                                     ┌─── eth0 client
 *              to-sz ─┐                   ┌─ to-client
 *   hk eth0 ── to-hk ─┤ internet (router) ├─ to-operator ── eth0 operator
 *              to-gcp ┘  lo 192.0.2.1     └ …
 *   gcp ens4 ──┘  (1:1 NAT and firewall here: cloud-nat.ts)
 *
 *   sz priv0 ─────────────── priv0 hk      a private link: a wire between the two
 */

/** Name of the internet host's end of a host's uplink. */
export const routerPort = (host: string): string => (host.length <= 12 ? `to-${host}` : `to-${host.slice(0, 6)}${digest(host)}`);

function digest(text: string): string {
  let hash = 0;
  for (const char of text) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash.toString(36).padStart(6, "0").slice(-6);
}

async function batch(netns: string, lines: readonly string[]): Promise<void> {
  await run(["ip", "-n", netns, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** The internet host as a router that knows its hosts' addresses and no way out of the machine. */
export async function setUpInternet(internet: Host, { internet: more, targets }: Plan): Promise<void> {
  await batch(internet.netns, [
    ...[...new Set([internetAddress, ...more, ...targets])].map((address) => `addr add ${address}/32 dev lo`),
    "route add unreachable default metric 4278198272",
  ]);
}

export interface Uplink {
  readonly host: string;
  readonly netns: string;
  readonly device: string;
  readonly address: string;
  readonly gateway: string;
  readonly mtuBytes: number;
}

/** Both ends are made inside their namespaces: nothing of the lab ever has a name on the machine itself. */
export async function connect(internet: Host, uplink: Uplink): Promise<void> {
  const port = routerPort(uplink.host);
  const { device, address, gateway, mtuBytes } = uplink;
  await batch(internet.netns, [
    `link add ${port} mtu ${mtuBytes} type veth peer name ${device} mtu ${mtuBytes} netns ${uplink.netns}`,
    `addr add ${gateway}/32 dev ${port} scope link`,
    `link set ${port} up`,
    `route add ${address}/32 dev ${port} src ${internetAddress}`,
  ]);
  await batch(uplink.netns, [
    `addr add ${address}/32 dev ${device}`,
    `link set ${device} up`,
    `route add default via ${gateway} dev ${device} onlink`,
  ]);
}

export const uplinkOf = (host: PlannedHost): Uplink => ({
  host: host.name,
  netns: host.netns,
  device: "eth0",
  address: host.address,
  gateway: gatewayAddress,
  mtuBytes: host.mtuBytes,
});

export async function setUplinkMtu(internet: Host, uplink: Uplink): Promise<void> {
  await run(["ip", "-n", internet.netns, "link", "set", routerPort(uplink.host), "mtu", String(uplink.mtuBytes)]);
  await run(["ip", "-n", uplink.netns, "link", "set", uplink.device, "mtu", String(uplink.mtuBytes)]);
}

export async function connectPrivateLinks(internet: Host, plan: Plan): Promise<void> {
  const netns = new Map(plan.hosts.map((host) => [host.name, host.netns]));
  const devices = new Map<string, number>();
  for (const [index, link] of plan.privateLinks.entries()) {
    const ends = link.ends.map((end) => {
      const count = devices.get(end.host) ?? 0;
      if (end.device === undefined) devices.set(end.host, count + 1);
      return { ...end, netns: netns.get(end.host) ?? "", device: end.device ?? `priv${count}` };
    });
    if (link.lan === true) await connectLan(ends);
    else await (ends.length === 2 ? connectPair(ends) : connectSwitch(internet, index, ends));
    for (const end of ends) {
      const address = InterfaceAddress.parse(end.address).toString();
      await batch(end.netns, [
        `addr add ${address} dev ${end.device}`,
        `link set ${end.device} mtu ${end.mtuBytes} up`,
        ...(end.gateway === undefined ? [] : [`route add default via ${end.gateway} dev ${end.device}`]),
      ]);
    }
  }
}

type End = PlannedLink["ends"][number] & { readonly netns: string; readonly device: string };

async function connectPair([a, b]: readonly End[]): Promise<void> {
  if (a === undefined || b === undefined) return;
  await batch(a.netns, [`link add ${a.device} type veth peer name ${b.device} netns ${b.netns}`]);
}

/** The first end is the gateway's: a bridge, as a router's switch ports are. */
async function connectLan([gateway, ...machines]: readonly End[]): Promise<void> {
  if (gateway === undefined) return;
  await batch(gateway.netns, [
    `link add ${gateway.device} type bridge`,
    ...machines.flatMap(({ device, netns }, port) => [
      `link add ${gateway.device}p${port} type veth peer name ${device} netns ${netns}`,
      `link set ${gateway.device}p${port} master ${gateway.device} up`,
    ]),
  ]);
}

/** One end alone, or more than two: a switch, which stands in the internet host's namespace but has no address there. */
async function connectSwitch(internet: Host, index: number, ends: readonly End[]): Promise<void> {
  await batch(internet.netns, [
    `link add switch${index} type bridge`,
    `link set switch${index} up`,
    ...ends.flatMap((end, port) => [
      `link add sw${index}p${port} mtu ${end.mtuBytes} type veth peer name ${end.device} netns ${end.netns}`,
      `link set sw${index}p${port} master switch${index} up`,
    ]),
  ]);
}
