import type { Sight } from "./capture";

/** One host that a packet was seen at. */
export interface SeenHop {
  readonly at: string;
  /** "lo": the host sent it itself. Names are the trace's. */
  readonly iif: string;
  readonly oif?: string;
  /** As it left the host, else as it came. */
  readonly source: string;
  readonly destination: string;
}

export interface SeenWay {
  readonly hops: readonly SeenHop[];
  /** How it came to the internet: from which node's uplink, with which source address. */
  readonly left?: { readonly by: string; readonly source: string };
}

export interface SeenError {
  /** Who sent it, from which address, and what it says. */
  readonly at: string;
  readonly source: string;
  readonly says: string;
  /** Whether it came to the sender. */
  readonly arrived: boolean;
}

export interface Observation {
  readonly there: SeenWay;
  readonly error?: SeenError;
  readonly back: SeenWay;
}

const deviceNames: Readonly<Record<string, string>> = { eth0: "(uplink)", priv0: "(private link)", wg0: "wg" };
const nameOf = (device: string): string => deviceNames[device] ?? device;
const internet = "internet";

export function observe(sights: readonly Sight[], sender: string): Observation {
  const errors = sights.filter(({ kind }) => kind === "error");
  const first = errors.find(({ out }) => out);
  // What the internet has no way for is not the network's affair.
  const said = first?.host === internet ? undefined : first;
  return {
    there: wayOf(sights.filter(({ kind }) => kind === "request")),
    ...(said === undefined
      ? {}
      : {
          error: {
            at: said.host,
            source: said.source,
            says: said.says ?? "",
            arrived: errors.some(({ host, out }) => host === sender && !out),
          },
        }),
    back: wayOf(sights.filter(({ kind }) => kind === "reply")),
  };
}

function wayOf(sights: readonly Sight[]): SeenWay {
  const hops: SeenHop[] = [];
  let left: SeenWay["left"];
  for (const { host, device, out, source, destination } of sights) {
    const ends = { source, destination };
    if (host === internet) {
      if (!out) left = { by: device.replace(/^to-/, ""), source };
      // On its way from node to node.
      else left = undefined;
      continue;
    }
    const open = hops.at(-1);
    if (!out) hops.push({ at: host, iif: nameOf(device), ...ends });
    else if (open?.at === host && open.oif === undefined) hops[hops.length - 1] = { ...open, oif: nameOf(device), ...ends };
    else hops.push({ at: host, iif: "lo", oif: nameOf(device), ...ends });
  }
  return { hops, ...(left === undefined ? {} : { left }) };
}
