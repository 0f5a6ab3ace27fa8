import { Ipv4Address } from "../address";
import type { ResolversIntent } from "../intent";
import { ParseError } from "../problem";
import type { Resolvers } from "./model";

/** What resolv.conf has room for; more would be passed over without a word. */
const most = 3;

export function parseResolvers({ servers: texts, enforce }: ResolversIntent): Resolvers {
  const [first, ...others] = texts.map((text) => Ipv4Address.parse(text, "dns server"));
  if (first === undefined || texts.length > most) {
    const got = first === undefined ? "is empty" : `has ${texts.length} addresses`;
    throw new ParseError(
      "dns-servers-out-of-range",
      `dns.servers ${got}; name 1 to ${most} resolvers, e.g. ["9.9.9.9"], or leave dns away`,
    );
  }
  return { servers: [first, ...others], enforce };
}
