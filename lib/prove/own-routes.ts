import { parseIp, parsePrefix } from "../trace/ip";
import { packetTo, walkBoth } from "../trace/trace";
import { story, type Obligation } from "./obligations";

/** What a host itself sends to one of its own routes leaves at its exit and is answered; with the tunnel down it leaves nowhere. */
export const ownRoutesLeaveAtTheirExit: Obligation = ({ trace }, fail) => {
  const { world } = trace;
  for (const { node, interface: one, source, destination, exit } of trace.stack.wiring.ownRoutes ?? []) {
    const host = world.hosts.get(node);
    if (host === undefined) continue;
    const prefix = parsePrefix(destination);
    const packet = packetTo(parseIp(source), prefix.base);
    const what = `what ${node} itself sends to ${destination} by ${one}`;
    const { there, back } = walkBoth(world, packet, { host, iif: "lo" });
    const { verdict } = there;
    if (
      verdict.end !== "left" ||
      verdict.at !== exit ||
      there.packet.source !== world.hosts.get(exit)?.publicAddress ||
      back?.verdict.end !== "delivered"
    ) {
      const lost = verdict.end === "left" && back !== undefined ? back : there;
      fail({
        code: "proof-own-route",
        node,
        client: null,
        message: `${what} should leave at ${exit} and be answered; ${story(world, lost)}`,
      });
    }
    // Before its address is chosen, and after.
    for (const from of [host.publicAddress, parseIp(source)]) {
      const without = walkBoth(trace.without(`${node}/${one}`), packetTo(from, prefix.base), {
        host: trace.without(`${node}/${one}`).hosts.get(node) ?? host,
        iif: "lo",
      });
      if (without.there.verdict.end !== "left") continue;
      fail({
        code: "proof-own-route",
        node,
        client: null,
        message: `with ${one} of ${node} down ${what} should reach nothing; ${story(world, without.there)}`,
      });
    }
  }
};
