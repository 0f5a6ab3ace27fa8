import { uplink, type TraceHost } from "../trace/host";
import { contains, lastOf, parseIp, parsePrefix, type Ip } from "../trace/ip";
import type { NetworkTrace } from "../trace/network";
import { packetTo, walkBoth } from "../trace/trace";
import type { OwnRoute } from "../trace/wiring";
import { story, type Obligation } from "./obligations";
import { ownNetworks, ownRoutesOf } from "./own";

/**
 * What a host itself begins towards one of its own routes leaves at its exit and is answered, just that and nothing beside it; with the tunnel down it leaves
 * nowhere; and who is there and calls the host's public address is answered from it.
 */
export const ownRoutesLeaveAtTheirExit: Obligation = ({ trace }, fail) => {
  const { world } = trace;
  for (const own of trace.stack.wiring.ownRoutes ?? []) {
    const { node, interface: one, source, destination, exit } = own;
    const host = world.hosts.get(node);
    if (host === undefined) continue;
    const told = (message: string): void => fail({ code: "proof-own-route", node, client: null, message });
    const prefix = parsePrefix(destination);
    const from = parseIp(source);
    const what = `what ${node} itself sends to ${destination} by ${one}`;
    for (const ip of new Set([prefix.base, lastOf(prefix)])) {
      const sent = host.sends(ip);
      if (sent?.dev !== one || sent.source !== from)
        told(`${what} should be sent from ${source}, but is ${sending(trace, sent)}`);
      const { there, back } = walkBoth(world, packetTo(from, ip), { host, iif: "lo" });
      const left = there.verdict.end === "left" && there.verdict.at === exit;
      if (!left || there.packet.source !== world.hosts.get(exit)?.publicAddress || back?.verdict.end !== "delivered") {
        const lost = there.verdict.end === "left" && back !== undefined ? back : there;
        told(`${what} should leave at ${exit} and be answered; ${story(world, lost)}`);
      }
      closedWithout(trace, own, ip, told);
      const answer = walkBoth(world, packetTo(host.publicAddress, ip), { host, iif: "lo" }).there;
      if (answer.verdict.end !== "left" || answer.verdict.at !== node)
        told(
          `what ${node} answers to ${world.format(ip)} from its public address should leave by its uplink; ${story(world, answer)}`,
        );
    }
    for (const ip of besides(trace, host, [prefix.base - 1, lastOf(prefix) + 1])) {
      const sent = host.sends(ip);
      if (sent?.dev === uplink) continue;
      told(
        `${world.format(ip)} is none of the own routes of ${node} and should be sent by its uplink, but is ${sending(trace, sent)}`,
      );
    }
  }
};

function closedWithout(trace: NetworkTrace, own: OwnRoute, ip: Ip, told: (message: string) => void): void {
  const { node, interface: one, source } = own;
  const world = trace.without(`${node}/${one}`);
  const host = world.hosts.get(node);
  const sent = host?.sends(ip);
  const begins = `with ${one} of ${node} down what it sends to ${world.format(ip)} should reach nothing`;
  if (sent !== undefined) told(`${begins}, but is ${sending(trace, sent)}`);
  if (host === undefined) return;
  const { there } = walkBoth(world, packetTo(parseIp(source), ip), { host, iif: "lo" });
  if (there.verdict.end === "left") told(`${begins}; ${story(world, there)}`);
}

const sending = ({ world }: NetworkTrace, sent: ReturnType<TraceHost["sends"]>): string =>
  sent === undefined
    ? "sent nowhere"
    : `sent by ${sent.dev}${sent.source === undefined ? "" : ` from ${world.format(sent.source)}`}`;

/** Those that nothing of ours leads to. */
function besides(trace: NetworkTrace, host: TraceHost, ips: readonly Ip[]): Ip[] {
  const ours = [
    ...ownRoutesOf(trace, host).map(({ destination }) => parsePrefix(destination)),
    ...ownNetworks(trace, host).values(),
  ];
  const isOf = (ip: Ip): boolean => ours.some((prefix) => contains(prefix, ip)) || host.owns(ip);
  return ips.filter((ip) => ip > 0 && ip < 0xe0000000 && !isOf(ip));
}
