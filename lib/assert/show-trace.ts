import { columns } from "../columns";
import { uplink } from "../trace/host";
import type { Trace, TraceHop, TraceVerdict } from "../trace/trace";

export const hopHead: readonly string[] = ["HOST", "IN", "OUT", "ANSWERS AS", "SOURCE", "DESTINATION", "MTU"];

/** A table of its hops; with `why`, the lines of configuration that decided under each. */
export function hopLines({ hops }: Pick<Trace, "hops">, why = false): string[] {
  const rows = [["", ...hopHead], ...hops.map((hop, index) => [String(index + 1), ...hopRow(hop)])];
  return columns(rows).flatMap((line, index) => {
    const reasons = index === 0 || !why ? [] : (hops[index - 1]?.lines ?? []);
    return [line.trimEnd(), ...reasons.map((reason) => `      ${reason}`)];
  });
}

export function hopRow({ at, iif, oif = "", answers = "", source, destination, mtuBytes, fragments }: TraceHop): string[] {
  const cut = fragments === true ? " (cut into fragments)" : "";
  return [at, iif, oif, answers, source, destination, `${mtuBytes ?? ""}${cut}`];
}

/** It comes where it should, and the answer to whoever sent it: to the world, where it came from there. */
export function isAnswered({ hops, reply }: Trace): boolean {
  const end = reply?.verdict.end;
  return end === "delivered" || (end === "left" && hops[0]?.iif === uplink);
}

/** How it ended, and the line that decided it where it ended badly. */
export function endLines(trace: Trace): string[] {
  const { verdict, reply, mtuBytes } = trace;
  const { answers, lost } = verdict;
  const told = [
    ...(answers === undefined ? [] : [`  the sender is told by ${answers}`]),
    ...(lost === undefined ? [] : [`  the sender is not told: the message is lost at ${lost.at} (${lost.why})`]),
  ];
  if (reply === undefined) return [...verdictLines("", verdict), ...told];
  if (!isAnswered(trace)) {
    return [...verdictLines("", verdict), ...verdictLines("the answer does not come back: ", reply.verdict)];
  }
  const [end = "", ...line] = verdictLines("", verdict);
  const size = Number.isFinite(mtuBytes) ? `; largest packet ${mtuBytes} bytes` : "";
  return [`${end}; the answer comes back by ${reply.hops.map(({ at }) => at).join(" > ")}${size}`, ...line];
}

function verdictLines(before: string, verdict: TraceVerdict): string[] {
  const { end, at, address = "", why, line } = verdict;
  if (end === "left") return [`${before}leaves at ${at} as ${address}`];
  return [`${before}${end} at ${at}: ${why}`, ...(line === undefined || end === "delivered" ? [] : [`  ${line}`])];
}

/** All of it in one line. */
export function traceLine(trace: Trace): string {
  const way = trace.hops.map(({ at, oif, source }) => `${at}${oif === undefined ? "" : ` by ${oif} as ${source}`}`);
  return `${way.join(", ")}: ${endLines(trace)
    .map((line) => line.trim())
    .join("; ")}`;
}
