import { parsePrefix } from "../trace/ip";
import { formatLine, type Line } from "../trace/line";
import { somewhere, type EntrySource, type NetworkTrace } from "../trace/network";
import { packetTo, walkBoth } from "../trace/trace";
import { shown, story, type Obligation } from "./obligations";

/** What two exits share, the next host cannot tell apart; and from an address that is none of its interface's nobody answers. */
export const labelsTellExitsApart: Obligation = (of, fail) => {
  const exitOf = new Map<string, { readonly exit: string; readonly source: EntrySource }>();
  const told = new Set<string>();
  const tunnels = new Map(of.trace.joints.map(({ tunnel }) => [tunnel.id, tunnel]));
  of.ways.forEach((way, index) => {
    const source = of.sources[index];
    const exit = source && of.exitFor(source);
    if (source === undefined || exit === undefined) return;
    const stoppedAt = way.exit === null ? of.trace.roundTrip(source, somewhere).there.verdict : undefined;
    way.labels.forEach((label, n) => {
      const { client } = tunnels.get(way.tunnels[n] ?? "") ?? {};
      // Before it was given any.
      if (stoppedAt?.end !== "left" && stoppedAt?.at === client?.node) return;
      if (client === undefined || told.has(`${client.node}/${client.interface} ${label} ${exit}`)) return;
      const key = `${client.node}/${client.interface} ${label}`;
      told.add(`${key} ${exit}`);
      const where = `leaves ${client.node} by ${client.interface} as ${label}`;
      const other = exitOf.get(key) ?? { exit, source };
      exitOf.set(key, other);
      const because = (): string =>
        natLines(of.trace, source, client.node).map(formatLine).join(", ") ||
        `no rule or element of label_on_${client.interface} gave it another`;
      if (other.exit !== exit) {
        const message = `${shown(source)} for ${exit} ${where}, as does ${shown(other.source)} for ${other.exit}: the next host cannot tell them apart; ${because()}`;
        fail({ code: "proof-label", node: client.node, client: source.client, message });
      }
      if (!client.addresses.includes(label)) {
        const message = `${shown(source)} ${where}, which is no address of that interface (it has ${client.addresses.join(", ")}): nobody would answer from it; ${because()}`;
        fail({ code: "proof-label", node: client.node, client: source.client, message });
      }
    });
  });
};

/** A label leaves where its policy says also while no client of the entry has it. */
export const labelsLeaveWhereDeclared: Obligation = ({ trace }, fail) => {
  const { world, joints, stack } = trace;
  const tunnels = new Set(joints.flatMap(({ ends }) => ends));
  for (const { node, interface: iif, source, exit } of stack.wiring.declared) {
    const host = world.hosts.get(node);
    if (host === undefined || !tunnels.has(`${node}/${iif}`)) continue;
    const { there } = walkBoth(world, packetTo(parsePrefix(source).base, somewhere), { host, iif });
    const { end, at } = there.verdict;
    if (end === "left" && at === exit && there.packet.source === world.hosts.get(exit)?.publicAddress) continue;
    const message = `label ${source} that comes in by ${iif} of ${node} should leave at ${exit}, but ${story(world, there)}`;
    fail({ code: "proof-label", node, client: null, message });
  }
};

/** The lines by which a host gave the packet its source. */
function natLines({ world }: NetworkTrace, source: EntrySource, node: string): readonly Line[] {
  const host = world.hosts.get(source.node);
  if (host === undefined) return [];
  const { there } = walkBoth(world, packetTo(source.ip, somewhere), { host, iif: source.interface }, true);
  const lines = there.hops.find(({ at }) => at === node)?.lines ?? [];
  return lines.filter(({ text }) => /masquerade$|snat to|^label_on_/.test(text));
}

/** Every host of a way shows itself in a traceroute, with the address of the interface by which the packet came. */
export const everyHostAnswers: Obligation = (of, fail) => {
  const silent = new Set<string>();
  of.ways.forEach((way, index) => {
    const source = of.sources[index];
    if (source === undefined || way.exit === null || way.hops.length === way.tunnels.length + 1) return;
    for (const { at, iif, answers } of of.trace.roundTrip(source, somewhere).there.hops) {
      if (answers !== undefined || !of.trace.world.hosts.has(at) || silent.has(`${at} ${iif}`)) continue;
      silent.add(`${at} ${iif}`);
      const message = `${at} should show itself in a traceroute from ${shown(source)}, but ${iif} has no address to answer from (etc/wgchain/addresses)`;
      fail({ code: "proof-answers", node: at, client: source.client, message });
    }
  });
};
