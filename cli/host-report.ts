import { CliError } from "../app/error";
import { parseFailovers, type ReportedFailover } from "./failover-report";
import { rootSession } from "./root-session";
import type { SshTarget } from "./ssh";

/** What a host says of itself: the lines of the verbs `report` and `doctor` of wgchain-host. */
export interface HostReport {
  /** Undefined: nothing is deployed. */
  readonly generation?: string;
  /** A deploy that is not confirmed; seconds until it is reverted, null where it is not. */
  readonly pending?: { readonly id: string; readonly seconds: number | null };
  readonly outcome?: string;
  /** Seconds since 1970, by the host. */
  readonly clock: number;
  /** How far it is ahead of this machine, seconds. */
  readonly clockAheadSeconds: number;
  readonly forwarding: boolean;
  readonly interfaces: readonly ReportedInterface[];
  /** Whom it measures, and which exits it takes. */
  readonly failovers: readonly ReportedFailover[];
  /** Table to routes. */
  readonly tables: Readonly<Record<string, readonly string[]>>;
  readonly rules: readonly string[];
  /** doctor's: what converging to what was deployed would do. */
  readonly drift: readonly string[];
  /** doctor's: what breaks it or would. */
  readonly problems: readonly { readonly code: string; readonly message: string }[];
}

export interface ReportedInterface {
  readonly name: string;
  readonly state: "up" | "down" | "missing";
  readonly mtuBytes: number | null;
  readonly port: number | null;
  readonly publicKey: string | null;
  readonly peers: readonly ReportedPeer[];
}

export interface ReportedPeer {
  readonly publicKey: string;
  /** As deployed; "(unknown)": nobody deployed it. */
  readonly name: string;
  readonly endpoint: string | null;
  /** Seconds since 1970 by the host's clock; null: never. */
  readonly handshake: number | null;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export const installed = "/usr/local/lib/wgchain/wgchain-host";

/** Asks a host, in one session. */
export async function hostReport(node: SshTarget, knownHosts: string, verb: "report" | "doctor"): Promise<HostReport> {
  let here = 0;
  const { lines, said, status } = await runInstalled(node, knownHosts, verb, (line) => {
    if (line.startsWith("clock\t")) here = Date.now() / 1000;
  });
  if (!lines.some((line) => line === "end")) {
    const older = said.some((line) => /unknown verb/.test(line));
    throw new CliError(
      older
        ? `its ${installed} is of an older version and has no '${verb}'; deploy to it first`
        : `'${verb}' ended with status ${status} before it was done${said.length === 0 ? "" : `: ${said.slice(-3).join("; ")}`}`,
    );
  }
  return parseReport(lines, here);
}

/** Runs `repair` on a host; what it said. */
export async function repairHost(node: SshTarget, knownHosts: string): Promise<readonly string[]> {
  const { lines, said, status } = await runInstalled(node, knownHosts, "repair");
  const all = [...lines, ...said];
  if (status !== 0) throw new CliError(`the repair failed: ${all.slice(-3).join("; ") || `status ${status}`}`);
  return all;
}

async function runInstalled(
  node: SshTarget,
  knownHosts: string,
  verb: string,
  onLine?: (line: string) => void,
): Promise<{ lines: string[]; said: string[]; status: number }> {
  const lines: string[] = [];
  const said: string[] = [];
  let absent = false;
  const program = `main() {\n  [ -x ${installed} ] || { echo wgchain-absent; exit 0; }\n  exec ${installed} ${verb} </dev/null\n}\nmain\n`;
  const status = await rootSession({
    node,
    knownHosts,
    program,
    onLine: (line) => {
      onLine?.(line);
      if (line === "wgchain-absent") absent = true;
      else if (line.includes("\t") || line === "end") lines.push(line);
      else if (line !== "") said.push(line);
    },
  });
  if (absent) throw new CliError(`wgchain is not deployed on it (no ${installed})`);
  return { lines, said, status };
}

/** `here`: the time by this machine when the host told its own. */
export function parseReport(lines: readonly string[], here: number): HostReport {
  const interfaces = new Map<string, Mutable<ReportedInterface> & { peers: ReportedPeer[] }>();
  const tables: Record<string, string[]> = {};
  const report = {
    clock: 0,
    clockAheadSeconds: 0,
    forwarding: false,
    tables,
    rules: [] as string[],
    drift: [] as string[],
    problems: [] as { code: string; message: string }[],
  };
  const more: { generation?: string; pending?: NonNullable<HostReport["pending"]>; outcome?: string } = {};
  const peers: (ReportedPeer & { on: string })[] = [];
  for (const line of lines) {
    const [kind = "", ...fields] = line.split("\t");
    const [first = "", second = "", third = "", fourth = "", fifth = "", sixth = "", seventh = ""] = fields;
    switch (kind) {
      case "version":
        if (first !== "1")
          throw new CliError(`its report has version ${first}, this command reads 1; use the wgchain that was deployed`);
        break;
      case "generation":
        more.generation = first;
        break;
      case "pending":
        more.pending = { id: first, seconds: numberOf(second) };
        break;
      case "outcome":
        more.outcome = first;
        break;
      case "clock":
        report.clock = Number(first);
        report.clockAheadSeconds = Math.round(Number(first) - here);
        break;
      case "forwarding":
        report.forwarding = first === "1";
        break;
      case "interface":
        interfaces.set(first, {
          name: first,
          state: second === "up" || second === "down" ? second : "missing",
          mtuBytes: numberOf(third),
          port: numberOf(fourth),
          publicKey: textOf(fifth),
          peers: [],
        });
        break;
      case "peer": {
        const handshake = Number(fifth);
        const name = third === "-" ? second : third;
        const bytes = { receivedBytes: Number(sixth), sentBytes: Number(seventh) };
        peers.push({ on: first, publicKey: second, name, endpoint: textOf(fourth), handshake: handshake || null, ...bytes });
        break;
      }
      case "table":
        (tables[first] ??= []).push(second);
        break;
      case "rule":
        report.rules.push(first);
        break;
      case "drift":
        report.drift.push(fields.join(" "));
        break;
      case "problem":
        report.problems.push({ code: first, message: second });
        break;
      default: // of a later version
    }
  }
  for (const { on, ...peer } of peers) interfaces.get(on)?.peers.push(peer);
  for (const one of interfaces.values()) one.peers.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const failovers = parseFailovers(lines.map((line) => line.split("\t")));
  return { ...more, ...report, failovers, interfaces: [...interfaces.values()] };
}

const textOf = (text: string): string | null => (text === "-" || text === "(none)" || text === "" ? null : text);
const numberOf = (text: string): number | null => (/^\d+$/.test(text) ? Number(text) : null);
