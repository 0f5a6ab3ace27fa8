import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { parsePublicKey } from "../lib/key";
import { parseInteger, parseInterfaceName, parseName, parseNodeName, parseSshDestination, parseUserName } from "../lib/name";
import { ParseError } from "../lib/problem";
import { clamped, keyPairOf } from "./support/keys";

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const codeOf = (parse: () => unknown): string => {
  try {
    parse();
    return "accepted";
  } catch (error) {
    if (error instanceof ParseError) return error.code;
    throw error;
  }
};

const messageOf = (parse: () => unknown): string => {
  try {
    parse();
    return "";
  } catch (error) {
    return String(error);
  }
};

describe("parsePublicKey", () => {
  test("never refuses a true public key (600 of node:crypto's)", () => {
    fc.assert(
      fc.property(seed, (bytes) => {
        const { publicKey } = keyPairOf(bytes);
        return parsePublicKey(publicKey, "key") === publicKey;
      }),
      { numRuns: 600 },
    );
  });
  test("never refuses a public key that looks clamped: of 6,000 keys the 1 in 32 that do", () => {
    const looking = Array.from(
      { length: 6_000 },
      (_, index) => keyPairOf(createHash("sha256").update(`k${index}`).digest()).publicKey,
    ).filter((text) => {
      const bytes = Buffer.from(text, "base64");
      return clamped(bytes).equals(bytes);
    });
    expect(looking.length).toBeGreaterThan(100);
    for (const text of looking) expect(parsePublicKey(text, "key")).toBe(text);
  });
  test("refuses about 15 of 16 private keys, as such, and never shows one", () => {
    const keys = Array.from({ length: 480 }, (_, index) =>
      clamped(createHash("sha256").update(`private ${index}`).digest()).toString("base64"),
    );
    const refused = keys.filter((text) => codeOf(() => parsePublicKey(text, "key")) === "private-key-given");
    expect(refused.length / keys.length).toBeGreaterThan(0.9);
    expect(refused.length / keys.length).toBeLessThan(0.97);
    for (const text of refused) expect(messageOf(() => parsePublicKey(text, "key of x"))).not.toContain(text);
  });
  test("accepts only 44 characters of canonical base64", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[A-Za-z0-9+/]{43}=$/)), (text) => {
        const canonical = Buffer.from(text, "base64").toString("base64") === text && Buffer.from(text, "base64").length === 32;
        if (!canonical) expect(codeOf(() => parsePublicKey(text, "key"))).toBe("malformed-public-key");
      }),
      { numRuns: 1000 },
    );
  });
});

describe("names", () => {
  const anything = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.stringMatching(/^[\w .;$/@:-]{0,70}$/));
  const shellSafe = /^[A-Za-z0-9_][A-Za-z0-9_-]*$/;

  test("what is accepted needs no quoting in a shell, a path or a rule set, and comes out as it went in", () => {
    fc.assert(
      fc.property(anything, (text) => {
        for (const parse of [(one: string) => parseName(one, "name"), parseNodeName, parseInterfaceName, parseUserName]) {
          if (codeOf(() => parse(text)) !== "accepted") continue;
          expect(text).toMatch(shellSafe);
          expect(text).not.toContain("\n");
          expect(parse(text)).toBe(text);
        }
      }),
      { numRuns: 2000 },
    );
  });
  test("a name's length is bounded: 63, and 15 for an interface", () => {
    expect([63, 64].map((size) => codeOf(() => parseName("a".repeat(size), "name")))).toEqual(["accepted", "bad-name"]);
    expect([15, 16].map((size) => codeOf(() => parseInterfaceName("a".repeat(size))))).toEqual([
      "accepted",
      "interface-name-too-long",
    ]);
  });
  test("an ssh destination is no option and holds nothing of a shell's", () => {
    fc.assert(
      fc.property(anything, (text) => {
        if (codeOf(() => parseSshDestination(text)) === "accepted") expect(text).toMatch(/^(?!-)[\w.:@-]+$/);
      }),
    );
    expect(["sz", "admin@sz.example", "198.51.100.10"].map(parseSshDestination)).toHaveLength(3);
  });
  test("numbers are whole and in range", () => {
    const parse = (value: number): string => codeOf(() => parseInteger(value, "port", 1, 65_535, "out"));
    expect([0, 1, 65_535, 65_536, 1.5, NaN, Infinity, -1].map(parse)).toEqual([
      "out",
      "accepted",
      "accepted",
      "out",
      "out",
      "out",
      "out",
      "out",
    ]);
  });
});
