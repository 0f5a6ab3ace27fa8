import type { TerraformStack } from "cdktf";
import { Host, SnatLabel, SourcePolicy, WgNode, WgTunnel } from "../../constructs";
import type { NetworkIntent, NodeIntent, TunnelIntent } from "../../lib/intent";
import { publicKeyText } from "./keys";

const exits = ["a", "b", "c"];
const key = (name: string) => ({ text: publicKeyText(name), source: name });

const node = (name: string, octet: number, exit: boolean): NodeIntent => ({
  path: name,
  name,
  address: `198.51.100.${octet}`,
  host: { kind: "ssh", destination: `198.51.100.${octet}` },
  uplinkMtuBytes: 1500,
  privateMtuBytes: 1500,
  exit,
});

const tunnel = (name: string, client: string, server: string, octet: number): TunnelIntent => ({
  path: name,
  name,
  client: { node: client, interfaceName: name, key: key(`${name}@${client}`) },
  server: { node: server, interfaceName: name, key: key(`${name}@${server}`) },
  over: "public",
  network: `10.1.${octet}.0/24`,
  serverAddress: `10.1.${octet}.1`,
  keepaliveSeconds: 25,
});

const addressOf = (index: number): string => `10.64.${(index + 2) >> 8}.${(index + 2) & 255}`;

/** An entry, a relay and three exits, which so many clients share. */
export function largeIntent(clients: number): NetworkIntent {
  const indices = Array.from({ length: clients }, (_, index) => index);
  return {
    nodes: [node("e", 1, false), node("r", 2, false), ...exits.map((name, index) => node(name, 3 + index, true))],
    clientInterfaces: [
      { path: "clients", node: "e", name: "clients", address: "10.64.0.1/16", listenPort: 51_820, key: key("clients") },
    ],
    clients: indices.map((index) => {
      const name = `c${index}`;
      return { path: name, name, interface: "clients", addresses: [addressOf(index)], key: key(name) };
    }),
    tunnels: [tunnel("t0", "e", "r", 0), ...exits.map((name, index) => tunnel(`t${name}`, "r", name, index + 1))],
    labels: exits.flatMap((name, index) => [
      { path: `first-${name}`, name: `first-${name}`, tunnel: "t0", address: `10.1.0.${10 + index}` },
      { path: `second-${name}`, name: `second-${name}`, tunnel: `t${name}`, address: `10.1.${index + 1}.10` },
    ]),
    policies: exits.flatMap((name, exit) => [
      {
        path: `entry-${name}`,
        name: `entry-${name}`,
        node: "e",
        from: indices.filter((index) => index % exits.length === exit).map((index) => ({ prefix: addressOf(index) })),
        via: { tunnel: "t0" },
        label: `first-${name}`,
      },
      {
        path: `relay-${name}`,
        name: `relay-${name}`,
        node: "r",
        from: [{ label: `first-${name}` }],
        via: { tunnel: `t${name}` },
        label: `second-${name}`,
      },
    ]),
    removed: [],
    recorded: {},
  };
}

/** The same, as a user writes it. */
export function largeStack(clients: number): (stack: TerraformStack) => void {
  return (stack) => {
    const host = (octet: number) => Host.ssh({ address: `198.51.100.${octet}` });
    const end = (name: string) => ({ publicKey: publicKeyText(name) });
    const [entry, relay] = [new WgNode(stack, "e", { host: host(1) }), new WgNode(stack, "r", { host: host(2) })];
    const one = entry.serveClients("clients", { address: "10.64.0.1/16", listenPort: 51_820 });
    const people = Array.from({ length: clients }, (_, index) =>
      one.addClient(`c${index}`, { addresses: [addressOf(index)], ...end(`c${index}`) }),
    );
    const link = (name: string, client: WgNode, server: WgNode, octet: number) =>
      new WgTunnel(stack, name, {
        client,
        server,
        network: `10.1.${octet}.0/24`,
        serverAddress: `10.1.${octet}.1`,
        clientEnd: end(`${name} client`),
        serverEnd: end(`${name} server`),
      });
    const first = link("t0", entry, relay, 0);
    exits.forEach((name, index) => {
      const exit = new WgNode(stack, name, { host: host(3 + index), exit: true });
      const via = link(`t${name}`, relay, exit, index + 1);
      const label = new SnatLabel(stack, `first-${name}`, { tunnel: first, address: `10.1.0.${10 + index}` });
      const snat = new SnatLabel(stack, `second-${name}`, { tunnel: via, address: `10.1.${index + 1}.10` });
      const from = people.filter((_, person) => person % exits.length === index);
      new SourcePolicy(stack, `entry-${name}`, { on: entry, from, via: first, snat: label });
      new SourcePolicy(stack, `relay-${name}`, { on: relay, from: [label], via, snat });
    });
  };
}
