import type { Host } from "./host";
import { internetAddress } from "./plan";
import { traceroute } from "./probe";
import type { Probe, ScenarioLab } from "./scenario";
import { watch } from "./watch";

export interface ProbeResult {
  readonly name: string;
  /** Undefined: it is as it must be. */
  readonly problem?: string;
}

/** One after the other: each says what stands on the wires while it runs. */
export async function runProbes(probes: readonly Probe[], lab: ScenarioLab, stopAtFirst = false): Promise<ProbeResult[]> {
  const results: ProbeResult[] = [];
  for (const probe of probes) {
    let problem: string | undefined;
    try {
      problem = await probe.run(lab);
    } catch (error) {
      problem = `it could not be tried: ${(error as Error).message}`;
    }
    results.push({ name: probe.name, ...(problem === undefined ? {} : { problem }) });
    if (stopAtFirst && problem !== undefined) break;
  }
  return results;
}

/** How a packet asks: an echo request, HTTP on a TCP port, or an echo on a UDP port. */
export type Way = "ping" | { readonly tcp: number } | { readonly udp: number };

const words = (way: Way): string => (way === "ping" ? "ping" : "tcp" in way ? `TCP port ${way.tcp}` : `UDP port ${way.udp}`);

export interface AskOptions {
  /** Address to send from. @default the kernel's choice */
  readonly source?: string;
  /** How often it may be asked until a chain has shaken hands. @default 15 seconds */
  readonly withinSeconds?: number;
}

/** What came back: text for TCP (the caller's address as the other end sees it) and UDP, "" for a ping; undefined: nothing. */
async function ask(host: Host, target: string, way: Way, source?: string): Promise<string | undefined> {
  if (source !== undefined && typeof way === "object" && "udp" in way) throw new Error("a UDP probe cannot choose its source");
  const from = (option: string): string[] => (source === undefined ? [] : [option, source]);
  const argv =
    way === "ping"
      ? ["ping", "-c1", "-W2", "-q", ...from("-I"), target]
      : "tcp" in way
        ? ["curl", "--silent", "--max-time", "2", ...from("--interface"), `http://${target}:${way.tcp}/`]
        : ["bash", "-c", udpEcho, "udp", target, String(way.udp)];
  const { status, stdout } = await host.exec(argv, { check: false, timeoutMs: 5000 });
  if (status !== 0 || (typeof way === "object" && "udp" in way && stdout.trim() !== "wgchain")) return undefined;
  return way === "ping" ? "" : stdout.trim();
}

// A datagram is read at once or lost, so not by bash's read.
const udpEcho = 'exec 3<>"/dev/udp/$1/$2"; echo wgchain >&3; timeout 2 dd bs=512 count=1 status=none <&3';

async function askUntil(
  host: Host,
  target: string,
  way: Way,
  { source, withinSeconds = 15 }: AskOptions,
): Promise<string | undefined> {
  const end = Date.now() + withinSeconds * 1000;
  for (;;) {
    const answer = await ask(host, target, way, source);
    if (answer !== undefined || Date.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Somebody answers. */
export function answers(from: string, target: string, way: Way = "ping", options: AskOptions = {}): Probe {
  return {
    name: `${from} gets an answer from ${target} (${words(way)}${options.source === undefined ? "" : `, sent from ${options.source}`})`,
    run: async (lab) => ((await askUntil(lab.host(from), target, way, options)) === undefined ? "no answer" : undefined),
  };
}

/** Nobody answers: tried three times. */
export function silent(from: string, target: string, way: Way = "ping", { source }: Pick<AskOptions, "source"> = {}): Probe {
  return {
    name: `${from} gets no answer from ${target} (${words(way)}${source === undefined ? "" : `, sent from ${source}`})`,
    run: async (lab) => {
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const answer = await ask(lab.host(from), target, way, source);
        if (answer !== undefined) return `it answers${answer === "" ? "" : `: ${answer}`}`;
      }
      return undefined;
    },
  };
}

export interface CallerOptions extends AskOptions {
  /** @default 192.0.2.1, the lab's internet host */
  readonly target?: string;
  /** TCP port. @default 80 */
  readonly port?: number;
}

/** Whom the other end sees calling. */
export function callerIs(from: string, expected: string, options: CallerOptions = {}): Probe {
  const { target = internetAddress, port = 80, ...rest } = options;
  const by = rest.source === undefined ? from : `${from}, from ${rest.source},`;
  return {
    name: `${by} is seen as ${expected} at ${target}${port === 80 ? "" : `:${port}`}`,
    run: async (lab) => {
      const seen = await askUntil(lab.host(from), target, { tcp: port }, rest);
      return seen === expected ? undefined : `seen as ${seen ?? "nobody: no answer"}`;
    },
  };
}

/** Which way packets take: addresses of the hops, the target's last. */
export function traceIs(from: string, source: string, hops: readonly string[], target = internetAddress): Probe {
  return {
    name: `${from} reaches ${target} from ${source} by ${hops.join(" > ")}`,
    run: async (lab) => {
      await askUntil(lab.host(from), target, "ping", { source });
      const seen = await traceroute(lab.host(from), source, hops.length + 2, target);
      return seen.join() === hops.join() ? undefined : `by ${seen.join(" > ") || "nothing"}`;
    },
  };
}

/** No packet that the pcap filter names is on any wire of a host while something else is done. */
export function seesNothing(at: string, filter: string, during: Probe): Probe {
  return {
    name: `${at} sees nothing of '${filter}' while ${during.name}`,
    run: async (lab) => {
      const { packets, result } = await watch(lab.host(at), { device: "any", filter }, () => during.run(lab));
      if (result !== undefined) return `meanwhile: ${result}`;
      return packets.length === 0 ? undefined : `${packets.length} packets, the first: ${packets[0] ?? ""}`;
    },
  };
}
