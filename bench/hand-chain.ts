import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { keyPair } from "../differential/keys";
import type { Host, Lab } from "../lab";
import { buildHosts, hostNamed } from "../lab/build";
import { routerPort } from "../lab/network";
import type { Plan, PlannedHost } from "../lab/plan";
import { bootId, Paths, StateFile } from "../lab/state";

/*
 * The reference network's chain to Google as an article's reader makes it: plain wg-quick files, no MTU in them, in hosts of its own with the same
 * wires, addresses and cloud NAT as the deployed one. Beside it, with the same internet: one tunnel alone, and a host with no tunnel at all.
 */
export type HandHost = "internet" | "client" | "sz" | "hk" | "gcp" | "one" | "one-exit" | "plain";

export interface HandMade {
  readonly host: (name: HandHost) => Host;
}

interface Cloud {
  readonly external: string;
  readonly internal: string;
  readonly port: number;
  readonly mtuBytes: number;
  /** What the internet host does for the VM, as the rules of the deployed lab say. */
  readonly rules: string;
}

async function cloudOf(lab: Lab): Promise<Cloud> {
  const node = lab.inventory.nodes.find(({ name }) => name === "gcp");
  const wg6 = node?.interfaces.find(({ name }) => name === "wg6");
  const external = lab.publicAddress("gcp");
  const { stdout } = await lab.host("gcp").sh("ip -o -4 addr show dev ens4");
  const internal = /inet ([0-9.]+)/.exec(stdout)?.[1];
  if (node === undefined || wg6 === undefined || external === undefined || internal === undefined)
    throw new Error("the lab has no VM gcp with tunnel wg6");
  const rules = (await lab.host("internet").sh("nft list table ip lab-cloud")).stdout;
  return { external, internal, port: wg6.listenPort, mtuBytes: node.uplinkMtuBytes, rules };
}

function planOf(instance: string, lab: Lab, cloud: Cloud): Plan {
  const host = (kind: PlannedHost["kind"], name: string, address: string, mtuBytes = 1500): PlannedHost => {
    return { kind, name, netns: `${instance}-${name}`, address, mtuBytes };
  };
  const mtuOf = (name: string): number => lab.inventory.nodes.find((node) => node.name === name)?.privateLink?.mtuBytes ?? NaN;
  return {
    hosts: [
      host("internet", "internet", "192.0.2.1"),
      host("unmanaged", "sz", "198.51.100.10"),
      host("unmanaged", "hk", "198.51.100.20"),
      host("unmanaged", "gcp", cloud.internal, cloud.mtuBytes),
      host("client", "client", "198.18.0.1"),
      host("unmanaged", "one-exit", "198.51.100.40"),
      host("client", "one", "198.18.0.2"),
      host("client", "plain", "198.18.0.3"),
    ],
    privateLinks: [
      {
        network: "172.16.0.0/30",
        ends: [
          { host: "sz", address: "172.16.0.1/30", mtuBytes: mtuOf("sz") },
          { host: "hk", address: "172.16.0.2/30", mtuBytes: mtuOf("hk") },
        ],
      },
    ],
    internet: [],
    targets: [],
    jumpHosts: [],
  };
}

/** The lab of that name is removed as any other: `new Lab({ instance }).down({ force: true })`. */
export async function handMade(instance: string, lab: Lab): Promise<HandMade> {
  const cloud = await cloudOf(lab);
  const plan = planOf(instance, lab, cloud);
  const paths = new Paths(instance);
  const state = new StateFile(paths);
  state.write({
    version: 1,
    bootId: bootId(),
    phase: "up",
    appDir: join(__dirname, ".."),
    nullProvider: "stand-in",
    plan,
    inventory: lab.inventory,
    hosts: {},
    vms: [],
  });
  for (const directory of [paths.directory, paths.logs]) mkdirSync(directory, { recursive: true });
  await buildHosts(paths, state, plan, "");
  const host = (name: HandHost): Host => hostNamed(state, name);
  await host("internet").sh(`ip route replace ${cloud.external}/32 dev ${routerPort("gcp")} src 192.0.2.1; nft -f -`, {
    input: cloud.rules,
  });
  // A session a host, as SSH gives the deployed ones: the kernel shares the processors out between sessions (autogroup), and a chain whose programs
  // all stand in one session is up to half as fast again.
  for (const [name, own] of Object.entries(files(cloud)) as [HandHost, Record<string, string>][]) {
    const script = Object.keys(own).map((iface) => `wg-quick up ${iface}`);
    await host(name).sh("install -d -m 0700 /etc/wireguard");
    for (const [iface, file] of Object.entries(own))
      await host(name).sh(`umask 077; cat >/etc/wireguard/${iface}.conf`, { input: file });
    // A person's machine is brought up by the lab itself, there as here.
    const session = name === "client" || name === "one" ? "" : "setsid --wait ";
    await host(name).sh(`${session}bash -euc '${script.join("; ")}' >/run/up.log 2>&1 || { cat /run/up.log >&2; exit 1; }`, {
      timeoutMs: 30_000,
    });
  }
  return { host };
}

