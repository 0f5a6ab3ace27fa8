import { InterfaceAddress, Ipv4Address, Ipv4Prefix, comparePrefixes } from "../address";
import type { ForwardIntent, GatewayIntent } from "../intent";
import { parseInteger, parseName } from "../name";
import { ParseError } from "../problem";
import type { ParseContext } from "./context";
import type { Forward, Gateway, Protocol } from "./model";
import { forwardPortsMost } from "./numbers";

export function parseGateways(intents: readonly GatewayIntent[], { problems, nodes }: ParseContext): Gateway[] {
  return intents.flatMap(({ path, node: nodePath, ...intent }) => {
    const fields = problems.attemptAll(path, {
      name: () => parseName(intent.name, "gateway name"),
      inside: () => parseInside(intent.inside),
      snat: () => (intent.snat === undefined ? undefined : Ipv4Address.parse(intent.snat, "snat")),
    });
    const node = nodes.get(nodePath);
    if (fields === undefined || node === undefined) return [];
    const { name, inside, snat } = fields;
    return [{ path, name, node, inside, ...(snat === undefined ? {} : { snat }) }];
  });
}

/** Shorter than /8 is no private network, longer than /30 has no room for a machine. */
function parseInside(text: string): InterfaceAddress {
  const inside = InterfaceAddress.parse(text, "inside");
  const { length } = inside.network;
  if (length < 8 || length > 30) {
    throw new ParseError(
      "inside-out-of-range",
      `inside '${text}' has length ${length}; take one from 8 to 30, e.g. ${inside.address.toString()}/24`,
    );
  }
  return inside;
}

export function parseForwards(intents: readonly ForwardIntent[], { problems, nodes }: ParseContext): Forward[] {
  return intents.flatMap((intent) => {
    const { path, address, toPort } = intent;
    const ports = problems.attempt(path, () => parsePorts(intent.port));
    const fields = problems.attemptAll(path, {
      name: () => parseName(intent.name, "forward name"),
      protocols: () => parseProtocols(intent.protocol),
      address: () => (address === undefined ? undefined : Ipv4Address.parse(address)),
      to: () => Ipv4Address.parse(intent.to, "to"),
      toPort: () => (ports === undefined ? 0 : parseToPort(toPort ?? ports.first, ports)),
      source: () => parseSource(intent.source),
      from: () => parseFrom(intent.from),
    });
    const node = nodes.get(intent.node);
    if (ports === undefined || fields === undefined || node === undefined) return [];
    const { address: only, ...others } = fields;
    return [{ path, node, ports, ...others, ...(only === undefined ? {} : { address: only }) }];
  });
}

function parseProtocols(text: string): readonly Protocol[] {
  if (text === "both") return ["tcp", "udp"];
  if (text === "tcp" || text === "udp") return [text];
  throw new ParseError("bad-protocol", `protocol '${String(text)}' is none of tcp, udp and both`);
}

function parsePorts(value: number | string): Forward["ports"] {
  const port = (number: number): number => parseInteger(number, "port", 1, 65_535, "port-out-of-range");
  if (typeof value === "number") return { first: port(value), last: port(value) };
  const [, from, to] = /^([1-9]\d{0,4})-([1-9]\d{0,4})$/.exec(String(value)) ?? [];
  if (from === undefined || to === undefined) {
    throw new ParseError(
      "bad-port",
      `port '${String(value)}' is neither a number nor a range; write e.g. 443 or "8000-8010", without leading zeros`,
    );
  }
  const ports = { first: port(Number(from)), last: port(Number(to)) };
  if (ports.last < ports.first) {
    throw new ParseError("bad-port", `port '${value}' ends before it begins; write "${ports.last}-${ports.first}"`);
  }
  const count = ports.last - ports.first + 1;
  if (count > forwardPortsMost) {
    throw new ParseError(
      "too-many-ports",
      `port '${value}' is a range of ${count} ports, and a forward takes ${forwardPortsMost} at most; take a smaller range`,
    );
  }
  return ports;
}

function parseToPort(toPort: number, { first, last }: Forward["ports"]): number {
  parseInteger(toPort, "toPort", 1, 65_535, "port-out-of-range");
  const end = toPort + last - first;
  if (end > 65_535) {
    throw new ParseError(
      "port-out-of-range",
      `toPort ${toPort} is the first of ${last - first + 1} ports, and the last would be ${end}; take ${65_535 - last + first} or less`,
    );
  }
  return toPort;
}

function parseSource(text: string): Forward["source"] {
  if (text === "gateway" || text === "keep") return text;
  try {
    return Ipv4Address.parse(text, "source");
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new ParseError(
      error.code,
      `source '${String(text)}' is neither "gateway" nor "keep" nor an IPv4 address, e.g. 203.0.113.1`,
    );
  }
}

/** Disjoint, so that a set takes them: a prefix within another says nothing more. */
function parseFrom(texts: readonly string[]): readonly Ipv4Prefix[] {
  if (texts.length === 0) {
    throw new ParseError("no-source", 'from is empty, so nobody could use the forward; name prefixes, e.g. ["203.0.113.0/24"]');
  }
  const prefixes = texts.map((text) => Ipv4Prefix.parseSource(text, "from")).sort(comparePrefixes);
  const kept: Ipv4Prefix[] = [];
  for (const prefix of prefixes) if (!kept.some((wider) => wider.contains(prefix))) kept.push(prefix);
  return kept;
}
