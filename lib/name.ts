import type * as ipaddr from "ipaddr.js";
import { ParseError } from "./problem";

/** Names that reach a shell, a file or a rule set: letters, digits, dash and underscore, not starting with a dash. */
export function parseName(text: string, what: string): string {
  if (typeof text !== "string" || !/^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/.test(text)) {
    throw new ParseError(
      "bad-name",
      `${what} '${String(text)}' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters`,
    );
  }
  return text;
}

/** Name of a node: it begins names in Terraform, so it starts with a letter. */
export function parseNodeName(text: string): string {
  const name = parseName(text, "node name");
  if (!/^[A-Za-z]/.test(name)) throw new ParseError("bad-name", `node name '${name}' must start with a letter`);
  return name;
}

const reservedInterfaces = new Set(["lo", "all", "default"]);

/** Name of a network interface: IFNAMSIZ of Linux leaves 15 bytes. */
export function parseInterfaceName(text: string): string {
  const name = parseName(text, "interface name");
  if (name.length > 15) {
    throw new ParseError(
      "interface-name-too-long",
      `interface name '${name}' has ${name.length} bytes, Linux takes 15; set a shorter interfaceName`,
    );
  }
  if (reservedInterfaces.has(name)) {
    throw new ParseError("bad-name", `interface name '${name}' has a meaning of its own in Linux; take another`);
  }
  return name;
}

/** What stands after `ssh`: a host name, an address or an alias of ssh_config. */
export function parseSshDestination(text: string): string {
  if (typeof text !== "string" || !/^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,252}$/.test(text)) {
    throw new ParseError(
      "bad-name",
      `ssh destination '${String(text)}' may hold only letters, digits and . : @ _ -, and not start with a dash`,
    );
  }
  return text;
}

/**
 * Jump hosts as `ssh -J` takes them: [USER@]HOST[:PORT], several joined by commas; an IPv6 address stands in brackets. No zone (%eth0): ssh would
 * expand it.
 */
export function parseSshJump(text: string): string {
  const wrong = String(text)
    .split(",")
    .find((hop) => !isJumpHop(hop));
  if (typeof text === "string" && wrong === undefined) return text;
  throw new ParseError(
    "bad-name",
    `jump host '${wrong ?? String(text)}' is not [USER@]HOST[:PORT]; write e.g. admin@bastion.example:2222, an IPv6 address in brackets ([2001:db8::1]:22), several joined by commas`,
  );
}

function isJumpHop(hop: string): boolean {
  const parts = /^(?:[A-Za-z0-9_][\w.-]*@)?(?:\[(?<ipv6>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9_][\w.-]*)(?::(?<port>[1-9]\d{0,4}))?$/.exec(
    hop,
  );
  if (parts === null || hop.length > 253) return false;
  const { ipv6, port } = parts.groups ?? {};
  return (ipv6 === undefined || isIpv6(ipv6)) && Number(port ?? 22) <= 65_535;
}

function isIpv6(text: string): boolean {
  // Here, since few apps have such a jump host.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { IPv6 } = require("ipaddr.js") as typeof ipaddr;
  return IPv6.isValid(text);
}

/** Name of a Linux user on a host. */
export function parseUserName(text: string): string {
  if (typeof text !== "string" || !/^[a-z_][a-z0-9_-]{0,31}$/.test(text)) {
    throw new ParseError("bad-name", `user '${String(text)}' is not a Linux user name; write e.g. root, admin or wgchain`);
  }
  return text;
}

/** A whole number in a range, e.g. a port. */
export function parseInteger(value: number, what: string, least: number, most: number, code: string): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ParseError(code, `${what} ${String(value)} is out of range; take a whole number from ${least} to ${most}`);
  }
  return value;
}
