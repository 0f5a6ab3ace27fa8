import type { HostPlan, RoutePlan, RulePlan, SourcePlan } from "../plan/host-plan";
import { routeProtocol, unreachableMetric } from "../model/numbers";

/** One object of the wanted state: its line in the file, and its key and value for Terraform. */
export interface StateLine {
  readonly line: string;
  readonly key: string;
  readonly value: string;
}

export function interfaceLines(plan: HostPlan): StateLine[] {
  return plan.interfaces.map(({ name, mtuBytes, listenPort, publicKey }) => {
    const value = `mtu ${mtuBytes} port ${listenPort} key ${publicKey}`;
    return { line: `${name} ${value}`, key: `interface ${name}`, value };
  });
}

export function addressLines(plan: HostPlan): StateLine[] {
  return plan.interfaces.flatMap(({ name, addresses }) =>
    addresses.map((address) => ({
      line: `${name} ${address.toString()}`,
      key: `address ${address.address.toString()} on ${name}`,
      value: address.toString(),
    })),
  );
}

export function peerLines(plan: HostPlan): StateLine[] {
  return plan.interfaces.flatMap(({ name, peers }) =>
    peers.map((peer) => {
      const allowed = peer.allowedIps.map(String).sort().join(",");
      const endpoint = peer.endpoint === undefined ? "(none)" : `${peer.endpoint.address.toString()}:${peer.endpoint.port}`;
      const keepalive = peer.keepaliveSeconds === 0 ? "off" : String(peer.keepaliveSeconds);
      let value = `key ${peer.publicKey} allowed-ips ${allowed}`;
      if (peer.endpoint !== undefined) value += ` endpoint ${endpoint}`;
      if (peer.keepaliveSeconds !== 0) value += ` keepalive ${keepalive}`;
      // Enough to see that it is another one; the whole digest stands in the file.
      if (peer.pskDigest !== undefined) value += ` psk sha256:${peer.pskDigest.slice(0, 12)}`;
      return {
        line: `${name}\t${peer.publicKey}\t${endpoint}\t${allowed}\t${keepalive}\t${peer.pskDigest ?? "(none)"}\t${peer.name}`,
        key: `peer ${peer.name} on ${name}`,
        value,
      };
    }),
  );
}

/** One a tunnel end: how to see that the other end is alive, by a ping of its inner address. */
export function probeLines(plan: HostPlan): StateLine[] {
  return plan.interfaces.flatMap(({ name, peers }) =>
    peers.flatMap((peer) => {
      if (peer.innerAddress === undefined) return [];
      const value = peer.innerAddress.toString();
      return [{ line: `${name} ${peer.publicKey} ${value}`, key: `probe ${peer.name} on ${name}`, value }];
    }),
  );
}

/** Every network of the whole chain, which no host lets in or out beside its tunnels; they stand in the nft set `networks`. */
export function networkObjects(plan: HostPlan): Record<string, string> {
  return Object.fromEntries(plan.networks.map((network) => [`network ${network.toString()}`, "never outside of tunnels"]));
}

export function ruleLines(plan: HostPlan): StateLine[] {
  return plan.rules.map((rule) => {
    const selector = selectorOf(rule);
    return {
      line: `pref ${rule.priority} ${selector} lookup ${rule.table} protocol ${routeProtocol}`,
      key: `rule ${rule.priority} ${selector}`,
      value: `lookup ${rule.table}`,
    };
  });
}

function selectorOf({ from, to, iif, fwmark }: RulePlan): string {
  return [
    ...(from === undefined ? [] : [`from ${from.toString()}`]),
    ...(to === undefined ? [] : [`to ${to.toString()}`]),
    ...(iif === undefined ? [] : [`iif ${iif}`]),
    ...(fwmark === undefined ? [] : [`fwmark 0x${fwmark.toString(16)}`]),
  ].join(" ");
}

export function routeLines(plan: HostPlan): StateLine[] {
  return plan.routes.map((route) => ({
    line: routeArguments(route),
    key: `route ${route.to?.toString() ?? (route.dev === undefined ? "otherwise" : "default")} in table ${route.table}`,
    value: route.dev === undefined ? "unreachable" : `dev ${route.dev}${sentFrom(route)}`,
  }));
}

const sentFrom = ({ src }: RoutePlan): string => (src === undefined ? "" : ` src ${src.toString()}`);

function routeArguments(route: RoutePlan): string {
  const { to, dev, table } = route;
  const end = `table ${table}`;
  return dev === undefined
    ? `unreachable default ${end} metric ${unreachableMetric} protocol ${routeProtocol}`
    : `${to?.toString() ?? "default"} dev ${dev}${sentFrom(route)} ${end} protocol ${routeProtocol}`;
}

/** What conntrack must forget when it changes. With failover the exits and labels of all choices, in order, then their interfaces, and the table. */
export function sourceLines(plan: HostPlan): StateLine[] {
  return plan.sources.map((source) => {
    const { iif, exit, others = [] } = source;
    let [exits, labels, interfaces] = [exit.exit, source.snat?.toString() ?? "masquerade", viaOf(source)];
    let value = `exit ${exits} via ${interfaces} from ${labels}`;
    for (const other of others) {
      const label = other.snat.toString();
      exits += `,${other.exit}`;
      labels += `,${label}`;
      interfaces += `,${other.interface}`;
      value += `, else exit ${other.exit} via ${other.interface} from ${label}`;
    }
    const prefix = source.prefix.brief;
    const more = others.length === 0 ? "" : ` ${interfaces} ${exit.table}`;
    return { line: `${iif} ${prefix} ${exits} ${labels}${more}`, key: `source ${prefix} on ${iif}`, value };
  });
}

const viaOf = ({ exit }: SourcePlan): string => (exit.via === "uplink" ? "uplink" : exit.via.interface);
