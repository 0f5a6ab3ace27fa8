import { some } from "../lib/assert/proven-network";
import type { Question, SynthesizedStack, World } from "../lib/trace";
import { CliError } from "../app/error";

export interface Asked {
  readonly source: string;
  readonly destination: string;
  readonly at?: string;
}

/** Who sends what to whom, of what a person typed: names of clients and nodes, and addresses. */
export function questionOf(stack: SynthesizedStack, world: World, asked: Asked): Pick<Question, "at" | "source" | "destination"> {
  const from = partyOf(stack, world, asked.source);
  const { address: destination } = partyOf(stack, world, asked.destination);
  const at = asked.at === undefined ? from.name : placeOf(world, asked.at, destination);
  if (at === undefined) {
    const [entry] = stack.wiring.clients;
    const place = entry === undefined ? `${stack.wiring.nodes[0]?.name ?? "NODE"}/uplink` : `${entry.node}/${entry.interface}`;
    throw new CliError(
      `nobody in this network has the address ${asked.source}; say where its packet comes in, e.g. --at ${place}`,
    );
  }
  return { at, source: ownAddress(world, asked.source, destination) ?? from.address, destination };
}

/** What a host itself sends has the address of the interface that it leaves by. */
function ownAddress(world: World, source: string, destination: string): string | undefined {
  const host = world.clients.has(source) ? undefined : world.hosts.get(source);
  const ip = world.resolve(destination);
  const sent = host?.sends(ip);
  const own = sent?.dev === "lo" ? undefined : sent?.source;
  return own === undefined ? undefined : world.format(own);
}

interface Party {
  readonly name?: string;
  readonly address: string;
}

/** A client (by its name, or one of its addresses), a node (likewise), or an address of nobody's. */
function partyOf({ wiring }: SynthesizedStack, world: World, text: string): Party {
  const client = wiring.clients.find(({ name, addresses }) => name === text || addresses.includes(text));
  if (client !== undefined) {
    const [address = "", ...more] = client.addresses;
    if (client.name !== text) return { name: client.name, address: text };
    if (more.length === 0) return { name: text, address };
    throw new CliError(`client '${text}' has the addresses ${client.addresses.join(", ")}; name one of them`);
  }
  const node = wiring.nodes.find(({ name }) => name === text);
  if (node !== undefined) return { name: node.name, address: node.address };
  if (/^[\d.]+$/.test(text)) {
    const ip = world.resolve(text);
    const owner = [...world.hosts.values()].find(({ publicAddress, privateAddress, interfaces }) => {
      const own = [...interfaces.values()].flatMap(({ addresses }) => addresses.map(({ address }) => address.value));
      return [publicAddress, privateAddress?.address.value, ...own].includes(ip);
    });
    return { address: text, ...(owner === undefined ? {} : { name: owner.name }) };
  }
  const [nodes, clients] = [wiring.nodes, wiring.clients].map((list) => some(list.map(({ name }) => name)));
  throw new CliError(
    `'${text}' is no address, client or node of this network; its nodes: ${nodes ?? ""}; its clients: ${clients ?? ""}`,
  );
}

/** What the trace itself says of a place that is not there is short; a person is helped by what there is. */
function placeOf(world: World, at: string, destination: string): string {
  if (at === "internet") {
    if (world.hostAtPublic(world.resolve(destination)) !== undefined) return at;
    throw new CliError(
      `--at internet: ${destination} is no public address of a node, so no packet to it comes from there; name the node, e.g. --at ${[...world.hosts.keys()][0] ?? "NODE"}/uplink`,
    );
  }
  const [name = "", iface, ...more] = at.split("/");
  const host = world.hosts.get(name);
  if (host === undefined || more.length > 0) {
    if (world.clients.has(at)) return at;
    const known = some([...world.hosts.keys(), ...world.clients.keys()]);
    throw new CliError(`--at ${at}: there is no such node, NODE/INTERFACE or client; there are ${known}, and internet`);
  }
  const lans = (host.wired.lans ?? []).map((lan) => lan.name);
  if (iface === undefined || iface === "uplink" || host.interfaces.has(iface) || lans.includes(iface)) return at;
  throw new CliError(
    `--at ${at}: ${name} has no interface '${iface}'; it has ${[...host.interfaces.keys(), ...lans, "uplink"].join(", ")}`,
  );
}
