import { InterfaceAddress } from "../address";
import { PrefixMap, contains, parseIp, parsePrefix, type Ip } from "./ip";
import { UnknownLine, kernel, linesOf, type Line } from "./line";
import { Ruleset } from "./nft";
import { Routing, readRoute, readRule, type Route } from "./routing";
import type { WiredNode } from "./wiring";

/** Of private networks nothing is known; theirs is Ethernet's. */
const lanMtuBytes = 1_500;

export type HostFiles = Readonly<Record<string, string>>;

export interface Peer {
  readonly line: Line;
  readonly publicKey: string;
  /** As they stand in the file: ADDRESS:PORT, prefixes by comma, seconds or "off". */
  readonly endpoint?: string;
  readonly allowedIps: string;
  readonly keepalive: string;
  readonly psk: string;
  readonly name: string;
}

export interface WgInterface {
  readonly line: Line;
  readonly name: string;
  readonly publicKey: string;
  readonly listenPort: number;
  readonly mtuBytes: number;
  readonly addresses: readonly InterfaceAddress[];
  /** By public key. */
  readonly peers: ReadonlyMap<string, Peer>;
  /** WireGuard's own routing: a prefix belongs to one peer. */
  readonly allowed: PrefixMap<Peer>;
}

export const uplink = "(uplink)";
export const privateLink = "(private link)";
export const lanDevice = (name: string): string => `(lan ${name})`;

/** A host as its files make it. What is not in them is as on a stock Debian: one uplink with a default route, reverse-path filter 2 (loose). */
export class TraceHost {
  readonly name: string;
  readonly interfaces: ReadonlyMap<string, WgInterface>;
  readonly routing: Routing;
  readonly nft: Ruleset;
  readonly forwards: boolean;
  readonly publicAddress: Ip;
  readonly privateAddress?: InterfaceAddress;
  /** Devices of private networks, with the host's address there. */
  readonly lans: ReadonlyMap<string, InterfaceAddress>;
  /** Addresses that the host is said to have beside those of its devices. */
  readonly otherAddresses: readonly Ip[];
  private readonly sysctls: ReadonlyMap<string, string>;
  private readonly files: HostFiles;
  /** Prefixes that a peer at an earlier line had been given, and that the later one took: WireGuard moves them in silence. */
  readonly takenOver: readonly { readonly from: Peer; readonly to: Peer; readonly prefix: string }[];

  constructor(
    readonly wired: WiredNode,
    files: HostFiles,
    publicAddress: Ip,
    gone: ReadonlySet<string>,
    before?: TraceHost,
  ) {
    this.files = files;
    this.name = wired.name;
    this.publicAddress = publicAddress;
    if (wired.privateLink !== undefined) this.privateAddress = InterfaceAddress.parse(wired.privateLink.address);
    this.lans = new Map(
      (wired.lans ?? []).map(({ name, address }) => [lanDevice(name), InterfaceAddress.parse(address)] as const),
    );
    this.otherAddresses = otherAddresses(wired);
    const read = (name: string): Line[] => linesOf(this.name, `etc/wgchain/${name}`, files[`etc/wgchain/${name}`]);
    // Most of a host is its clients; what is as before is not read again.
    const same = (...names: readonly string[]): TraceHost | undefined =>
      names.every((name) => before?.files[`etc/wgchain/${name}`] === files[`etc/wgchain/${name}`]) ? before : undefined;
    const known = same("interfaces", "addresses", "peers");
    const taken: { from: Peer; to: Peer; prefix: string }[] = [];
    const interfaces = known?.interfaces ?? readInterfaces(read, taken);
    this.interfaces = gone.size === 0 ? interfaces : new Map([...interfaces].filter(([name]) => !gone.has(name)));
    this.takenOver = known?.takenOver ?? taken;
    this.nft =
      same("nftables.nft", "elements")?.nft ??
      new Ruleset(this.name, files["etc/wgchain/nftables.nft"], files["etc/wgchain/elements"]);
    const routes = read("routes").map(readRoute);
    const standing = routes.filter(([, { dev, line }]) => {
      if (dev === undefined || this.interfaces.has(dev)) return true;
      if (gone.has(dev)) return false;
      throw new UnknownLine(line, `${dev} is no interface of ours`);
    });
    this.routing = new Routing(this.name, read("rules").map(readRule), [...standing, ...this.kernelRoutes()]);
    this.sysctls = readSysctls(linesOf(this.name, "etc/sysctl.d/90-wgchain.conf", files["etc/sysctl.d/90-wgchain.conf"]));
    this.forwards = this.sysctls.get("net.ipv4.ip_forward") === "1";
  }

  /** The greater of `all` and the interface's own, as the kernel takes it. */
  rpFilter(dev: string): number {
    const value = (name: string): number => Number(this.sysctls.get(`net.ipv4.conf.${name}.rp_filter`) ?? 2);
    return Math.max(value("all"), value(dev));
  }

  get sourceValidMark(): boolean {
    return this.sysctls.get("net.ipv4.conf.all.src_valid_mark") === "1";
  }

  mtuOf(dev: string): number {
    if (dev === uplink) return this.wired.uplinkMtuBytes;
    if (dev === privateLink) return this.wired.privateLink?.mtuBytes ?? 0;
    if (this.lans.has(dev)) return lanMtuBytes;
    return this.interfaces.get(dev)?.mtuBytes ?? 65_536;
  }

