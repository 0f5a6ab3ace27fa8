import { messageOf } from "../app/error";
import type { Colours } from "./colour";
import { exitStatus } from "./exit-status";
import { hostReport, repairHost, type HostReport } from "./host-report";
import { Output, type OutputOptions } from "./output";
import { askAll } from "./parallel";
import { answered, ask, complain, type Asked } from "./status";

export interface DoctorOptions extends OutputOptions {
  readonly app: string;
  readonly repair?: boolean;
}

/** WireGuard and logs want clocks that agree; this is no hair-splitting but a clock that runs free. */
const clockLimitSeconds = 30;

type Found = Asked<HostReport>;
type Answered = Extract<Found, { readonly found: HostReport }>;

interface Repaired {
  readonly node: string;
  readonly done: readonly string[];
  readonly error?: string;
}

const isAnswered = (one: Found): one is Answered => !("error" in one);

/** Looks for what differs from what was deployed, and for what would break it; mends the former where asked to. Returns the exit status. */
export async function doctor(names: readonly string[], options: DoctorOptions): Promise<number> {
  const out = Output.of(options);
  const look = { app: options.app, names };
  const { knownHosts, asked } = await ask(look, out, (target, file) => hostReport(target, file, "doctor"));
  const differing = options.repair === true ? asked.filter(isAnswered).filter(({ found }) => found.drift.length > 0) : [];
  const repaired = await repair(differing, knownHosts, out);
  const found = await lookAgain(asked, differing, knownHosts, out);
  const nodes = found.map((one) =>
    isAnswered(one) ? { node: one.node, healthy: healthy(one.found), problems: problemsOf(one.found), report: one.found } : one,
  );
  out.result({ nodes, ...(options.repair === true ? { repaired } : {}) }, () =>
    found
      .filter(isAnswered)
      .map((one) => textOf(one, out.colours))
      .join(""),
  );
  complain(found, out);
  const ill = found.filter((one) => isAnswered(one) && !healthy(one.found)).length;
  const healthyCount = found.filter((one) => isAnswered(one) && healthy(one.found)).length;
  out.summary(`${answered(found)}: ${healthyCount} healthy, ${ill} with something to mend`);
  if (!found.every(isAnswered)) return exitStatus.failed;
  return ill === 0 ? exitStatus.done : exitStatus.found;
}

async function repair(differing: readonly Answered[], knownHosts: string, out: Output): Promise<readonly Repaired[]> {
  for (const one of differing) for (const line of textOf(one, out.colours).trimEnd().split("\n")) out.done(line);
  const hosts = differing.map((one) => ({ ...one, name: one.node }));
  const work = async ({ node, target }: Answered): Promise<Repaired> => {
    try {
      return { node, done: await repairHost(target, knownHosts) };
    } catch (error) {
      return { node, done: [], error: messageOf(error) };
    }
  };
  const repaired = await askAll(out, hosts, work, { name: "repair", verb: "repairing" });
  for (const { node, done, error } of repaired) {
    if (error !== undefined) out.error(`${node}: ${error}`);
    for (const line of done) out.done(`${node}: repair: ${line}`);
  }
  return repaired;
}

/** Who was repaired may be healthy now. */
async function lookAgain(
  asked: readonly Found[],
  differing: readonly Answered[],
  knownHosts: string,
  out: Output,
): Promise<readonly Found[]> {
  const hosts = differing.map((one) => ({ ...one, name: one.node }));
  const work = async ({ node, target }: Answered): Promise<Found> => {
    try {
      return { node, target, found: await hostReport(target, knownHosts, "doctor") };
    } catch (error) {
      return { node, error: messageOf(error) };
    }
  };
  const again = await askAll(out, hosts, work, { name: "again", verb: "asking" });
  return asked.map((one) => again.find(({ node }) => node === one.node) ?? one);
}

const healthy = (report: HostReport): boolean => report.drift.length === 0 && problemsOf(report).length === 0;

function problemsOf(report: HostReport): HostReport["problems"] {
  const ahead = report.clockAheadSeconds;
  if (Math.abs(ahead) <= clockLimitSeconds) return report.problems;
  const message = `its clock is ${Math.abs(ahead)} s ${ahead > 0 ? "ahead of" : "behind"} this machine's; a clock that is set back after a restart keeps WireGuard from shaking hands: set it, and let it be kept (timedatectl set-ntp true)`;
  return [...report.problems, { code: "clock", message }];
}

function textOf(one: Answered, { bold, green, yellow }: Colours): string {
  const { drift } = one.found;
  const problems = problemsOf(one.found);
  if (healthy(one.found)) return `${bold(one.node)}: ${green("ok")}\n`;
  const counts = [
    ...(drift.length > 0 ? [`differs from what was deployed in ${drift.length}`] : []),
    ...(problems.length > 0 ? [`${problems.length} problem${problems.length === 1 ? "" : "s"}`] : []),
  ];
  const lines = [
    `${bold(one.node)}: ${yellow(counts.join(", "))}`,
    ...drift.map((text) => `  differs, would be mended by: ${text}`),
    ...(drift.length > 0 ? [`  mend: wgchain doctor --repair ${one.node}`] : []),
    ...problems.map(({ code, message }) => `  ${yellow(code)}: ${message}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
