import type { Trace, TraceHop, TraceVerdict } from "../lib/trace";
import { internetAddresses } from "./build";
import type { Observation, SeenHop, SeenWay } from "./observe";

/** What a trace says that was not seen so; undefined: nothing. */
export function difference(traced: Trace, seen: Observation): string | undefined {
  if (traced.verdict.end === "loop") return loopDifference(traced, seen);
  // Only the internet's own addresses answer there.
  const unanswered = traced.verdict.end === "left" && !internetAddresses.includes(traced.hops.at(-1)?.destination ?? "");
  return (
    wayDifference("there", traced.hops, traced.verdict, seen.there) ??
    errorDifference(traced, seen) ??
    (traced.reply === undefined || unanswered
      ? unexpected(seen.back)
      : wayDifference("back", traced.reply.hops, traced.reply.verdict, seen.back))
  );
}

/** Once a host sees a packet again, its conntrack may give it another ICMP id, and nobody knows it any more. */
function loopDifference({ hops, verdict }: Trace, { there }: Observation): string | undefined {
  const once = hops.slice(
    0,
    hops.findIndex(({ at }, index) => hops.slice(0, index).some((before) => before.at === at)),
  );
  if (once.every((hop, index) => sameHop(hop, there.hops[index], undefined))) return undefined;
  return `there: the trace says ${wayText(once)} and around (${verdict.why}); seen: ${wayText(there.hops)}`;
}

const unexpected = ({ hops }: SeenWay): string | undefined =>
  hops.length === 0 ? undefined : `back: the trace has no answer, seen was ${wayText(hops)}`;

function wayDifference(
  which: string,
  traced: readonly TraceHop[],
  verdict: TraceVerdict,
  { hops, left }: SeenWay,
): string | undefined {
  const says = `${which}: the trace says ${wayText(traced)}, ${verdict.end} at ${verdict.at} (${verdict.why})`;
  const tell = (what: string): string => `${says}; seen: ${what}`;
  const seen = `${wayText(hops)}${left === undefined ? "" : `, at the internet by ${left.by} from ${left.source}`}`;
  // Linux sends its answers without DF, so they go on in fragments where the trace's end.
  if (which === "back" && verdict.end === "too-big") return undefined;
  // What the sender's own kernel refuses is on no wire.
  if (hops.length === 0 && traced.length <= 1 && refusesItself(verdict) && left === undefined) return undefined;
  const last = traced.length - 1;
  const wrong = traced.findIndex((hop, index) => !sameHop(hop, hops[index], index === last ? verdict : undefined));
  if (wrong >= 0 || hops.length !== traced.length) return tell(seen);
  // An answer's sender is the internet; then it does not end there.
  if (verdict.end === "left") {
    return left?.by === verdict.at && left.source === verdict.address ? undefined : tell(seen);
  }
  return left === undefined ? undefined : tell(seen);
}

const refusesItself = ({ end, why }: TraceVerdict): boolean =>
  end === "unreachable" ||
  end === "too-big" ||
  end === "delivered" ||
  why.startsWith("nftables") ||
  why.startsWith("the host has no address");

/** Of the last one, whether it still got to a device depends on how it ended. */
function sameHop(traced: TraceHop, seen: SeenHop | undefined, verdict: TraceVerdict | undefined): boolean {
  if (seen === undefined || traced.at !== seen.at || traced.iif !== seen.iif) return false;
  const stayed = verdict !== undefined && verdict.end !== "left" && seen.oif === undefined;
  if (stayed) return true;
  if (verdict?.why.startsWith("nftables") === true) return false;
  return traced.oif === seen.oif && traced.source === seen.source && traced.destination === seen.destination;
}

/**
 * What the host where it ended says of that, and from which address. The kernel says "unreachable" to one source about once a second (error_cost), so that
 * it was not said once proves nothing; `unsaid` asks for all of a source together.
 */
function errorDifference({ hops, verdict }: Trace, { error }: Observation): string | undefined {
  // Its own programs are told by the kernel, not by a packet.
  if (hops.length <= 1 && hops[0]?.iif === "lo") return error === undefined ? undefined : `error: seen ${JSON.stringify(error)}`;
  // Seen is what comes to the sender's device, not what its own nftables does with it then.
  if (verdict.lost !== undefined && verdict.lost.at === hops[0]?.at && error?.arrived === true) return undefined;
  const traced = verdict.answers === undefined ? "none" : `${verdict.at} from ${verdict.answers}: ${sayingOf(verdict)}`;
  // What did not come to the sender nobody is told.
  const arrived = error?.arrived === true ? error : undefined;
  const seen =
    arrived === undefined
      ? "none"
      : `${arrived.at} from ${arrived.source}: ${arrived.says.replace(/^unreachable \d+$/, "unreachable")}`;
  if (traced === seen || (arrived === undefined && verdict.end === "unreachable")) return undefined;
  const lost = error === arrived ? "" : `, lost on its way: ${error?.at ?? ""} from ${error?.source ?? ""}: ${error?.says ?? ""}`;
  return `error: the trace says ${traced} (${verdict.why}), seen: ${seen}${lost}`;
}

const sayingOf = ({ end, mtuBytes }: TraceVerdict): string => (end === "too-big" ? `too-big ${String(mtuBytes)}` : end);

interface Shown {
  readonly at: string;
  readonly iif: string;
  readonly oif?: string;
  readonly source: string;
}
const wayText = (hops: readonly Shown[]): string =>
  hops.length === 0 ? "nothing" : hops.map(({ at, iif, oif, source }) => `${at}[${iif}>${oif ?? "."} ${source}]`).join(" ");

/** Of what should have been called unreachable by a host to a source, those where it never was. */
export function unsaid(results: readonly { readonly traced: Trace; readonly seen: Observation }[]): Set<Trace> {
  const bySource = new Map<string, { traced: Trace; seen: Observation }[]>();
  for (const one of results) {
    const { verdict, hops } = one.traced;
    if (verdict.end !== "unreachable" || verdict.answers === undefined || hops.length <= 1) continue;
    const key = `${verdict.at} ${verdict.answers} ${hops.at(-1)?.source ?? ""}`;
    bySource.set(key, [...(bySource.get(key) ?? []), one]);
  }
  const silent = [...bySource.values()].filter((list) => list.every(({ seen }) => seen.error?.arrived !== true));
  return new Set(silent.flatMap((list) => list.map(({ traced }) => traced)));
}
