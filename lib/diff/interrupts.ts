import { endpointOf, entryOf, isSameServer, type Affected, type Transition } from "./affected";
import type { Interrupt } from "./network-diff";

/** One thing of a deploy that somebody can lose packets or connections by. */
interface Cause {
  /** Stable name. */
  readonly code: string;
  readonly what: string;
  readonly howLong: string;
  /** Why it is so. */
  readonly because: string;
  /** Where that is done, or was measured: FILE: words of it; more of these. A test holds that they are there. */
  readonly source: string;
  readonly find: (of: Transition) => readonly Affected[];
}

/**
 * All that interrupts somebody. What is not here interrupts nobody, for a live interface is never restarted (host/program/40-interfaces.bash,
 * `reconcile`): a client or an exit more or less, another MTU, another address on an interface, other rules and routes, another host program. docs/faults.md
 * has the counts: 0 of 3,100 packets lost with a client added, and with an exit changed, added and removed.
 */
export const causes: readonly Cause[] = [
  {
    code: "connections",
    what: "open connections are forgotten, and end where the world sees another address; new ones work at once",
    howLong: "nothing of a new connection is lost",
    because:
      "a connection keeps the exit and the label of its first packet, so those of a source whose exit or label changes are forgotten, and no others",
    source: "host/program/80-deploy.bash: forget_connections; docs/faults.md: exit-changed",
    find: (of) => of.forgotten(),
  },
  {
    code: "tunnel-key",
    what: "what is under way while both ends switch to the new key is lost",
    howLong: "under 0.1 s in the lab",
    because: "WireGuard has no overlap of keys; the new peer takes over the addresses of the old one when both ends switch",
    source: "host/program/80-deploy.bash: switch_keys; docs/faults.md: 4 and 9 of 1,200 packets",
    find: (of) =>
      of.tunnelsWhere("switch", (pair) => {
        const ends = [pair.before.client, pair.before.server].map((end) => `${end.node}/${end.interface}`);
        return !isSameServer(pair) || ends.some((end) => of.hasNewKey("interface", end));
      }),
  },
  {
    code: "tunnel-psk",
    what: "a handshake that falls between the change of one end and that of the other fails, and is tried again; packets go on by the session there is",
    howLong: "none, or a few seconds",
    because: "a pre-shared key is set on the live peer and counts from the next handshake on",
    source: "host/program/40-interfaces.bash: PEER_AWK",
    find: (of) => of.tunnelsWhere("add", ({ after }) => of.hasNewKey("preshared", after.id)),
  },
  {
    code: "tunnel-port",
    what: "packets go to the old port until the client end has been given the new one",
    howLong: "seconds, from one host's 'add' to the other's",
    because: "the server end listens on the new port at once, and exits add before entries",
    source: "host/program/40-interfaces.bash: listen-port; host/deploy: add",
    find: (of) =>
      of.tunnelsWhere("add", (pair) => isSameServer(pair) && pair.before.server.listenPort !== pair.after.server.listenPort),
  },
  {
    code: "tunnel-replies",
    what: "replies go to the client end's old port until it sends its next packet",
    howLong: "until its next packet",
    because: "the server end has no endpoint of it written down and learns it from what arrives",
    source: "host/program/40-interfaces.bash: listen-port",
    find: (of) => of.tunnelsWhere("add", ({ before, after }) => before.client.listenPort !== after.client.listenPort),
  },
  {
    code: "tunnel-network",
    what: "the server end takes nothing from the old addresses until the client end has the new ones",
    howLong: "seconds, from one host's 'add' to the other's",
    because: "allowed-ips of a live peer are replaced, and exits add before entries",
    source: "host/program/40-interfaces.bash: allowed-ips; host/deploy: add",
    find: (of) => of.tunnelsWhere("add", (pair) => isSameServer(pair) && pair.before.network !== pair.after.network),
  },
  {
    code: "tunnel-endpoint",
    what: "the client end sends to the server end's new address",
    howLong: "none where the host answers there already; if nothing comes back, the deploy is reverted",
    because:
      "the endpoint of a live peer is replaced, and every tunnel that carried packets must carry them before anybody commits",
    source: "host/program/40-interfaces.bash: endpoint; host/program/80-deploy.bash: check",
    find: (of) =>
      of.tunnelsWhere("add", (pair) => {
        const [one, two] = [endpointOf(of.base.network, pair.before), endpointOf(of.head.network, pair.after)];
        return isSameServer(pair) && one !== two;
      }),
  },
  {
    code: "interface-replaced",
    what: "it is taken down, and an interface of another name comes up at its port",
    howLong:
      "clients about 15 s, until they notice and shake hands again; a tunnel some seconds, until both ends have added and switched",
    because:
      "two interfaces cannot listen on one port, so the old one cannot stay until commit; 15.4 s were measured for clients",
    source: "host/program/80-deploy.bash: make_way",
    find: (of) => of.takenPorts().map((one) => ({ at: `${one.before.node}/${one.before.name}`, clients: of.usersOf(one) })),
  },
  {
    code: "clients-key",
    what: "clients are out until each has the new public key",
    howLong: "until each is set up anew",
    because: "what clients hold is not ours to change",
    source: "cli/rotate.ts: cuts off; host/program/80-deploy.bash: switch_keys",
    find: (of) => of.clientInterfacesWhere((at) => of.hasNewKey("interface", at)),
  },
  {
    code: "clients-port",
    what: "clients that send to the old port are out until each has the new one",
    howLong: "until each is set up anew",
    because: "the interface listens on the new port from 'add' on, and on it alone",
    source: "host/program/40-interfaces.bash: listen-port",
    find: (of) => of.clientInterfacesWhere((_at, before, after) => before.listenPort !== after.listenPort),
  },
  {
    code: "clients-address",
    what: "clients that send to the host's old address are out once it is gone, until each has the new one",
    howLong: "until each is set up anew",
    because: "what clients hold is not ours to change",
    source: "README.md: A client's key is its own",
    find: (of) =>
      of.clientInterfacesWhere((_at, { node }) => {
        const [one, two] = [of.base, of.head].map(({ network }) => network.hosts.find(({ name }) => name === node)?.address);
        return one !== two;
      }),
  },
  {
    code: "clients-entry",
    what: "clients come in by another interface, and are out until each is set up for it",
    howLong: "until each is set up anew",
    because: "the interface that they know goes at commit, or its key is another",
    source: "host/program/80-deploy.bash: interface_down",
    find: (of) => {
      const kept = of.takenPorts().filter(({ before, after }) => before.publicKey === after.publicKey);
      const goesOn = new Set(kept.map(({ before, after }) => `${before.node}/${before.name} ${after.node}/${after.name}`));
      return of.clientsWhere(
        ({ before, after }) => entryOf(before) !== entryOf(after) && !goesOn.has(`${entryOf(before)} ${entryOf(after)}`),
      );
    },
  },
  {
    code: "client-key",
    what: "they are out until they use their own new key",
    howLong: "until each is set up anew",
    because: "when hosts switch, a client's addresses go from the peer of its old key to that of the new one",
    source: "host/program/40-interfaces.bash: hold",
    find: (of) => of.clientsWhere(({ after }) => after.client !== null && of.hasNewKey("client", after.client)),
  },
];

/** Where nobody comes by, nobody is interrupted. */
export function interruptsOf(transition: Transition): Interrupt[] {
  return causes.flatMap(({ code, what, howLong, find }) =>
    find(transition).flatMap(({ at, clients }) => (clients.length === 0 ? [] : [{ code, at, what, howLong, clients }])),
  );
}
