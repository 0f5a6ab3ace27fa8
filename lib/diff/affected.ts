import { parsePrefix, PrefixMap } from "../trace/ip";
import type { TracedNetwork, TracedTunnel, TracedWay } from "../trace";
import { filedInterfaces, type FiledInterface } from "./keys";
import type { ChangedKey, Side, Source } from "./network-diff";
import { sourceOf, type PairedWays, type Pair } from "./ways";

/** What happens somewhere, and to whom. */
export interface Affected {
  readonly at: string;
  readonly clients: readonly Source[];
}

/** Of a deploy: a host's own 'add', exits first; or 'switch', all at once. */
type Step = "add" | "switch";

/** A tunnel that both networks have. */
interface TunnelPair {
  readonly before: TracedTunnel;
  readonly after: TracedTunnel;
}

/** An interface, and the one of another name at its port. */
interface Replaced {
  readonly before: FiledInterface;
  readonly after: FiledInterface;
}

/** Two networks, as the deploy that leads from one to the other meets them. Only who leaves somewhere today can lose anything. */
export class Transition {
  readonly ways: readonly Pair[];
  readonly tunnels: readonly TunnelPair[];
  private readonly newKeys: ReadonlySet<string>;
  private readonly interfacesBefore: ReadonlyMap<string, FiledInterface>;
  private readonly interfacesAfter: ReadonlyMap<string, FiledInterface>;

  constructor(
    readonly base: Side,
    readonly head: Side,
    ways: PairedWays,
    keys: readonly ChangedKey[],
  ) {
    this.newKeys = new Set(keys.map(({ kind, of }) => `${kind} ${of}`));
    this.ways = ways.both.filter(({ before }) => before.exit !== null);
    const former = new Map(base.network.tunnels.map((one) => [one.id, one]));
    this.tunnels = head.network.tunnels.flatMap((after) => {
      const before = former.get(after.id);
      return before === undefined ? [] : [{ before, after }];
    });
    this.interfacesBefore = filedInterfaces(base.stack);
    this.interfacesAfter = filedInterfaces(head.stack);
  }

  /** Who crosses the tunnel. When keys are switched, those who leave it have left: every host has added by then. */
  private crossing(id: string, step: Step): Source[] {
    return this.ways.flatMap(({ before, after }) =>
      before.tunnels.includes(id) && (step === "add" || after.tunnels.includes(id)) ? [sourceOf(after)] : [],
    );
  }

  private entering(at: string): Source[] {
    return this.ways.flatMap(({ before, after }) => (entryOf(before) === at && entryOf(after) === at ? [sourceOf(after)] : []));
  }

  /** Tunnels of which something is another. */
  tunnelsWhere(step: Step, differ: (pair: TunnelPair) => boolean): Affected[] {
    return this.tunnels.flatMap((pair) =>
      differ(pair) ? [{ at: pair.after.id, clients: this.crossing(pair.after.id, step) }] : [],
    );
  }

  hasNewKey(kind: ChangedKey["kind"], of: string): boolean {
    return this.newKeys.has(`${kind} ${of}`);
  }

  /** Interfaces that clients connect to, and of which something is another. */
  clientInterfacesWhere(differ: (name: string, before: FiledInterface, after: FiledInterface) => boolean): Affected[] {
    return clientInterfaces(this.head.network).flatMap((at) => {
      const [one, two] = [this.interfacesBefore.get(at), this.interfacesAfter.get(at)];
      return one === undefined || two === undefined || !differ(at, one, two) ? [] : [{ at, clients: this.entering(at) }];
    });
  }

  /** Clients of which something is another, by where they come in. */
  clientsWhere(differ: (pair: Pair) => boolean): Affected[] {
    return byEntry(this.ways.filter(differ));
  }

