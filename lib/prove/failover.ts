import { parsePrefix } from "../trace/ip";
import { formatLine } from "../trace/line";
import type { Failover, FailoverState } from "../trace/failover";
import { failoverKey } from "../trace/failover";
import { somewhere, type EntrySource, type InState, type NetworkTrace } from "../trace/network";
import { mtuOf, packetTo, walkBoth, type RoundTrip, type Walked } from "../trace/trace";
import { shown, story, type Case, type Obligation } from "./obligations";

/**
 * In every state that failovers can reach, each source leaves at the exit that is taken, with that exit's address, and is answered; at no exit that is
 * not declared for it; and nowhere once none is alive. Every declared exit is among them.
 */
export const failoverLeavesAtTakenExit: Obligation = (of, fail) => {
  const { trace } = of;
  if (trace.failovers.length === 0) return;
  const kinds = new Set(of.kinds);
  for (const source of [...of.sources, ...labelsOf(trace)]) {
    const told = (message: string): void => {
      fail({ code: "proof-failover", node: source.node, client: source.client, message });
    };
    const declared = declaredFor(trace, source);
    const reached = new Set<string>();
    for (const one of trace.states(source, somewhere)) {
      const expected = expectedExit(one);
      if (expected !== undefined) reached.add(expected);
      if (!leavesAs(one, source, expected)) {
        const should = expected === undefined ? "reach nothing" : `leave at ${expected} and be answered`;
        told(`${stateText(trace, one.state)} ${shown(source)} should ${should}; ${story(one.world, lostOf(one))}`);
      } else if (expected !== undefined && kinds.has(source)) {
        closesWithoutTunnels(of, source, one, told);
        fits(of, source, one, told);
      }
    }
    if (reached.size === 0) continue;
    const missing = declared.filter((exit) => !reached.has(exit));
    const more = [...reached].filter((exit) => !declared.includes(exit));
    if (missing.length > 0) told(`${shown(source)} is declared for ${missing.join(", ")}, too, but no state leads there`);
    if (more.length > 0) told(`${shown(source)} is not declared for ${more.join(", ")}, but there is a state that leads there`);
  }
};

/** What measures an exit goes the way of those who would leave there, whichever is taken. */
export const failoverMeasuresItsExits: Obligation = ({ trace }, fail) => {
  for (const failover of trace.failovers) {
    for (const taken of [...failover.choices.keys(), "closed"] as const) {
      const world = trace.inState(new Map([[failoverKey(failover), taken]]));
      const host = world.hosts.get(failover.node);
      if (host === undefined) continue;
      for (const { exit, table, source, line } of failover.choices) {
        const { there, back } = walkBoth(world, { ...packetTo(source, somewhere), mark: table }, { host, iif: "lo" });
        const { end, at } = there.verdict;
        const left = end === "left" && at === exit && there.packet.source === world.hosts.get(exit)?.publicAddress;
        if (left && back?.verdict.end === "delivered" && back.verdict.at === failover.node) continue;
        const lost = left && back !== undefined ? back : there;
        const message = `what measures ${exit} from ${failover.node} should leave at ${exit} and be answered${taken === 0 ? "" : " whichever exit is taken"}; ${story(world, lost)}; ${formatLine(line)}`;
        fail({ code: "proof-probe", node: failover.node, client: null, message });
      }
    }
  }
};

/** The last that decided on its way says where; undefined: nowhere. */
function expectedExit({ state, met }: InState): string | undefined {
  if (met.some((one) => state.get(failoverKey(one)) === "closed")) return undefined;
  const [last] = met.slice(-1);
  const taken = last === undefined ? undefined : state.get(failoverKey(last));
  return typeof taken === "number" ? last?.choices[taken]?.exit : undefined;
}

function leavesAs({ trip, world }: InState, source: EntrySource, exit: string | undefined): boolean {
  const { verdict, packet } = trip.there;
  if (exit === undefined) return verdict.end !== "left" && verdict.end !== "delivered";
  return (
    verdict.end === "left" &&
    verdict.at === exit &&
    packet.source === world.hosts.get(exit)?.publicAddress &&
    isAnswered(source, trip)
  );
}

/** A client by itself; what stands for others, as far as the interface that it came in by. */
const isAnswered = ({ client, node, interface: one }: EntrySource, { back }: RoundTrip): boolean =>
  client === null ? back?.hops.some(({ at, oif }) => at === node && oif === one) === true : back?.verdict.end === "delivered";

const lostOf = ({ trip: { there, back } }: InState): Walked =>
  there.verdict.end === "left" && back !== undefined ? back : there;

/** With a tunnel of the way down it reaches nothing until what measures has seen it. */
function closesWithoutTunnels({ trace }: Case, source: EntrySource, one: InState, told: (message: string) => void): void {
  for (const { at, oif } of one.trip.there.hops) {
    const joint = trace.joints.find(({ ends }) => ends.includes(`${at}/${oif ?? ""}`));
    for (const end of joint?.ends ?? []) {
      const world = trace.inState(one.state, [end]);
      const { there } = trace.roundTrip(source, somewhere, world);
      if (there.verdict.end !== "left") continue;
      told(`${stateText(trace, one.state)} and with ${end} down ${shown(source)} should reach nothing; ${story(world, there)}`);
    }
  }
}

function fits({ trace }: Case, source: EntrySource, one: InState, told: (message: string) => void): void {
  const client = source.client === null ? undefined : trace.world.clients.get(source.client);
  const carried = mtuOf(one.trip.there, one.trip.back);
  if (client === undefined || client.wired.mtuBytes <= carried) return;
  told(`${stateText(trace, one.state)} ${shown(source)} has MTU ${client.wired.mtuBytes}, but its way carries ${carried} bytes`);
}

function declaredFor({ stack }: NetworkTrace, source: EntrySource): readonly string[] {
  const one = stack.wiring.declared.find(
    (declared) => declared.node === source.node && declared.interface === source.interface && holds(declared.source, source),
  );
  return one === undefined ? [] : [one.exit, ...(one.others ?? [])];
}

function holds(prefix: string, { ip }: EntrySource): boolean {
  const { base, length } = parsePrefix(prefix);
  return ip >= base && ip < base + 2 ** (32 - length);
}

/** Labels with several exits, as they come to the host that decides: also those that no client has at the moment. */
function labelsOf({ stack, joints }: NetworkTrace): EntrySource[] {
  const tunnels = new Set(joints.flatMap(({ ends }) => ends));
  return stack.wiring.declared
    .filter(({ node, interface: one, others }) => others !== undefined && tunnels.has(`${node}/${one}`))
    .map(({ node, interface: one, source }) => ({
      client: null,
      address: source,
      ip: parsePrefix(source).base,
      node,
      interface: one,
    }));
}

function stateText(trace: NetworkTrace, state: FailoverState): string {
  const told = [...state].map(([key, taken]) => {
    const failover = trace.failoverOf(key);
    return `${failover?.node ?? ""} ${failover === undefined ? "" : takes(failover, taken)}`;
  });
  return `while ${told.join(" and ")}`;
}

const takes = ({ choices }: Failover, taken: number | "closed"): string =>
  taken === "closed"
    ? `finds none of ${choices.map(({ exit }) => exit).join(", ")} alive`
    : `sends to ${choices[taken]?.exit ?? ""} by ${choices[taken]?.interface ?? ""}`;
