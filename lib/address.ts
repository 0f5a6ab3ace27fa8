import { ParseError } from "./problem";

/**
 * IPv4 addresses and prefixes, parsed strictly: four decimal parts, no leading zeros, no short forms, no host bits in a prefix.
 */
export class Ipv4Address {
  private constructor(readonly value: number) {}

  static of(value: number): Ipv4Address {
    return new Ipv4Address(value >>> 0);
  }

  static parse(text: string, what = "address"): Ipv4Address {
    const value = valueOf(text);
    if (value === undefined) throw malformed(text, what);
    return new Ipv4Address(value);
  }

  equals(other: Ipv4Address): boolean {
    return this.value === other.value;
  }

  toString(): string {
    const { value } = this;
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
}

/** Four decimal numbers. Digit by digit: a large network has tens of thousands of addresses, for which a pattern or a library takes several times as long. */
function valueOf(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  let value = 0;
  let dots = 0;
  // Below zero: no digit yet.
  let octet = -1;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9 && octet !== 0) octet = octet < 0 ? digit : octet * 10 + digit;
    else if (text[at] === "." && octet >= 0) {
      value = value * 256 + octet;
      dots += 1;
      octet = -1;
    } else return undefined;
    if (octet > 255) return undefined;
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : undefined;
}

const malformed = (text: string, what: string): ParseError =>
  new ParseError(
    "malformed-address",
    `${what} '${text}' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2`,
  );

const maskOf = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);

function split(text: string, what: string): { address: Ipv4Address; length: number } {
  const [addressText, lengthText, ...rest] = typeof text === "string" ? text.split("/") : [""];
  if (rest.length > 0 || lengthText === undefined || !/^(0|[1-9]\d?)$/.test(lengthText) || Number(lengthText) > 32) {
    throw new ParseError(
      "malformed-address",
      `${what} '${text}' is not ADDRESS/LENGTH; write a length from 0 to 32, e.g. 10.66.224.0/19`,
    );
  }
  const value = valueOf(addressText);
  if (value === undefined) throw malformed(text, what);
  return { address: Ipv4Address.of(value), length: Number(lengthText) };
}

export class Ipv4Prefix {
  readonly last: number;

  private constructor(
    readonly base: number,
    readonly length: number,
  ) {
    this.last = (base | ~maskOf(length)) >>> 0;
  }

  static readonly all = new Ipv4Prefix(0, 0);

  /** The network of `length` bits that holds `address`. */
  static around(address: Ipv4Address, length: number): Ipv4Prefix {
    return new Ipv4Prefix((address.value & maskOf(length)) >>> 0, length);
  }

  static host(address: Ipv4Address): Ipv4Prefix {
    return new Ipv4Prefix(address.value, 32);
  }

  static parse(text: string, what = "prefix"): Ipv4Prefix {
    const { address, length } = split(text, what);
    const prefix = Ipv4Prefix.around(address, length);
    if (prefix.base !== address.value) {
      throw new ParseError("host-bits", `${what} '${text}' has host bits set; write ${prefix.toString()} for the network`);
    }
    return prefix;
  }

  /** A prefix, or a single address without length (then /32). */
  static parseSource(text: string, what = "source"): Ipv4Prefix {
    return typeof text === "string" && text.includes("/")
      ? Ipv4Prefix.parse(text, what)
      : Ipv4Prefix.host(Ipv4Address.parse(text, what));
  }

  get size(): number {
    return 2 ** (32 - this.length);
  }

  get isHost(): boolean {
    return this.length === 32;
  }

  contains(other: Ipv4Address | Ipv4Prefix): boolean {
    if (other instanceof Ipv4Address) return other.value >= this.base && other.value <= this.last;
    return other.base >= this.base && other.last <= this.last;
  }

  overlaps(other: Ipv4Prefix): boolean {
    return this.base <= other.last && other.base <= this.last;
  }

  equals(other: Ipv4Prefix): boolean {
    return this.base === other.base && this.length === other.length;
  }

  /** The two of one bit more; only of a prefix that holds more than one address. */
  get halves(): readonly [Ipv4Prefix, Ipv4Prefix] {
    const length = this.length + 1;
    return [new Ipv4Prefix(this.base, length), new Ipv4Prefix(this.base + this.size / 2, length)];
  }

  /** Whether `address` can be given to a host in it: neither network nor broadcast address (lengths 31 and 32 have none). */
  assignable(address: Ipv4Address): boolean {
    if (!this.contains(address)) return false;
    return this.length >= 31 || (address.value !== this.base && address.value !== this.last);
  }

  /** The `n`th address, 0 being the network address. */
  nth(n: number): Ipv4Address {
    return Ipv4Address.of(this.base + n);
  }

  toString(): string {
    return `${Ipv4Address.of(this.base).toString()}/${this.length}`;
  }

  /** As the kernel's tools list it: a single address without its /32. */
  get brief(): string {
    return this.isHost ? Ipv4Address.of(this.base).toString() : this.toString();
  }
}

/** An interface's own address with the network it stands in, e.g. 10.66.224.1/19. */
export class InterfaceAddress {
  constructor(
    readonly address: Ipv4Address,
    readonly network: Ipv4Prefix,
  ) {}

  static parse(text: string, what = "address"): InterfaceAddress {
    const { address, length } = split(text, what);
    const network = Ipv4Prefix.around(address, length);
    if (!network.assignable(address)) {
      throw new ParseError(
        "malformed-address",
        `${what} '${text}' is the network's own or its broadcast address; take one in between, e.g. ${network.nth(1).toString()}/${length}`,
      );
    }
    return new InterfaceAddress(address, network);
  }

  toString(): string {
    return `${this.address.toString()}/${this.network.length}`;
  }
}

/** Order for rendering: by address, then by length. */
export function comparePrefixes(a: Ipv4Prefix, b: Ipv4Prefix): number {
  return a.base - b.base || a.length - b.length;
}

/**
 * An address that only apply knows (a reserved external address at Google). It has a name and no value; in rendered files it stands as
 * `@{NAME}`, in Terraform as a reference.
 */
export class DeferredAddress {
  constructor(
    readonly name: string,
    /** Terraform address, e.g. "google_compute_address.gcp_address_1A2B3C4D.address". */
    readonly terraform: string,
  ) {}

  toString(): string {
    return `@{${this.name}}`;
  }
}

export type HostAddress = Ipv4Address | DeferredAddress;
