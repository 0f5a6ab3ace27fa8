import type { Question } from "../lib/trace";
import { required, type Built } from "./build";
import { firstPort } from "./capture";

export interface Sent {
  readonly question: Question;
  /** As the capture names it. */
  readonly key: string;
  /** The host that sends it. */
  readonly sender: string;
}

const portsInAll = 12_000;
let count = 0;

/** Numbers come around again after 12,000 packets; a network has fewer. */
export function number({ protocol = "icmp", at }: Question): Pick<Sent, "key" | "sender"> {
  count = (count % (portsInAll - 1)) + 1;
  return { key: `${protocol} ${protocol === "icmp" ? count : firstPort + count}`, sender: at.includes("/") ? "internet" : at };
}

/** Each by a ping or traceroute of its own, side by side. */
export async function sendAll(built: Built, packets: readonly Sent[]): Promise<void> {
  const bySender = new Map<string, Sent[]>();
  for (const packet of packets) bySender.set(packet.sender, [...(bySender.get(packet.sender) ?? []), packet]);
  await Promise.all(
    [...bySender].map(async ([sender, list]) => {
      const host = required(
        built.hosts.find(({ name }) => name === sender),
        sender,
      );
      await host.must(`{ ${list.map((one) => `${commandOf(one)} &`).join("\n")}\nwait; } >/dev/null 2>&1`);
    }),
  );
}

function commandOf({ question, key }: Sent): string {
  const { at, source, destination, protocol = "icmp", sizeBytes = 84, ttl = 64, dontFragment = false } = question;
  const id = key.replace(/^\S+ /, "");
  if (protocol !== "icmp") {
    const kind = protocol === "udp" ? "-U" : "-T";
    return `traceroute -n -q 1 -w 0.2 -f ${ttl} -m ${ttl} ${kind} -p ${id} -s ${source} ${destination}`;
  }
  const fragment = dontFragment ? "do" : "dont";
  const from = at.includes("/") ? `to-${at.split("/")[0] ?? ""}` : source;
  return `ping -n -q -c 1 -W 0.2 -e ${id} -t ${ttl} -s ${sizeBytes - 28} -M ${fragment} -I ${from} ${destination}`;
}
