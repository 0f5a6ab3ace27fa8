import type { TracedHost, TracedNetwork, TracedTunnel } from "../trace";
import type { Fact, NetworkDiff, Objects, Thing } from "./network-diff";

/** Hosts, what clients connect to, and tunnels, each by name. */
export function compareObjects(
  before: TracedNetwork,
  after: TracedNetwork,
): Pick<NetworkDiff, "exits" | "hosts" | "interfaces" | "tunnels"> {
  const things = (of: (network: TracedNetwork) => Thing[]): Objects => compareThings(of(before), of(after));
  const exits = things(({ hosts }) =>
    hosts.filter(({ exit }) => exit).map((host) => ({ name: host.name, facts: { address: host.address } })),
  );
  const exitOf = ({ name, facts }: Thing) => ({ node: name, address: String(facts["address"]) });
  return {
    exits: { added: exits.added.map(exitOf), gone: exits.gone.map(exitOf) },
    hosts: things(({ hosts }) => hosts.map(hostThing)),
    interfaces: things(({ hosts }) => hosts.flatMap(interfaceThings)),
    tunnels: things(({ tunnels }) => tunnels.map(tunnelThing)),
  };
}

const hostThing = ({ name, kind, address, exit, uplinkMtuBytes, privateAddress, lans, forwards }: TracedHost): Thing => ({
  name,
  facts: {
    ...{ kind, address, exit, uplinkMtuBytes, privateAddress: privateAddress ?? null },
    ...(lans === undefined ? {} : { lans }),
    ...(forwards === undefined ? {} : { forwards }),
  },
});

const interfaceThings = ({ name, clientInterfaces }: TracedHost): Thing[] =>
  clientInterfaces.map(({ name: one, address, listenPort, mtuBytes, resolvers, answersForOthers }) => ({
    name: `${name}/${one}`,
    facts: {
      ...{ address, listenPort, mtuBytes },
      ...(resolvers === undefined ? {} : { resolvers }),
      ...(answersForOthers === undefined ? {} : { answersForOthers }),
    },
  }));

const tunnelThing = ({ id, client, server, network, over }: TracedTunnel): Thing => ({
  name: id,
  facts: {
    server: `${server.node}/${server.interface}`,
    over,
    network,
    serverAddresses: server.addresses,
    clientAddresses: client.addresses,
    serverMtuBytes: server.mtuBytes,
    clientMtuBytes: client.mtuBytes,
    serverPort: server.listenPort,
    clientPort: client.listenPort,
  },
});

function compareThings(before: readonly Thing[], after: readonly Thing[]): Objects {
  const [old, now] = [new Map(before.map((one) => [one.name, one])), new Map(after.map((one) => [one.name, one]))];
  const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
  return {
    added: [...now.values()].filter(({ name }) => !old.has(name)).sort(byName),
    gone: [...old.values()].filter(({ name }) => !now.has(name)).sort(byName),
    changed: [...now.values()]
      .flatMap(({ name, facts }) => {
        const former = old.get(name);
        const changes = former === undefined ? [] : compareFacts(former.facts, facts);
        return changes.length === 0 ? [] : [{ name, changes }];
      })
      .sort(byName),
  };
}

function compareFacts(before: Thing["facts"], after: Thing["facts"]): { fact: string; before: Fact; after: Fact }[] {
  return Object.keys({ ...before, ...after }).flatMap((fact) => {
    const [one, two] = [before[fact] ?? null, after[fact] ?? null];
    return String(one) === String(two) ? [] : [{ fact, before: one, after: two }];
  });
}
