import { lanDevice, uplink, type TraceHost } from "../trace/host";
import { contains, formatIp, lastOf, parseIp, parsePrefix, type Ip, type Prefix } from "../trace/ip";
import { somewhere } from "../trace/network";
import { packetTo, walkBoth, type RoundTrip } from "../trace/trace";
import type { Packet } from "../trace/packet";
import type { WiredForward } from "../trace/wiring";
import type { World } from "../trace/world";
import { drops } from "./filters";
import { story, type Case, type Obligation } from "./obligations";

/** Who asks on the internet: no host of the network, and not where a walk's other packets go. */
const asker = parseIp("9.9.9.9");

interface Lan {
  readonly device: string;
  readonly name: string;
  readonly own: Ip;
  readonly network: Prefix;
  /** What its machines leave as. */
  readonly as: Ip;
}

const lansOf = (host: TraceHost): readonly Lan[] =>
  (host.wired.lans ?? []).map(({ name, address, snat }) => {
    const own = parseIp(address.replace(/\/.*$/, ""));
    const length = Number(address.replace(/^.*\//, ""));
    const network = parsePrefix(`${formatIp(own - (own % 2 ** (32 - length)))}/${length}`);
    return { device: lanDevice(name), name, own, network, as: snat === undefined ? host.publicAddress : parseIp(snat) };
  });

/** A machine that is neither the gateway nor `but`. */
function machineOf({ network, own }: Lan, but?: Ip): Ip {
  let ip = network.base + 1;
  while (ip < lastOf(network) - 1 && (ip === own || ip === but)) ip++;
  return ip;
}

const told = (world: World, { there, back }: RoundTrip): string =>
  `${story(world, there)}${back === undefined ? "; nobody answers it" : `; answer: ${story(world, back)}`}`;

/** What a machine of a private network sends leaves as its gateway, and the answer comes back to it. */
export const lansLeaveAsTheirGateway: Obligation = (of, fail) => {
  const { world } = of.trace;
  for (const host of world.hosts.values()) {
    for (const lan of lansOf(host)) {
      const machine = machineOf(lan);
      const trip = walkBoth(world, packetTo(machine, somewhere), { host, iif: lan.device });
      const { verdict, packet } = trip.there;
      const left = verdict.end === "left" && verdict.at === host.name && packet.source === lan.as;
      if (left && isBack(trip, host, lan, machine)) continue;
      const message = `${world.format(machine)} of private network '${lan.name}' should leave at ${host.name} as ${world.format(lan.as)} and be answered; ${told(world, trip)}`;
      fail({ code: "proof-lan", node: host.name, client: null, message });
    }
  }
};

function isBack({ back }: RoundTrip, host: TraceHost, lan: Lan, machine: Ip): boolean {
  const { end, at, lan: device } = back?.verdict ?? {};
  return end === "delivered" && at === host.name && device === lan.device && back?.packet.destination === machine;
}

/** NAT or not, no private source leaves by the uplink, none comes in by it, and nobody comes to the private network by a tunnel. */
export const lansStayInside: Obligation = (of, fail) => {
  for (const host of of.trace.world.hosts.values()) {
    for (const lan of lansOf(host)) {
      const machine = machineOf(lan);
      const out = { packet: packetTo(machine, somewhere), oif: uplink };
      const tunnels = [...host.interfaces.keys()].map(
        (iif) => [`comes in by ${iif} for`, drops(host, "forward", { packet: packetTo(somewhere, machine), iif })] as const,
      );
      const ways = [
        ...tunnels,
        ["would leave by the uplink from", drops(host, "postrouting", out)],
        ["would leave by the uplink, invalid, from", drops(host, "postrouting", { ...out, invalid: true })],
        ["comes in by the uplink from", drops(host, "prerouting", { packet: packetTo(machine, somewhere), iif: uplink })],
      ] as const;
      for (const [what, dropped] of ways) {
        if (dropped) continue;
        const message = `the nftables table of ${host.name} should drop what ${what} private network '${lan.name}' (chains gateway_last, gateway_spoofed, gateway_inside)`;
        fail({ code: "proof-lan-outside", node: host.name, client: null, message });
      }
    }
  }
};

/** Every forward reaches its target, the first port and the last, from the internet and from private networks, and is answered as whom was asked. */
export const forwardsArrive: Obligation = (of, fail) => {
  for (const host of of.trace.world.hosts.values()) {
    for (const forward of host.wired.forwards ?? []) {
      for (const { packet, from, where } of questions(host, forward)) {
        const asked = { destination: packet.destination, port: packet.destinationPort };
        const trip = walkBoth(of.trace.world, { ...packet }, { host, iif: from });
        const wrong = wrongWith(of, host, forward, trip, { asked, source: packet.source, from });
        if (wrong === undefined) continue;
        const message = `forward '${forward.name}' (${packet.protocol} ${String(asked.port)}) should bring what comes from ${where} to ${forward.to}, ${wrong}; ${told(of.trace.world, trip)}`;
        fail({ code: "proof-forward", node: host.name, client: null, message });
      }
    }
  }
};

interface Asked {
  readonly asked: { readonly destination: Ip; readonly port: number | undefined };
  readonly source: Ip;
  readonly from: string;
}

function wrongWith(
  of: Case,
  host: TraceHost,
  forward: WiredForward,
  { there, back }: RoundTrip,
  { asked, source, from }: Asked,
): string | undefined {
  const { world } = of.trace;
  const { packet, verdict } = there;
  const to = parseIp(forward.to);
  const port = forward.toPort + (asked.port ?? 0) - forward.firstPort;
  if ((verdict.end !== "left" && verdict.end !== "delivered") || packet.destination !== to || packet.destinationPort !== port)
    return "but it does not come there";
  const oif = there.hops.find(({ at }) => at === host.name)?.oif ?? "";
  const lan = lansOf(host).find(({ device }) => device === oif);
  // A neighbour of the target's, which would answer it directly.
  const hairpin = lan !== undefined && contains(lan.network, source);
  const own = host.addressOn(oif, to);
  const kept = lansOf(host).find(({ device }) => device === from && oif === uplink)?.as ?? source;
  const wanted =
    forward.source === "keep" ? (hairpin ? own : kept) : forward.source === "gateway" ? own : parseIp(forward.source);
  if (packet.source !== wanted) return `but with source ${world.format(packet.source)}`;
  if (back === undefined) return "but nobody answers";
  const came = from === uplink ? back.verdict.end === "left" : back.verdict.end === "delivered" && back.verdict.lan === from;
  if (!came || back.packet.destination !== source) return "but its answer does not come back";
  if (back.packet.source !== asked.destination || back.packet.sourcePort !== asked.port)
    return `but the answer is from ${world.format(back.packet.source)}`;
  return undefined;
}

interface Question {
  readonly packet: Packet;
  /** Device by which it comes in. */
  readonly from: string;
  readonly where: string;
}

function questions(host: TraceHost, forward: WiredForward): Question[] {
  const { protocols, firstPort, lastPort, address } = forward;
  const destinations = address === undefined ? [host.publicAddress, ...lansOf(host).map(({ own }) => own)] : [parseIp(address)];
  return forward.from.flatMap((prefix) =>
    askers(host, forward, parsePrefix(prefix)).flatMap(({ source, from, where }) =>
      destinations.flatMap((destination) =>
        protocols.flatMap((protocol) =>
          [...new Set([firstPort, lastPort])].map((port) => ({
            packet: { ...packetTo(source, destination), protocol, destinationPort: port },
            from,
            where,
          })),
        ),
      ),
    ),
  );
}

/** Of every place one that the prefix holds: somebody on the internet, and a machine of each private network. */
function askers(host: TraceHost, { to }: WiredForward, prefix: Prefix): { source: Ip; from: string; where: string }[] {
  const lans = lansOf(host);
  const far = contains(prefix, asker) ? asker : prefix.base;
  const machines = lans.flatMap((lan) => {
    const usual = machineOf(lan, parseIp(to));
    const source = contains(prefix, usual) ? usual : prefix.base;
    const isMachine = contains(lan.network, source) && source !== lan.network.base && source !== lan.own;
    return isMachine ? [{ source, from: lan.device, where: `private network '${lan.name}'` }] : [];
  });
  const isInside = lans.some(({ network }) => contains(network, far));
  return isInside ? machines : [{ source: far, from: uplink, where: "the internet" }, ...machines];
}

/** What no forward names goes nowhere else: the next ports, other addresses and other sources. */
export const onlyForwardsAreForwarded: Obligation = (of, fail) => {
  const { world } = of.trace;
  for (const host of world.hosts.values()) {
    const forwards = host.wired.forwards ?? [];
    for (const protocol of ["tcp", "udp"] as const) {
      for (const port of new Set(
        forwards.flatMap(({ firstPort, lastPort }) => [firstPort - 1, firstPort, lastPort, lastPort + 1]),
      )) {
        for (const source of strangers(forwards)) {
          const packet: Packet = { ...packetTo(source, host.publicAddress), protocol, destinationPort: port };
          const claimed = forwards.some((forward) => takes(forward, packet));
          if (port < 1 || port > 65_535 || claimed) continue;
          const { there } = walkBoth(world, packet, { host, iif: uplink });
          // It is the host's own, or nobody's.
          if (there.packet.destination === host.publicAddress) continue;
          const message = `${protocol} ${port} from ${world.format(source)} is forwarded by nothing at ${host.name} and should stay there; ${story(world, there)}`;
          fail({ code: "proof-not-forwarded", node: host.name, client: null, message });
        }
      }
    }
  }
};

function takes({ protocols, firstPort, lastPort, address, from }: WiredForward, packet: Packet): boolean {
  const { protocol, destination, destinationPort = 0, source } = packet;
  return (
    protocols.some((one) => one === protocol) &&
    firstPort <= destinationPort &&
    destinationPort <= lastPort &&
    (address === undefined || parseIp(address) === destination) &&
    from.some((prefix) => contains(parsePrefix(prefix), source))
  );
}

/** Right before and behind every prefix that may use a forward. */
function strangers(forwards: readonly WiredForward[]): ReadonlySet<Ip> {
  const edges = forwards.flatMap(({ from }) =>
    from.map(parsePrefix).flatMap((prefix) => (prefix.length === 0 ? [] : [prefix.base - 1, lastOf(prefix) + 1])),
  );
  return new Set([asker, ...edges.filter((ip) => ip > 0x01000000 && ip < 0xe0000000)]);
}
