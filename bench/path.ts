import { counters, type Host } from "../lab";
import { median } from "./part";

/** A way to the internet host, from where it begins. */
export interface Path {
  readonly name: "ours" | "hand" | "one" | "plain";
  readonly from: Host;
  readonly source: string;
  /** The largest packet that leaves from there. */
  readonly mtuBytes: number;
  /** All that a packet passes, both ends with them. */
  readonly hosts: readonly Host[];
  readonly to: Host;
  /** Where iperf3 is asked there. */
  port: number;
}

export const target = "192.0.2.1";

/** Mbit/s that arrived. */
export async function tcp(path: Path, seconds: number, streams: number, way: "up" | "down"): Promise<number> {
  const words = ["--bind", path.source, "--time", String(seconds), "--parallel", String(streams), "--json"];
  for (let tries = 1; ; tries += 1) {
    // A server for this one run: one that still clears up after the last turns its next client away.
    const argv = ["iperf3", "--client", target, "--port", String(path.port), ...words, ...(way === "down" ? ["--reverse"] : [])];
    // The next server of somebody who downloads and uploads has not learned the way's MTU from the last one.
    await path.to.sh(`ip route flush cache; iperf3 --server --one-off --daemon --port ${path.port}`);
    const { stdout } = await path.from.exec(argv, { timeoutMs: (seconds + 20) * 1000, check: false });
    const { end, error } = JSON.parse(stdout) as { end: { sum_received?: { bits_per_second: number } }; error?: string };
    if (end.sum_received !== undefined) return end.sum_received.bits_per_second / 1e6;
    if (tries === 3) throw new Error(`${path.name}, ${way}: iperf3: ${error ?? stdout}`);
    path.port += 1;
  }
}

const ping = ({ from, source }: Path, packetBytes: number, words: readonly string[]): Promise<{ stdout: string }> =>
  from.exec(["ping", "-n", "-I", source, "-s", String(packetBytes - 28), ...words, target], { timeoutMs: 60_000, check: false });

/** Echoes a second with 32 packets under way: as fast as they come back, so that nothing is lost as under a flood. */
export async function echoes(path: Path, packetBytes: number, count: number): Promise<number> {
  const { stdout } = await ping(path, packetBytes, ["-f", "-q", "-l", "32", "-c", String(count)]);
  const [, received = NaN, milliseconds = NaN] = (/, (\d+) received.*time (\d+)ms/.exec(stdout) ?? []).map(Number);
  if (!(received > count * 0.9)) throw new Error(`${path.name}: of ${count} pings of ${packetBytes} bytes\n${stdout}`);
  return received / (milliseconds / 1000);
}

/** Milliseconds there and back, one packet under way at a time: the median, and what 99 of 100 stay under. */
export async function latency(path: Path, packetBytes: number, count: number): Promise<{ median: number; p99: number }> {
  const { stdout } = await ping(path, packetBytes, ["-A", "-c", String(count)]);
  const times = [...stdout.matchAll(/ time=([0-9.]+) ms/g)].map(([, time]) => Number(time)).sort((a, b) => a - b);
  if (times.length < count * 0.9)
    throw new Error(`${path.name}: ${times.length} of ${count} pings of ${packetBytes} bytes answered`);
  return { median: median(times), p99: times[Math.ceil(times.length * 0.99) - 1] ?? NaN };
}

/** IP fragments made and taken in by all its hosts. */
export async function fragments({ hosts }: Path): Promise<number> {
  const each = await Promise.all(hosts.map(counters));
  return each.reduce((sum, values) => sum + (values["Ip.FragCreates"] ?? NaN) + (values["Ip.ReasmReqds"] ?? NaN), 0);
}

export async function mtuOf(host: Host, device: string): Promise<number> {
  return Number((await host.sh(`cat /sys/class/net/${device}/mtu`)).stdout);
}