const secret = (name: string): string => `PrivateKey = ${keyPair(`hand ${name}`).privateKey}`;
const peer = (name: string, allowed: string, endpoint?: string): string =>
  `[Peer]\nPublicKey = ${keyPair(`hand ${name}`).publicKey}\nAllowedIPs = ${allowed}\n${
    endpoint === undefined ? "" : `Endpoint = ${endpoint}\nPersistentKeepalive = 25\n`
  }`;
const forward = "PostUp = sysctl -qw net.ipv4.ip_forward=1";
/** What iptables -t nat -A POSTROUTING makes, by the tool that the lab has. */
const nat = (device: string, verdict: string): string =>
  `PostUp = nft 'add table ip nat; add chain ip nat post { type nat hook postrouting priority srcnat; }; add rule ip nat post oifname "${device}" ${verdict}'`;

const interfaceOf = (lines: readonly string[], peers: readonly string[]): string =>
  `[Interface]\n${lines.join("\n")}\n\n${peers.join("\n")}`;

const files = ({ external, port }: Cloud): Partial<Record<HandHost, Record<string, string>>> => ({
  gcp: {
    wg6: interfaceOf(
      ["Address = 10.66.6.6/24", `ListenPort = ${port}`, secret("gcp wg6"), forward, nat("eth0", "masquerade")],
      [peer("hk wg6", "10.66.6.250/32")],
    ),
  },
  hk: {
    wgp: interfaceOf(
      ["Address = 10.66.220.200/24", "ListenPort = 51820", secret("hk wgp"), forward],
      [peer("sz wgp", "10.66.220.0/24")],
    ),
    wg6: interfaceOf(
      [
        "Address = 10.66.6.250/32",
        "Table = off",
        secret("hk wg6"),
        "PostUp = ip route add default dev wg6 table 6600",
        "PostUp = ip route add 10.66.220.0/24 dev wgp table 6600",
        "PostUp = ip rule add from 10.66.220.224 lookup 6600",
        nat("wg6", "masquerade"),
      ],
      [peer("gcp wg6", "0.0.0.0/0", `${external}:${port}`)],
    ),
  },
  sz: {
    wgs: interfaceOf(
      ["Address = 10.66.224.1/19", "ListenPort = 51820", secret("sz wgs"), forward],
      [peer("client", "10.66.224.2/32")],
    ),
    wgp: interfaceOf(
      [
        "Address = 10.66.220.224/24",
        "Table = off",
        secret("sz wgp"),
        "PostUp = ip route add default dev wgp table 2240",
        "PostUp = ip route add 10.66.224.0/19 dev wgs table 2240",
        "PostUp = ip rule add from 10.66.224.2 lookup 2240",
        nat("wgp", "ip saddr 10.66.224.2 snat to 10.66.220.224"),
      ],
      [peer("hk wgp", "0.0.0.0/0", "172.16.0.2:51820")],
    ),
  },
  client: {
    wg0: interfaceOf(["Address = 10.66.224.2/32", secret("client")], [peer("sz wgs", "0.0.0.0/0", "198.51.100.10:51820")]),
  },
  "one-exit": {
    wg0: interfaceOf(
      ["Address = 10.1.1.1/24", "ListenPort = 51820", secret("one-exit"), forward, nat("eth0", "masquerade")],
      [peer("one", "10.1.1.2/32")],
    ),
  },
  one: {
    wg0: interfaceOf(["Address = 10.1.1.2/32", secret("one")], [peer("one-exit", "0.0.0.0/0", "198.51.100.40:51820")]),
  },
});
