import { trace, type Question, type World } from "../lib/trace";
import { Ipv4Address } from "../lib/address";
import { parseIp } from "../lib/trace/ip";
import type { Network } from "../lib/model/model";
import { internetAddress, metadataAddress } from "./build";
import { clientsOf, publicAddress, type ClientShape } from "./intent";
import type { Shape } from "./shape";

/** The same numbers for the same seed. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed % 2_147_483_647 || 1;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

/** Addresses that a client sends from though nobody gave it them: of its own network, of another's, of a tunnel's, and of nobody's. */
export const strangeSources = ["10.64.99.9", "10.65.99.9", "10.1.1.77", "192.0.2.77"];

/** What is sent through one network: every client's every address, and a sample of everything else. */
export function questionsOf(shape: Shape, network: Network, world: World): Question[] {
  const random = randomOf(shape.random + 1);
  const some = <T>(list: readonly T[], most: number): T[] => {
    const left = [...list];
    return Array.from({ length: Math.min(most, left.length) }, () => left.splice(random(left.length), 1)).flat();
  };
  const inner = [
    ...network.tunnels.flatMap(({ serverAddress, clientAddress }) => [serverAddress, clientAddress ?? []].flat()),
    ...network.labels.map(({ address }) => address),
    ...network.clientInterfaces.map(({ address }) => address.address),
  ].map(String);
  const clients = clientsOf(shape);
  const own = (client: ClientShape): string[] => client.addresses.map(({ address }) => address);
  const clientAddresses = clients.flatMap(own);
  const publics = network.nodes.map(({ address }) => String(address));
  // Addresses that nobody has in networks that are ours.
  const networks = [...network.tunnels, ...network.clientInterfaces].map((one) => one.network);
  const nowhere = networks.map((one) => Ipv4Address.of(one.last - 1).toString());
  const mtus = [...new Set(network.tunnels.map(({ mtuBytes }) => mtuBytes))];
  const questions: Question[] = [];
  for (const client of clients) {
    const { name: at, entry, addresses } = client;
    // Its endpoint a client reaches beside the tunnel.
    const others = publics.filter((address) => address !== publicAddress(entry));
    for (const { address: source } of addresses) {
      const ask = (destination: string, more: Partial<Question> = {}): void => {
        questions.push({ at, source, destination, ...more });
      };
      const { hops, mtuBytes } = trace(world, { at, source, destination: internetAddress });
      const sizes = [...new Set([mtuBytes, ...some(mtus, 1)])].filter((bytes) => bytes > 100 && bytes < 1500);
      for (let ttl = 1; ttl <= Math.max(2, hops.length); ttl++) ask(internetAddress, { ttl });
      ask(internetAddress);
      ask(internetAddress, { protocol: "udp" });
      ask(internetAddress, { protocol: "tcp" });
      for (const sizeBytes of sizes) {
        ask(internetAddress, { sizeBytes, dontFragment: true });
        ask(internetAddress, { sizeBytes: sizeBytes + 1, dontFragment: true });
      }
      ask(internetAddress, { sizeBytes: 1450 });
      ask(metadataAddress);
      for (const to of [...some(others, 2), ...some(inner, 3), ...some(clientAddresses, 1), ...some(nowhere, 1)]) {
        if (!own(client).includes(to)) ask(to);
      }
    }
    for (const source of strangeSources)
      for (const to of [internetAddress, ...some(inner, 1)]) questions.push({ at, source, destination: to });
  }
  // What a tunnel's ends call their own addresses: each sends what the other has to refuse.
  for (const tunnel of some(network.tunnels, 3)) {
    const { server, client, serverAddress, clientAddress } = tunnel;
    const near = clientAddress ?? network.labels.find((label) => label.tunnel === tunnel)?.address;
    const destination = Ipv4Address.of(tunnel.network.last - 1).toString();
    questions.push({ at: server.node.name, source: serverAddress.toString(), destination, ttl: 1 });
    if (near !== undefined) questions.push({ at: client.node.name, source: near.toString(), destination, ttl: 1 });
  }
  for (const node of some(network.nodes, 4)) {
    const { name } = node;
    const local = inner.filter(
      (address) =>
        world.hosts.get(name)?.routing.lookup({ source: 0, destination: parseIp(address), iif: "lo", mark: 0 })?.route.local ===
        true,
    );
    for (const source of [String(node.address), ...some(local, 2)]) {
      for (const destination of [internetAddress, ...some([...inner, ...clientAddresses, ...publics, ...nowhere], 3)]) {
        // A client answers its entry beside the tunnel, as it keeps its endpoint there.
        const beside = clients.some((client) => publicAddress(client.entry) === source && own(client).includes(destination));
        if (!beside) questions.push({ at: name, source, destination });
      }
    }
    const at = `${name}/(uplink)`;
    for (const destination of [String(node.address), ...some([...inner, ...clientAddresses], 3)]) {
      questions.push({ at, source: internetAddress, destination });
    }
  }
  return questions;
}
