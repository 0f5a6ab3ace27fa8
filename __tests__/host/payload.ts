import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { program } from "../../constructs/payload";

/** The host program as synthesis writes it, in a file of this process. */
export const HOST_PROGRAM = join(mkdtempSync(join(tmpdir(), `wgct-program-${process.pid}-`)), "wgchain-host");
writeFileSync(HOST_PROGRAM, program(), { mode: 0o755 });
afterAll(() => rmSync(dirname(HOST_PROGRAM), { recursive: true, force: true }));
export const DELIVER = join(__dirname, "../../host/deliver");

export interface Pair {
  readonly private: string;
  readonly public: string;
}
export function keyPair(): Pair {
  const key = execFileSync("wg", ["genkey"], { encoding: "utf8" }).trim();
  return { private: key, public: execFileSync("wg", ["pubkey"], { input: key, encoding: "utf8" }).trim() };
}
/** Any 32 bytes are a public key. */
export const publicKey = (): string => randomBytes(32).toString("base64");

export interface Peer {
  readonly key: string;
  readonly endpoint?: string;
  readonly allowedIps: string;
  readonly keepalive?: number;
  readonly pskDigest?: string;
}
export interface Interface {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly mtu: number;
  readonly port: number;
  readonly key: string;
  readonly peers: readonly Peer[];
}
export interface Payload {
  readonly interfaces: readonly Interface[];
  readonly rules: readonly string[];
  readonly routes: readonly string[];
  readonly sources: readonly string[];
  readonly sysctls?: readonly string[];
  readonly packages?: readonly string[];
  readonly nft?: string;
  readonly elements?: readonly string[];
  /** Lines IFACE KEY ADDRESS. */
  readonly probes?: readonly string[];
  readonly extra?: Readonly<Record<string, string>>;
}

const NFT = `table ip wgchain {
  set own {
    type ifname
  }
  map label_on_wg6 {
    type ipv4_addr : ipv4_addr
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname @own counter accept
  }
  chain leave {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wg6" snat to ip saddr map @label_on_wg6
  }
}
`;
const ELEMENTS = ['own "wg6"', 'own "wgp"', "label_on_wg6 10.66.220.224 : 10.66.6.250"];
const UNREACHABLE = "metric 4278198272 protocol 119";

/** HK of the reference network, with one exit: server of wgp, client of wg6. */
export function hongKong(keys: { readonly wgp: Pair; readonly wg6: Pair }, sz: string, gcp: string): Payload {
  return {
    interfaces: [
      {
        name: "wg6",
        addresses: ["10.66.6.250/32"],
        mtu: 1400,
        port: 51826,
        key: keys.wg6.public,
        peers: [{ key: gcp, endpoint: "198.51.100.40:51820", allowedIps: "0.0.0.0/0", keepalive: 25 }],
      },
      {
        name: "wgp",
        addresses: ["10.66.220.200/24"],
        mtu: 1440,
        port: 51821,
        key: keys.wgp.public,
        peers: [{ key: sz, allowedIps: "10.66.220.224/32,10.66.220.225/32" }],
      },
    ],
    rules: [
      "pref 11000 from 10.66.220.224/32 iif wgp lookup 7706 protocol 119",
      "pref 11001 iif wgp fwmark 0x6 lookup 7706 protocol 119",
      "pref 12000 iif wgp lookup 7700 protocol 119",
      "pref 12001 from 10.66.220.0/24 iif lo lookup 7700 protocol 119",
    ],
    routes: [
      "10.66.220.0/24 dev wgp table 7700 protocol 119",
      "10.66.220.0/24 dev wgp table 7706 protocol 119",
      "10.66.6.0/24 dev wg6 table 7700 protocol 119",
      "default dev wg6 table 7706 protocol 119",
      `unreachable default table 7700 ${UNREACHABLE}`,
      `unreachable default table 7706 ${UNREACHABLE}`,
    ],
    sources: ["wgp 10.66.220.224/32 gcp 10.66.6.250", "wgp 10.66.220.225/32 gcp 10.66.6.250"],
  };
}

/** Writes the tree of docs/internals.md. */
export function writePayload(directory: string, payload: Payload): string {
  rmSync(directory, { recursive: true, force: true });
  const lines = (list: readonly string[]): string =>
    [...list]
      .sort()
      .map((line) => `${line}\n`)
      .join("");
  const files: Record<string, string> = {
    "etc/wgchain/interfaces": lines(payload.interfaces.map((i) => `${i.name} mtu ${i.mtu} port ${i.port} key ${i.key}`)),
    "etc/wgchain/addresses": lines(payload.interfaces.flatMap((i) => i.addresses.map((address) => `${i.name} ${address}`))),
    "etc/wgchain/peers": lines(
      payload.interfaces.flatMap((i) =>
        i.peers.map((p) =>
          [i.name, p.key, p.endpoint ?? "(none)", p.allowedIps, p.keepalive ?? "off", p.pskDigest ?? "(none)", "peer"].join("\t"),
        ),
      ),
    ),
    "etc/wgchain/rules": lines(payload.rules),
    "etc/wgchain/routes": lines(payload.routes),
    "etc/wgchain/sources": lines(payload.sources),
    "etc/wgchain/packages": lines(payload.packages ?? ["conntrack", "iproute2", "nftables", "wireguard-tools"]),
    "etc/wgchain/nftables.nft": payload.nft ?? NFT,
    "etc/wgchain/elements": lines(payload.elements ?? ELEMENTS),
    "etc/wgchain/probes": lines(payload.probes ?? []),
    "etc/sysctl.d/90-wgchain.conf": lines(payload.sysctls ?? ["net.ipv4.ip_forward = 1", "net.ipv4.conf.all.rp_filter = 0"]),
    "etc/systemd/system/wgchain.service": "[Service]\nType=oneshot\nExecStart=/usr/local/lib/wgchain/wgchain-host boot\n",
    "etc/systemd/networkd.conf.d/wgchain.conf": "[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n",
    "usr/local/lib/wgchain/wgchain-host": program(),
    ...payload.extra,
  };
  for (const i of payload.interfaces) {
    files[`etc/systemd/system/wg-quick@${i.name}.service.d/wgchain.conf`] =
      "[Unit]\nWants=wgchain.service\nAfter=wgchain.service\n";
    files[`etc/wireguard/${i.name}.conf`] = [
      "[Interface]",
      ...i.addresses.map((address) => `Address = ${address}`),
      `ListenPort = ${i.port}`,
      `MTU = ${i.mtu}`,
      "Table = off",
      "PreUp = /usr/local/lib/wgchain/wgchain-host ready %i",
      "PostUp = wg set %i private-key /etc/wgchain/keys/%i.key",
      "PostUp = /usr/local/lib/wgchain/wgchain-host up %i",
      ...i.peers.flatMap((p) => [
        "",
        "[Peer]",
        `PublicKey = ${p.key}`,
        ...(p.endpoint ? [`Endpoint = ${p.endpoint}`] : []),
        `AllowedIPs = ${p.allowedIps}`,
        ...(p.keepalive ? [`PersistentKeepalive = ${p.keepalive}`] : []),
      ]),
      "",
    ].join("\n");
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}
