import type { ChildProcess } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import type { Host } from "./host";
import { readPacket, type Seen } from "./packet";

/** A packet of ours at one device of one host: coming in or going out. */
export interface Sight extends Seen {
  readonly host: string;
  readonly device: string;
  readonly out: boolean;
  /** Nanoseconds; all hosts have one clock. */
  readonly time: bigint;
}

/** Ports of ours, which no WireGuard uses. */
export const firstPort = 20_000;
export const lastPort = 31_999;
const filter = `icmp or ((udp or tcp) and portrange ${firstPort}-${lastPort})`;
const outgoing = 4;

/** tcpdump on all devices of all hosts, read as it comes; its processes end with their hosts. */
export class Capture {
  private readonly byKey = new Map<string, Sight[]>();
  private last = Date.now();

  static async start(hosts: readonly Host[]): Promise<Capture> {
    const capture = new Capture();
    await Promise.all(hosts.map((host) => capture.watch(host)));
    return capture;
  }

  /** Of one packet and what answers it, in the order of time. */
  sights(key: string): readonly Sight[] {
    return (this.byKey.get(key) ?? []).sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }

  /** Until nothing has been seen anywhere for so long. */
  async quiet(milliseconds: number): Promise<void> {
    this.last = Date.now();
    const end = this.last + 3000;
    while (Date.now() - this.last < milliseconds && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  private async watch(host: Host): Promise<void> {
    const options = ["-i", "any", "-y", "LINUX_SLL2", "-n", "-s", "160", "-U", "--immediate-mode", "--time-stamp-precision=nano"];
    const child = host.spawn(["tcpdump", ...options, "-w", "-", filter], ["ignore", "pipe", "pipe"]);
    const devices = devicesOf(host);
    let rest = Buffer.alloc(0);
    child.stdout?.on("data", (data: Buffer) => {
      rest = this.read(host.name, devices, Buffer.concat([rest, data]));
      this.last = Date.now();
    });
    await listening(host.name, child);
  }

  /** Returns what is not whole yet. A pcap file: a header of 24 bytes, then records; "cooked" ones, since tunnels have no Ethernet. */
  private read(host: string, devices: ReadonlyMap<number, string>, data: Buffer): Buffer<ArrayBuffer> {
    let at = data.length >= 4 && data.readUInt32LE(0) === 0xa1b23c4d ? 24 : 0;
    while (at + 16 <= data.length) {
      const length = data.readUInt32LE(at + 8);
      const end = at + 16 + length;
      if (end > data.length) break;
      const time = BigInt(data.readUInt32LE(at)) * 1_000_000_000n + BigInt(data.readUInt32LE(at + 4));
      const record = data.subarray(at + 16, end);
      at = end;
      const seen = readPacket(record.subarray(20));
      const device = devices.get(record.readUInt32BE(4));
      // What a host says to itself goes nowhere.
      if (seen === undefined || device === undefined || device === "lo") continue;
      const sight = { ...seen, host, device, out: record.readUInt8(10) === outgoing, time };
      this.byKey.set(seen.key, [...(this.byKey.get(seen.key) ?? []), sight]);
    }
    return Buffer.from(data.subarray(at));
  }
}

function devicesOf(host: Host): Map<number, string> {
  const directory = host.path("/sys/class/net");
  return new Map(readdirSync(directory).map((name) => [Number(readFileSync(`${directory}/${name}/ifindex`, "utf8")), name]));
}

async function listening(name: string, child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let text = "";
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`tcpdump in ${name} ended with ${String(code)}: ${text.trim()}`)));
    child.stderr?.on("data", (data: Buffer) => {
      text += data.toString();
      if (text.includes("listening on")) resolve();
    });
  });
}
