import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { parsePskDigest, parsePublicKey } from "../lib/key";
import {
  parseInteger,
  parseInterfaceName,
  parseName,
  parseNodeName,
  parseSshDestination,
  parseSshJump,
  parseUserName,
} from "../lib/name";
import { ParseError } from "../lib/problem";
import { parseTimeSpan } from "../lib/time-span";
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

describe("parsePskDigest", () => {
  const key = createHash("sha256").update("psk").digest("base64");
  const digest = createHash("sha256").update(key).digest("hex");
  test("takes 64 lower-case hex digits alone, and never shows what it was given", () => {
    expect(parsePskDigest(digest, "digest")).toBe(digest);
    for (const text of [
      digest.toUpperCase(),
      digest.slice(1),
      `${digest}0`,
      `${digest}\n`,
      ` ${digest}`,
      `${digest}  -`,
      key,
      "",
    ]) {
      expect(codeOf(() => parsePskDigest(text, "digest"))).toBe("malformed-psk-digest");
      if (text !== "") expect(messageOf(() => parsePskDigest(text, "digest"))).not.toContain(text);
    }
    expect(messageOf(() => parsePskDigest(key, "digest"))).toContain("a key itself stood there (not shown");
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
  test("a jump host holds nothing of a shell's or ssh's own (%, which it expands), and is no option", () => {
    const hop = fc.stringMatching(/^(-|%|\$\(|[\w.-]{0,3}@)?\[?[\w.:%,-]{0,20}\]?(:\d{1,6})?$/);
    fc.assert(
      fc.property(fc.oneof(anything, hop), (text) => {
        if (codeOf(() => parseSshJump(text)) === "accepted") expect(text).toMatch(/^(?!-)(?!.*,-)[\w.:@,[\]-]+$/);
      }),
      { numRuns: 3000 },
    );
  });
  const jumps = {
    accepted: ["bastion", "admin@bastion.example:2222", "[2001:db8::1]:22", "a@[::1]", "a@b:22,[::ffff:192.0.2.1],c:65535"],
    refused: ["2001:db8::1", "h:0", "h:65536", "a@", "@b", "a@b@c", "[::1", "[1.2.3.4]", "[fe80::1%eth0]", "a,", "", "ssh://h"],
  };
  test("what is accepted as jump host is what ssh -J takes", () => {
    for (const jump of jumps.accepted) {
      expect(parseSshJump(jump)).toBe(jump);
      expect(spawnSync("ssh", ["-F", "none", "-G", "-J", jump, "host"], { encoding: "utf8" })).toMatchObject({ status: 0 });
    }
    for (const jump of jumps.refused) expect([jump, codeOf(() => parseSshJump(jump))]).toEqual([jump, "bad-name"]);
  });
  test("a time span is in systemd's words and in range", () => {
    const parse = (text: string): string => codeOf(() => parseTimeSpan(text, "span", 60, 604_800));
    expect(["60s", "5min", "1h 30min", "7d", "1min"].map(parse)).toEqual(Array(5).fill("accepted"));
    expect(["59s", "8d", "6d 25h"].map(parse)).toEqual(Array(3).fill("time-span-out-of-range"));
    const not = ["", "5", "5 min", "5m", "5M", "05min", "0min", "-5min", "5min ", "1.5h", "5min\n", "5min;", "1h30min", "daily"];
    expect(not.map(parse)).toEqual(not.map(() => "malformed-time-span"));
    expect(codeOf(() => parseTimeSpan(300 as never, "span", 60, 604_800))).toBe("malformed-time-span");
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