  /** Whether it is one of the host's own addresses. */
  owns(ip: Ip): boolean {
    return this.routing.lookup({ source: ip, destination: ip, iif: "lo", mark: 0 })?.route.local === true;
  }

  leadsBy(ip: Ip, dev: string): boolean {
    return this.routing.lookup({ source: 0, destination: ip, iif: "lo", mark: 0 })?.route.dev === dev;
  }

  /** From which address it sends what has none yet, and by which device; undefined: nowhere. */
  sends(destination: Ip): { readonly dev: string; readonly source: Ip | undefined } | undefined {
    const { dev, src } = this.routing.lookup({ source: 0, destination, iif: "lo", mark: 0 })?.route ?? {};
    return dev === undefined ? undefined : { dev, source: src ?? this.addressOn(dev, destination) };
  }

  /** Which of the device's addresses the host answers from, to this destination. */
  addressOn(dev: string, destination: Ip): Ip | undefined {
    if (dev === uplink) return this.publicAddress;
    if (dev === privateLink) return this.privateAddress?.address.value;
    const lan = this.lans.get(dev);
    if (lan !== undefined) return lan.address.value;
    const addresses = this.interfaces.get(dev)?.addresses ?? [];
    const near = addresses.find(({ network }) => network.length < 32 && contains(network, destination));
    return (near ?? addresses[0])?.address.value;
  }

  /** What the kernel makes of addresses, and the default route. */
  private kernelRoutes(): (readonly [string, Route])[] {
    const routes: (readonly [string, Route])[] = [];
    const add = (table: string, to: { base: Ip; length: number }, dev: string, local?: true): void => {
      const text = `ip route: table ${table}, to ${dev}`;
      routes.push([table, { line: kernel(this.name, text), to, dev, ...(local === undefined ? {} : { local }), metric: 0 }]);
    };
    const addAddress = ({ address, network }: InterfaceAddress, dev: string): void => {
      add("local", { base: address.value, length: 32 }, "lo", true);
      if (network.length < 32) add("main", network, dev);
    };
    for (const { name, addresses } of this.interfaces.values()) for (const one of addresses) addAddress(one, name);
    if (this.privateAddress !== undefined) addAddress(this.privateAddress, privateLink);
    for (const [dev, address] of this.lans) addAddress(address, dev);
    for (const ip of this.otherAddresses) add("local", { base: ip, length: 32 }, "lo", true);
    add("local", { base: this.publicAddress, length: 32 }, "lo", true);
    add("main", { base: 0, length: 0 }, uplink);
    return routes;
  }
}

/** Those that a gateway or forward names and no device has: nobody would name one that the host has not. */
function otherAddresses({ address: own, privateLink: line, lans = [], forwards = [] }: WiredNode): Ip[] {
  const named = [...lans.map(({ snat }) => snat), ...forwards.flatMap(({ source, address }) => [source, address])];
  const devices = [own, line?.address, ...lans.map(({ address }) => address)].map((text) => text?.replace(/\/.*$/, ""));
  const texts = new Set(named.filter((text) => text !== undefined && /^\d/.test(text) && !devices.includes(text)));
  return [...texts].map((text) => parseIp(text ?? ""));
}

function readInterfaces(
  read: (name: string) => Line[],
  taken: { from: Peer; to: Peer; prefix: string }[],
): Map<string, WgInterface> {
  const found = new Map<string, WgInterface & { addresses: InterfaceAddress[]; peers: Map<string, Peer> }>();
  for (const line of read("interfaces")) {
    const [, name, mtu, port, publicKey] = /^(\S+) mtu (\d+) port (\d+) key (\S+)$/.exec(line.text) ?? [];
    if (name === undefined || publicKey === undefined) throw new UnknownLine(line, "no interface");
    const allowed = new PrefixMap<Peer>();
    const numbers = { listenPort: Number(port), mtuBytes: Number(mtu) };
    found.set(name, { line, name, publicKey, ...numbers, addresses: [], peers: new Map(), allowed });
  }
  for (const line of read("addresses")) {
    const [name = "", address = ""] = line.text.split(" ");
    found.get(name)?.addresses.push(InterfaceAddress.parse(address));
  }
  for (const line of read("peers")) {
    const words = line.text.split("\t");
    const one = found.get(words[0] ?? "");
    if (one === undefined) continue;
    const [publicKey, endpoint, allowedIps] = [words[1] ?? "", words[2] ?? "", words[3] ?? ""];
    const own = { line, publicKey, psk: words[5] ?? "", name: words[6] ?? "", allowedIps, keepalive: words[4] ?? "" };
    const peer: Peer = endpoint === "(none)" ? own : { ...own, endpoint };
    one.peers.set(publicKey, peer);
    for (const prefix of allowedIps.split(",")) {
      if (prefix === "" || prefix === "(none)") continue;
      const before = one.allowed.set(parsePrefix(prefix), peer);
      if (before !== undefined) taken.push({ from: before, to: peer, prefix });
    }
  }
  return found;
}

function readSysctls(lines: readonly Line[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    if (line.text.startsWith("#")) continue;
    const [, name, value] = /^(\S+) = (\S+)$/.exec(line.text) ?? [];
    if (name === undefined || value === undefined) throw new UnknownLine(line, "no sysctl");
    found.set(name, value);
  }
  return found;
}

/** ADDRESS:PORT of an endpoint. */
export function splitEndpoint(endpoint: string): readonly [address: string, port: number] {
  const at = endpoint.lastIndexOf(":");
  return [endpoint.slice(0, at), Number(endpoint.slice(at + 1))];
}
