import { PrefixMap, formatIp, parseIp, parsePrefix, type Ip } from "./ip";
import { UnknownLine, type Line } from "./line";
import type { Element, Sight } from "./nft";

/** Keys that end in a port: `inet_service`, with one or two addresses before it, of which the first may be a prefix. */
export const isPortKey = (type: string): boolean => /^(ipv4_addr \. ){0,2}inet_service$/.test(type);

/** The port and what stands right before it tell the entries apart, the first address is looked up. */
export class PortMap {
  private readonly entries = new Map<string, PrefixMap<Element>>();

  constructor(
    private readonly type: string,
    private readonly interval: boolean,
  ) {}

  set(name: string, key: string, element: Element): void {
    const parts = key.split(" . ");
    const { line } = element;
    if (parts.length !== this.type.split(" . ").length || !/^\d{1,5}$/.test(parts.at(-1) ?? ""))
      throw new UnknownLine(line, `${name} holds ${this.type}`);
    const prefix = parts.length === 1 ? { base: 0, length: 0 } : parsePrefix(parts[0] ?? "");
    if (parts.length > 1 && prefix.length < 32 && !this.interval) throw new UnknownLine(line, `${name} holds no prefixes`);
    const rest = (parts.length === 1 ? parts : parts.slice(1)).join(" . ");
    const entry = this.entries.get(rest) ?? new PrefixMap<Element>();
    this.entries.set(rest, entry);
    const before = entry.set(prefix, element);
    if (before !== undefined) throw new UnknownLine(line, `twice; it stands in line ${String(before.line.number)}, too`);
  }

  get(first: Ip, rest: string): Element | undefined {
    return this.entries.get(rest)?.get(first);
  }
}

/** What a rule looks up: e.g. "ip saddr . tcp dport" of a packet; undefined for words that are none of these. */
export function portKeyOf(
  text: string,
): { readonly type: string; find: (map: PortMap, sight: Sight) => Element | undefined } | undefined {
  const [, addresses = "", protocol] = /^((?:ip [sd]addr \. ){0,2})(tcp|udp) dport$/.exec(text) ?? [];
  if (protocol === undefined) return undefined;
  const sides = addresses.split(" . ").filter((side) => side !== "");
  const addressOf = ({ packet }: Sight, side: string | undefined): Ip =>
    side === "ip saddr" ? packet.source : packet.destination;
  return {
    type: [...sides.map(() => "ipv4_addr"), "inet_service"].join(" . "),
    find: (map, sight) => {
      const { protocol: found, destinationPort } = sight.packet;
      if (found !== protocol || destinationPort === undefined) return undefined;
      const [first, second] = sides;
      const before = second === undefined ? "" : `${formatIp(addressOf(sight, second))} . `;
      return map.get(first === undefined ? 0 : addressOf(sight, first), `${before}${destinationPort}`);
    },
  };
}

/** Undefined for words that are no port. */
export function portMatch(protocol: "tcp" | "udp", negated: boolean, operand: string): ((sight: Sight) => boolean) | undefined {
  if (!/^\d{1,5}$/.test(operand)) return undefined;
  const port = Number(operand);
  // What is of another protocol has no such port: nft asks for the protocol first, also where the port is negated.
  return ({ packet }) => packet.protocol === protocol && (packet.destinationPort === port) !== negated;
}

/** "1.1.1.1 . 443", as DNAT takes it. */
export function readTarget(text: string, line: Line): Pick<Element, "value" | "port"> {
  const [address = "", port = "", ...more] = text.split(" . ");
  if (more.length > 0 || !/^\d{1,5}$/.test(port)) throw new UnknownLine(line, "no address with a port");
  return { value: parseIp(address), port: Number(port) };
}