  /** Interfaces that another takes the port of, at that port. */
  takenPorts(): Replaced[] {
    return [...this.interfacesAfter.values()].flatMap((after) => {
      if (this.interfacesBefore.has(`${after.node}/${after.name}`)) return [];
      return [...this.interfacesBefore.values()].flatMap((before) => {
        const leaves = !this.interfacesAfter.has(`${before.node}/${before.name}`);
        return leaves && before.node === after.node && before.listenPort === after.listenPort ? [{ before, after }] : [];
      });
    });
  }

  /** Who crosses the tunnel that it is an end of; of clients that come in by it, those who know the key of what replaces it. */
  usersOf({ before, after }: Replaced): Source[] {
    const { node, name } = before;
    const tunnels = this.base.network.tunnels.filter(({ client, server }) =>
      [client, server].some((end) => end.node === node && end.interface === name),
    );
    return this.ways.flatMap((pair) => {
      const comesIn = entryOf(pair.before) === `${node}/${name}` && before.publicKey === after.publicKey;
      return comesIn || tunnels.some(({ id }) => pair.before.tunnels.includes(id)) ? [sourceOf(pair.after)] : [];
    });
  }

  /** Whose line in a host's `sources` changes: theirs, or that of the label they come to it with. */
  forgotten(): Affected[] {
    const changed = new Map(
      Object.entries(this.head.stack.files).flatMap(([node, files]) => {
        const former = this.base.stack.files[node];
        return former === undefined
          ? []
          : [[node, changedSources(former["etc/wgchain/sources"], files["etc/wgchain/sources"])] as const];
      }),
    );
    const serverOf = new Map(this.base.network.tunnels.map(({ id, server }) => [id, server.node]));
    return byEntry(
      this.ways.filter(({ before }) => {
        const met: (readonly [string, string])[] = [
          [before.node, before.address],
          ...before.tunnels.map((id, index): readonly [string, string] => [serverOf.get(id) ?? "", before.labels[index] ?? ""]),
        ];
        return met.some(([node, address]) => address !== "" && changed.get(node)?.get(parsePrefix(address).base) === true);
      }),
    );
  }
}

function byEntry(ways: readonly Pair[]): Affected[] {
  const found = new Map<string, Source[]>();
  for (const { after } of ways) {
    const source = sourceOf(after);
    const known = found.get(source.entry);
    if (known === undefined) found.set(source.entry, [source]);
    else known.push(source);
  }
  return [...found].map(([at, clients]) => ({ at, clients }));
}

/** Its client end dials the same interface as before: a live peer is changed, not another put in its place. */
export const isSameServer = ({ before, after }: TunnelPair): boolean =>
  after.server.node === before.server.node && after.server.interface === before.server.interface;

export const entryOf = ({ node, interface: one }: TracedWay): string => `${node}/${one}`;

/** Address of the far end that a tunnel's client end sends to. */
export function endpointOf(network: TracedNetwork, { server, over }: TracedTunnel): string {
  const host = network.hosts.find(({ name }) => name === server.node);
  return (over === "private" ? host?.privateAddress?.split("/")[0] : host?.address) ?? "";
}

const clientInterfaces = ({ hosts }: TracedNetwork): string[] =>
  hosts.flatMap(({ name, clientInterfaces: all }) => all.map((one) => `${name}/${one.name}`));

/** Of several exits and labels the first, as while all are alive. */
const taken = (line: string): string =>
  line
    .split(" ")
    .slice(0, 4)
    .map((word) => word.split(",")[0])
    .join(" ");

/** As the host program compares them: whole lines, of which the second word is the source. */
function changedSources(before = "", after = ""): PrefixMap<true> {
  const [old, now] = [before, after].map(
    (text) =>
      new Set(
        text
          .split("\n")
          .filter((line) => line !== "")
          .map(taken),
      ),
  ) as [Set<string>, Set<string>];
  const changed = new PrefixMap<true>();
  const other = [...[...old].filter((line) => !now.has(line)), ...[...now].filter((line) => !old.has(line))];
  for (const line of other) changed.add(parsePrefix(line.split(" ")[1] ?? ""), true);
  return changed;
}
