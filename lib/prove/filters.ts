import type { TraceHost } from "../trace/host";
import { parsePrefix, type Ip } from "../trace/ip";
import { formatLine } from "../trace/line";
import { somewhere } from "../trace/network";
import { runChain, type Chain, type Sight } from "../trace/nft";
import type { Packet } from "../trace/packet";
import { packetTo } from "../trace/trace";
import type { Obligation } from "./obligations";
import { arrivals, outsideOf, ownNetworks } from "./own";

/** Whether a chain of that hook drops it. */
export function drops(
  host: TraceHost,
  hook: string,
  sight: Pick<Sight, "packet" | "invalid"> & Partial<Pick<Sight, "iif" | "oif">>,
): boolean {
  const all: Sight = { iif: "lo", oif: "", flow: undefined, reply: false, fib: host, ...sight };
  const isFilter = ({ type }: Chain): boolean => type === "filter";
  return host.nft
    .chainsAt(hook)
    .filter(isFilter)
    .some((chain) => runChain(chain, all)?.verdict === "drop");
}

/** The nftables table closes by itself, too: nothing spoofed comes in, no inner address goes out, nothing invalid passes. */
export const filtersStand: Obligation = ({ trace }, fail) => {
  const { world } = trace;
  const hosts = [...world.hosts.values()];
  const inner = new Map(
    hosts.flatMap((host) => [...ownNetworks(trace, host).values()].map((one) => [world.formatPrefix(one), one])),
  );
  const metadata = parsePrefix("169.254.169.254");
  for (const host of hosts) {
    const must = (chain: string, what: string, holds: boolean): void => {
      const message = `the nftables table of ${host.name} should drop what ${what} (chain ${chain})`;
      if (!holds) fail({ code: `proof-${chain}`, node: host.name, client: null, message });
    };
    const comes = (source: Ip, destination: Ip, iif: string): boolean =>
      drops(host, "prerouting", { packet: packetTo(source, destination), iif });
    const goes = (source: Ip, destination: Ip, oif: string): boolean =>
      drops(host, "postrouting", { packet: packetTo(source, destination), oif });
    const networks = ownNetworks(trace, host);
    const inwards = arrivals(host);
    for (const [name, network] of networks) {
      const shown = world.formatPrefix(network);
      const forwarded = (destination: Ip, more: Partial<Sight>): boolean =>
        drops(host, "forward", { packet: packetTo(network.base, destination), ...more });
      if (inwards.has(name)) must("spoofed", `comes in by ${name} and is not from ${shown}`, comes(somewhere, somewhere, name));
      for (const other of [...outsideOf(host), ...networks.keys()]) {
        const what = `comes in by ${other} from ${shown}, which is ${name}'s`;
        if (other !== name) must("spoofed", what, comes(network.base, somewhere, other));
      }
      must("forward", `comes in by ${name} for a metadata server, 169.254.0.0/16`, forwarded(metadata.base, { iif: name }));
      must(
        "forward",
        `comes in by ${name} and is invalid: NAT leaves it alone`,
        forwarded(somewhere, { iif: name, invalid: true }),
      );
      must(
        "forward",
        `leaves by ${name} and is invalid: NAT leaves it alone`,
        forwarded(somewhere, { oif: name, invalid: true }),
      );
    }
    for (const outside of outsideOf(host)) {
      for (const [shown, { base }] of inner) {
        must("spoofed", `comes in by ${outside} for ${shown}`, comes(somewhere, base, outside));
        must("last_line", `would leave by ${outside} from ${shown}`, goes(base, somewhere, outside));
        must("last_line", `would leave by ${outside} for ${shown}`, goes(somewhere, base, outside));
      }
    }
  }
};

/** An exit's own address is for what an exit's mark selected. */
export const onlyMarkedIsMasqueraded: Obligation = ({ trace }, fail) => {
  for (const host of trace.world.hosts.values()) {
    for (const outside of outsideOf(host)) {
      const sight = { packet: packetTo(somewhere, somewhere), iif: "lo", oif: outside, flow: undefined, reply: false };
      for (const chain of host.nft.chainsAt("postrouting")) {
        const found = chain.type === "nat" ? runChain(chain, sight) : undefined;
        if (found === undefined) continue;
        const message = `${host.name} gives what leaves by ${outside} another source although no exit's mark selects it: ${formatLine(found.line)}`;
        fail({ code: "proof-masquerade", node: host.name, client: null, message });
      }
    }
  }
};

/** TCP learns a tunnel's MTU from the first packet, also where ICMP is lost. */
export const mssIsClamped: Obligation = ({ trace }, fail) => {
  for (const host of trace.world.hosts.values()) {
    for (const { name, mtuBytes } of host.interfaces.values()) {
      for (const way of ["in", "out"] as const) {
        const packet: Packet = { ...packetTo(somewhere, somewhere), protocol: "tcp" };
        const sight = { packet, iif: way === "in" ? name : "lo", oif: way === "out" ? name : "", flow: undefined, reply: false };
        for (const chain of host.nft.chainsAt("forward")) runChain(chain, sight);
        const most = mtuBytes - 40;
        const got = packet.mssBytes;
        if (got !== undefined && got <= most) continue;
        const message = `the MSS of TCP ${way} by ${name} of ${host.name} should be clamped to ${most} at most (MTU ${mtuBytes} less 40), but is ${got === undefined ? "not clamped" : String(got)}`;
        fail({ code: "proof-mss", node: host.name, client: null, message });
      }
    }
  }
};
