import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Host } from "./host";
import { LabError } from "./run";

export interface WatchOptions {
  /** "any" for all. @default the host's uplink, eth0 or ens4 */
  readonly device?: string;
  /** A pcap filter, e.g. "net 10.66.0.0/16". */
  readonly filter: string;
}

/** Once tcpdump has shown this it has shown all before it: a ping to a group that nobody is in, which no router passes on. */
const markerGroup = "224.0.0.119";
const isMarker = (line: string): boolean => line.includes(` > ${markerGroup}: ICMP echo request`);

/**
 * Packets on a host's device while `action` runs, one tcpdump line each. It begins when tcpdump listens, and ends when a packet sent after
 * the action has been seen, so that none is missed.
 */
export async function watch<T>(
  host: Host,
  options: WatchOptions,
  action: () => Promise<T>,
): Promise<{ result: T; packets: string[] }> {
  const device = options.device ?? (await uplinkDevice(host));
  const filter = `(${options.filter}) or (icmp and dst host ${markerGroup})`;
  // ends with its standard input, so that it never outlives us
  const script = 'tcpdump --immediate-mode -l -nn -i "$0" "$1" & pid=$!; read -r _; kill -TERM "$pid"; wait "$pid"';
  const [file = "", ...args] = host.command(["bash", "-c", script, device, filter]);
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
  const exited = once(child, "exit");
  let out = "";
  let err = "";
  const seen = (test: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new LabError(`tcpdump on ${host.name} ${device}: no word within 10 seconds\n${err}`)),
        10_000,
      );
      const look = (): void => {
        if (!test()) return;
        clearTimeout(timer);
        child.stdout.off("data", look);
        child.stderr.off("data", look);
        resolve();
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      void exited.then(() => {
        clearTimeout(timer);
        reject(new LabError(`tcpdump on ${host.name} ${device} ended: ${err}`));
      });
      look();
    });
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  try {
    await seen(() => err.includes("listening on"));
    const result = await action();
    const before = out.split("\n").filter(isMarker).length;
    await host.exec(["ping", "-c1", "-W0.05", "-q", "-I", device === "any" ? "lo" : device, markerGroup], { check: false });
    await seen(() => out.split("\n").filter(isMarker).length > before);
    return { result, packets: out.split("\n").filter((line) => line !== "" && !isMarker(line)) };
  } finally {
    child.stdin.end("\n");
    if (child.exitCode === null) await exited;
  }
}

async function uplinkDevice(host: Host): Promise<string> {
  const { stdout } = await host.exec(["ip", "-json", "route", "show", "default", "table", "main"]);
  const [route] = JSON.parse(stdout) as { dev: string }[];
  if (route === undefined) throw new LabError(`host ${host.name} has no uplink; name a device`);
  return route.dev;
}

/** Counters of the host's network namespace as the kernel names them, e.g. counters["Ip.FragCreates"]. */
export async function counters(host: Host): Promise<Record<string, number>> {
  const { stdout } = await host.exec(["cat", "/proc/net/snmp"]);
  const lines = stdout.trim().split("\n");
  const values: Record<string, number> = {};
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const names = lines[i]?.split(/:? /) ?? [];
    const numbers = lines[i + 1]?.split(/:? /) ?? [];
    for (let column = 1; column < names.length; column += 1) values[`${names[0]}.${names[column]}`] = Number(numbers[column]);
  }
  return values;
}
