import { isIPv4 } from "node:net";
import * as fc from "fast-check";
import { InterfaceAddress, Ipv4Address, Ipv4Prefix, comparePrefixes } from "../lib/address";

const address = fc.integer({ min: 0, max: 0xffffffff }).map((value) => Ipv4Address.of(value));
const length = fc.integer({ min: 0, max: 32 });
const prefix = fc.tuple(address, length).map(([one, bits]) => Ipv4Prefix.around(one, bits));
/** Near misses: an address with one letter changed, added or taken away, and anything at all. */
const nearMiss = fc.oneof(
  fc.string(),
  fc
    .tuple(address, fc.nat(14), fc.constantFrom("", ".", "0", "/", " ", "x", "-", "\n", "00", "1", "٣", "e1"))
    .map(([one, at, letter]) => {
      const text = one.toString();
      return text.slice(0, at) + letter + text.slice(at + 1);
    }),
  fc
    .array(fc.oneof(fc.nat(300).map(String), fc.constantFrom("", "00", "01", "0x1", "1e1", "256", " 1")), { maxLength: 6 })
    .map((parts) => parts.join(".")),
);
const accepts = (parse: () => unknown): boolean => {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
};

/** The first `bits` of an address as text of 0 and 1: slow and plain. */
const bitsOf = (one: Ipv4Address, bits: number): string => one.value.toString(2).padStart(32, "0").slice(0, bits);

describe("Ipv4Address", () => {
  test("parse and toString are each other's inverse", () => {
    fc.assert(fc.property(address, (one) => Ipv4Address.parse(one.toString()).equals(one)));
    fc.assert(fc.property(fc.ipV4(), (text) => Ipv4Address.parse(text).toString() === text));
  });
  test("accepts exactly what Node's net.isIPv4 accepts", () => {
    fc.assert(
      fc.property(nearMiss, (text) => accepts(() => Ipv4Address.parse(text)) === isIPv4(text)),
      { numRuns: 3000 },
    );
  });
  test.each([
    "",
    "10.1",
    "10",
    "0x0a.1.1.1",
    "010.1.1.1",
    "1.2.3.4.",
    " 1.2.3.4",
    "1.2.3.4\n",
    "1.2.3.4/32",
    "::ffff:1.2.3.4",
    "999.1.1.1",
  ])("refuses %j", (text) => {
    expect(accepts(() => Ipv4Address.parse(text))).toBe(false);
  });
  test("refuses what is no text, as plain JavaScript can give it", () => {
    for (const value of [undefined, null, 3232235777, {}]) expect(accepts(() => Ipv4Address.parse(value as string))).toBe(false);
  });
});

describe("Ipv4Prefix", () => {
  test("parse and toString are each other's inverse", () => {
    fc.assert(fc.property(prefix, (one) => Ipv4Prefix.parse(one.toString()).equals(one)));
  });
  test("parse accepts exactly an address without host bits and a length", () => {
    fc.assert(
      fc.property(
        nearMiss,
        fc.oneof(length.map(String), fc.constantFrom("", "00", "08", "33", "-1", "8 ", "+8", "8/8", "1e1")),
        (text, bits) => {
          const valid = isIPv4(text) && /^\d{1,2}$/.test(bits) && String(Number(bits)) === bits && Number(bits) <= 32;
          const noHostBits = valid && !bitsOf(Ipv4Address.parse(text), 32).slice(Number(bits)).includes("1");
          expect(accepts(() => Ipv4Prefix.parse(`${text}/${bits}`))).toBe(noHostBits);
        },
      ),
      { numRuns: 2000 },
    );
  });
  test("contains agrees with comparing bits", () => {
    fc.assert(
      fc.property(
        prefix,
        address,
        (one, other) => one.contains(other) === (bitsOf(other, one.length) === bitsOf(one.nth(0), one.length)),
      ),
    );
    // Random addresses are seldom inside; the prefix around one always holds it.
    fc.assert(fc.property(address, length, (one, bits) => Ipv4Prefix.around(one, bits).contains(one)));
  });
  test("contains and overlaps of prefixes agree with comparing bits", () => {
    const near = fc
      .tuple(prefix, fc.nat(3), length)
      .map(
        ([one, turn, bits]) =>
          [one, Ipv4Prefix.around(Ipv4Address.of((one.base ^ (turn << (32 - one.length || 1))) >>> 0), bits)] as const,
      );
    fc.assert(
      fc.property(near, ([one, other]) => {
        const shorter = Math.min(one.length, other.length);
        const together = bitsOf(one.nth(0), shorter) === bitsOf(other.nth(0), shorter);
        expect(one.overlaps(other)).toBe(together);
        expect(one.contains(other)).toBe(together && one.length <= other.length);
      }),
      { numRuns: 1000 },
    );
  });
  test("sorts by address, then by length", () => {
    const texts = ["10.0.0.0/16", "9.0.0.0/8", "10.0.0.0/8", "200.0.0.0/8"].map((text) => Ipv4Prefix.parse(text));
    expect(texts.sort(comparePrefixes).map(String)).toEqual(["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "200.0.0.0/8"]);
  });
});

describe("InterfaceAddress", () => {
  test("parse and toString are each other's inverse, and the network holds the address", () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 1, max: 32 }), (one, bits) => {
        const text = `${one.toString()}/${bits}`;
        const around = Ipv4Prefix.around(one, bits);
        const usable = bits >= 31 || (one.value !== around.base && one.value !== around.last);
        expect(accepts(() => InterfaceAddress.parse(text))).toBe(usable);
        if (usable) expect(InterfaceAddress.parse(text).toString()).toBe(text);
      }),
    );
  });
});
