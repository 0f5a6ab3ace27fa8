import { messageOf } from "../app/error";
import { hostReport, repairHost, type HostReport } from "./host-report";
import { inParallel } from "./parallel";
import { ask, complain, type Asked } from "./status";

export interface DoctorOptions {
  readonly app: string;
  readonly repair?: boolean;
  readonly json?: boolean;
}

/** Exit statuses; 0 is healthy. */
const couldNotAsk = 1;
const notHealthy = 3;

/** WireGuard and logs want clocks that agree; this is no hair-splitting but a clock that runs free. */
const clockLimitSeconds = 30;

type Found = Asked<HostReport>;

/** Looks for what differs from what was deployed, and for what would break it; mends the former where asked to. Returns the exit status. */
export async function doctor(names: readonly string[], options: DoctorOptions): Promise<number> {
  const say = (text: string): void => void (options.json === true ? process.stderr : process.stdout).write(text);
  const look = { app: options.app, names };
  const { knownHosts, asked } = await ask(look, (target, file) => hostReport(target, file, "doctor"));
  let found = asked;
  const repaired: { node: string; done: readonly string[]; error?: string }[] = [];
  if (options.repair === true) {
    const differing = asked.filter((one) => !("error" in one) && one.found.drift.length > 0);
    for (const one of differing) if (!("error" in one)) say(textOf(one));
    const done = await inParallel(16, differing, async (one) => {
      if ("error" in one) return;
      try {
        repaired.push({ node: one.node, done: await repairHost(one.target, knownHosts) });
      } catch (error) {
        repaired.push({ node: one.node, done: [], error: messageOf(error) });
      }
    });
    for (const { node, done, error } of repaired) {
      if (error !== undefined) process.stderr.write(`error: ${node}: ${error}\n`);
      for (const line of done) say(`${node}: repair: ${line}\n`);
    }
    if (done.length > 0) {
      const again = await inParallel(16, asked, async (one): Promise<Found> => {
        if ("error" in one || !differing.includes(one)) return one;
        try {
          return { ...one, found: await hostReport(one.target, knownHosts, "doctor") };
        } catch (error) {
          return { node: one.node, error: messageOf(error) };
        }
      });
      found = again;
    }
  }
  if (options.json === true) {
    const nodes = found.map((one) =>
      "error" in one ? one : { node: one.node, healthy: healthy(one.found), problems: problemsOf(one.found), report: one.found },
    );
    process.stdout.write(`${JSON.stringify({ nodes, ...(options.repair === true ? { repaired } : {}) }, null, 2)}\n`);
  } else {
    for (const one of found) if (!("error" in one)) say(textOf(one));
  }
  complain(found);
  if (found.some((one) => "error" in one)) return couldNotAsk;
  return found.every((one) => "error" in one || healthy(one.found)) ? 0 : notHealthy;
}

const healthy = (report: HostReport): boolean => report.drift.length === 0 && problemsOf(report).length === 0;

function problemsOf(report: HostReport): HostReport["problems"] {
  const ahead = report.clockAheadSeconds;
  if (Math.abs(ahead) <= clockLimitSeconds) return report.problems;
  const message = `its clock is ${Math.abs(ahead)} s ${ahead > 0 ? "ahead of" : "behind"} this machine's; a clock that is set back after a restart keeps WireGuard from shaking hands: set it, and let it be kept (timedatectl set-ntp true)`;
  return [...report.problems, { code: "clock", message }];
}

function textOf(one: Found): string {
  if ("error" in one) return "";
  const { drift } = one.found;
  const problems = problemsOf(one.found);
  if (healthy(one.found)) return `${one.node}: ok\n`;
  const counts = [
    ...(drift.length > 0 ? [`differs from what was deployed in ${drift.length}`] : []),
    ...(problems.length > 0 ? [`${problems.length} problem${problems.length === 1 ? "" : "s"}`] : []),
  ];
  const lines = [
    `${one.node}: ${counts.join(", ")}`,
    ...drift.map((text) => `  differs, would be mended by: ${text}`),
    ...(drift.length > 0 ? [`  mend: wgchain doctor --repair ${one.node}`] : []),
    ...problems.map(({ code, message }) => `  ${code}: ${message}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
