import { watch, type Lab } from "../lab";
import { innerNetworks, sources, targetNetwork } from "./reference";

/*
 * A leak (design.md) is an un-encapsulated packet on an uplink that has an inner address, or that goes to a client's destination from a host
 * which is not its exit. All uplinks end in the internet host, so one tcpdump there sees every packet that any host puts on its uplink,
 * whatever becomes of the host meanwhile; the private line between sz and hk has a tcpdump of its own.
 */
const inner = innerNetworks.map((network) => `net ${network}`).join(" or ");
/** The internet host's end of an uplink is named after its host. */
const uplink = /^to-(sz|hk|gcp|hkt)$/;

const line = /^\S+ (\S+) +\S+ +IP (\S+?) > (\S+?):/;
/** Undefined: it may be there. */
function leakOf(text: string): string | undefined {
  const [, device = "", from = "", to = ""] = line.exec(text) ?? [];
  const host = uplink.exec(device)?.[1];
  // a person's own machine, whose interface the lab takes down and up
  if (host === undefined) return undefined;
  if ([from, to].some((address) => /^10\.(66|77)\./.test(address))) return `${host}: ${from} > ${to}`;
  const target = to.split(".").slice(0, 4).join(".");
  const source = sources.find((one) => one.target === target);
  const exits: readonly string[] = source?.exits ?? ["gcp", "hkt"];
  return exits.includes(host) ? undefined : `${host}: ${from} > ${to}`;
}

export interface Watched<T> {
  readonly result: T;
  /** A line a packet. */
  readonly leaks: readonly string[];
}

/** Watches all uplinks of all hosts, and the private line, while `action` runs; it must not throw, or what was seen is lost. */
export async function watchWires<T>(lab: Lab, action: () => Promise<T>): Promise<Watched<T>> {
  const everywhere = `(${inner}) or (inbound and dst net ${targetNetwork})`;
  const uplinks = await watch(lab.host("internet"), { device: "any", filter: everywhere }, () =>
    watch(lab.host("sz"), { device: "priv0", filter: `${inner} or net ${targetNetwork}` }, action),
  );
  const { result, packets } = uplinks.result;
  const onUplinks = uplinks.packets.flatMap((packet) => leakOf(packet) ?? []);
  return { result, leaks: [...onUplinks, ...packets.map((packet) => `private line: ${packet.replace(/^\S+ IP /, "")}`)] };
}
