import { Ipv4Address, Ipv4Prefix } from "../address";

/**
 * Addresses as a walk handles them. Only this file and `PrefixMap` know that they are IPv4's 32 bits; what only apply knows stands in as a number
 * from 240.0.0.0/4, which nothing uses.
 */
export type Ip = number;

export interface Prefix {
  readonly base: Ip;
  readonly length: number;
}

export const parseIp = (text: string): Ip => Ipv4Address.parse(text).value;
export const formatIp = (ip: Ip): string => Ipv4Address.of(ip).toString();

/** An address stands for itself alone. */
export const parsePrefix = (text: string): Prefix =>
  text.endsWith("/32")
    ? { base: parseIp(text.slice(0, -3)), length: 32 }
    : text.includes("/")
      ? Ipv4Prefix.parse(text)
      : { base: parseIp(text), length: 32 };

export const maskOf = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);
export const baseOf = (ip: Ip, length: number): Ip => (ip & maskOf(length)) >>> 0;
export const contains = (prefix: Prefix, ip: Ip): boolean => baseOf(ip, prefix.length) === prefix.base;
/** Last address of a prefix. */
export const lastOf = ({ base, length }: Prefix): Ip => (base | ~maskOf(length)) >>> 0;

/** Where a prefix begins, and where what is behind it does. */
export function addBoundaries(prefix: Prefix, to: Set<Ip>): void {
  to.add(prefix.base);
  const last = lastOf(prefix);
  if (last < 0xffffffff) to.add(last + 1);
}

export const firstDeferred: Ip = 0xf0000000;

/** Longest prefix wins. Cost of a look-up: one hash a length in use. */
export class PrefixMap<T> {
  private readonly byLength = new Map<number, Map<Ip, T>>();
  private lengths: number[] = [];

  /** Of one prefix the first to come stays. */
  add(prefix: Prefix, value: T): void {
    const entries = this.entriesOf(prefix);
    if (!entries.has(prefix.base)) entries.set(prefix.base, value);
  }

  /** Of one prefix the last to come stays; returns the one before. */
  set(prefix: Prefix, value: T): T | undefined {
    const entries = this.entriesOf(prefix);
    const before = entries.get(prefix.base);
    entries.set(prefix.base, value);
    return before;
  }

  private entriesOf({ length }: Prefix): Map<Ip, T> {
    let entries = this.byLength.get(length);
    if (entries === undefined) {
      this.byLength.set(length, (entries = new Map<Ip, T>()));
      this.lengths = [...this.byLength.keys()].sort((a, b) => b - a);
    }
    return entries;
  }

  get(ip: Ip): T | undefined {
    for (const length of this.lengths) {
      const value = this.byLength.get(length)?.get(baseOf(ip, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** Of the prefixes in it. */
  inUse(): readonly number[] {
    return this.lengths;
  }

  addBoundaries(to: Set<Ip>): void {
    for (const [length, entries] of this.byLength) for (const base of entries.keys()) addBoundaries({ base, length }, to);
  }

  /** Prefixes of more than one address. */
  *wide(): Generator<Prefix> {
    for (const [length, entries] of this.byLength) if (length < 32) for (const base of entries.keys()) yield { base, length };
  }

  *entries(): Generator<readonly [Prefix, T]> {
    for (const [length, entries] of this.byLength) for (const [base, value] of entries) yield [{ base, length }, value];
  }
}
