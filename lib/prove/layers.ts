import { lastOf, parsePrefix } from "../trace/ip";
import { formatLine } from "../trace/line";
import { somewhere } from "../trace/network";
import type { Obligation } from "./obligations";
import { arrivals, isSame, outsideOwnRoutes, ownRouteRules, ownNetworks, ownRoutesOf } from "./own";

/**
 * Each layer that closes a host is looked at by itself. Walks alone cannot see that one is missing while another does its work: that shows on the day
 * when somebody flushes the other.
 */

/** Every table of ours: direct routes to the host's own networks (the second route), one tunnel at most, and an unreachable end. */
export const tablesAreWhole: Obligation = ({ trace }, fail) => {
  for (const host of trace.world.hosts.values()) {
    const networks = ownNetworks(trace, host);
    const inwards = arrivals(host);
    for (const [table, rule] of host.routing.selectable()) {
      const told = (message: string): void => {
        fail({ code: "proof-table", node: host.name, client: null, message: `table ${table} of ${host.name} ${message}` });
      };
      const asked = `asked by ${formatLine(rule.line)}`;
      if (!host.routing.endsUnreachable(table)) {
        told(`has no \`unreachable default\`: with its tunnel down a packet would fall through to the next rule; ${asked}`);
      }
      for (const [name, network] of networks) {
        const routes = [network.base, lastOf(network)].map((ip) => host.routing.routeIn(table, ip));
        const other = routes.find((route) => route?.dev !== name);
        if (routes.every((route) => route?.dev === name)) continue;
        const takes = other?.dev === undefined ? "nowhere" : `by ${other.dev} (${formatLine(other.line)})`;
        told(`has no direct route \`${trace.world.formatPrefix(network)} dev ${name}\`: what is for it goes ${takes}; ${asked}`);
      }
      for (const { to, dev, line } of host.routing.routesOf(table)) {
        if (ownRoutesOf(trace, host).some((own) => own.interface === dev && isSame(parsePrefix(own.destination), to))) continue;
        if (to.length === 0 || [...networks].some(([name, network]) => name === dev && isSame(to, network))) continue;
        told(`tells destinations apart: ${formatLine(line)}, which is no direct route to one of the host's own networks`);
      }
      const way = host.routing.routeIn(table, somewhere);
      if (way?.dev !== undefined && (inwards.has(way.dev) || !host.interfaces.has(way.dev))) {
        told(`leads by ${way.dev}, which is no tunnel towards an exit: ${formatLine(way.line)}`);
      }
    }
  }
};

/** To, from and through our interfaces there is a direct route or none, whatever nftables does. */
export const rulesClose: Obligation = ({ trace }, fail) => {
  for (const host of trace.world.hosts.values()) {
    const told = (message: string): void => {
      fail({ code: "proof-rule", node: host.name, client: null, message });
    };
    const networks = ownNetworks(trace, host);
    const ofOwnRoutes = ownRouteRules(trace, host);
    for (const { to, line } of host.routing.destinationRules()) {
      if ([...networks.values()].some((network) => isSame(to, network))) continue;
      if (ofOwnRoutes.has(line)) continue;
      told(`a rule of ${host.name} tells destinations apart that are none of its own networks: ${formatLine(line)}`);
    }
    for (const { from, line } of host.routing.sourceRules()) {
      if (ofOwnRoutes.has(line)) continue;
      if ([...networks.values()].some((network) => isSame(from, network))) continue;
      told(`a rule of ${host.name} tells sources apart that are none of its own networks; marks do that: ${formatLine(line)}`);
    }
    for (const [name, network] of networks) {
      const shown = trace.world.formatPrefix(network);
      const to = host.routing.lookup({ source: somewhere, destination: network.base, iif: "lo", mark: 0 });
      if (to?.rule.table === undefined || !host.routing.endsUnreachable(to.rule.table)) {
        told(
          `${host.name} has no rule \`to ${shown}\` for a table of direct routes: with ${name} down it would send what is for it by its uplink`,
        );
      }
      const ask = { destination: outsideOwnRoutes(trace, host), mark: 0 };
      const from = host.routing.lookup({ ...ask, source: network.base, iif: "lo" });
      if (from?.route.dev !== undefined) {
        told(
          `${host.name} has no rule \`from ${shown} iif lo\` for a table without a way out: what its kernel answers from a label or tunnel address would go by ${from.route.dev}`,
        );
      }
      const through = host.routing.lookup({ ...ask, source: somewhere, iif: name });
      if (through?.route.dev !== undefined) {
        told(
          `${host.name} has no fail-closed rule \`iif ${name}\` for a table without a way out: what no exit selects, or all once nftables is flushed, would go by ${through.route.dev}; ${formatLine(through.rule.line)}`,
        );
      }
    }
  }
};

/** With rules by source even a loose reverse-path filter drops replies; the greater of `all` and the interface's own counts. */
export const noReversePathFilter: Obligation = ({ trace }, fail) => {
  for (const host of trace.world.hosts.values()) {
    for (const name of host.interfaces.keys()) {
      const value = host.rpFilter(name);
      if (value === 0) continue;
      const message = `the reverse-path filter on ${name} of ${host.name} should be 0, but is ${value} (${value === 1 ? "strict" : "loose"}), the greater of net.ipv4.conf.all.rp_filter and net.ipv4.conf.${name}.rp_filter; it drops replies`;
      fail({ code: "proof-rp-filter", node: host.name, client: null, message });
    }
  }
};
