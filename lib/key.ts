import { ParseError } from "./problem";

/**
 * WireGuard public keys: 32 bytes of Curve25519 as 44 characters of base64.
 *
 * A private key looks just the same. Two facts tell them apart without a false alarm: `wg genkey` clamps private keys (low three bits of the
 * first byte 0, the two highest of the last 01), and a public key is always a point of the curve's prime-order subgroup, which a private key
 * read as a point is in 1 case of 16. So a clamped value that is no such point is refused as a private key; a true public key never is.
 */
export function parsePublicKey(text: string, what: string): string {
  // The text is never shown: it could be a private key.
  if (typeof text !== "string" || !/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) {
    throw new ParseError(
      "malformed-public-key",
      `${what} is not a WireGuard public key (44 characters of base64 ending in '='); what was given is not shown, in case it is secret`,
    );
  }
  const bytes = Buffer.from(text, "base64");
  if (bytes.every((byte) => byte === 0)) {
    throw new ParseError("malformed-public-key", `${what} is all zeros, which WireGuard takes for 'no key'`);
  }
  if (looksClamped(bytes) && !isPrimeOrderPoint(bytes)) {
    throw new ParseError(
      "private-key-given",
      `${what} is a private key where a public one belongs (not shown); give the output of 'wg pubkey', and make a new pair if this text was ever committed`,
    );
  }
  return text;
}

/**
 * Digest of a pre-shared key: the sha256, in hex, of its 44 characters without a newline. It is public; the key is not, so what is no digest is never
 * shown.
 */
export function parsePskDigest(text: string, what: string): string {
  if (typeof text === "string" && /^[0-9a-f]{64}$/.test(text)) return text;
  const got =
    typeof text === "string" && /^[A-Za-z0-9+/]{43}=$/.test(text) ? "a key itself" : `${String(text).length} characters`;
  throw new ParseError(
    "malformed-psk-digest",
    `${what} must be 64 hex digits (lower case) and a newline; ${got} stood there (not shown, in case it is secret); delete the file and run 'wgchain keys'`,
  );
}

function looksClamped(bytes: Buffer): boolean {
  return ((bytes[0] ?? 0) & 7) === 0 && ((bytes[31] ?? 0) & 0xc0) === 0x40;
}

const p = 2n ** 255n - 19n;
const primeOrder = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (value: bigint): bigint => ((value % p) + p) % p;

/** Montgomery ladder on u-coordinates (RFC 7748, section 5): whether the prime order times the point is the point at infinity. */
function isPrimeOrderPoint(bytes: Buffer): boolean {
  const u = mod(BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`) & (2n ** 255n - 1n));
  let [x2, z2, x3, z3] = [1n, 0n, u, 1n];
  for (const bit of primeOrder.toString(2)) {
    if (bit === "1") [x2, z2, x3, z3] = [x3, z3, x2, z2];
    const [a, b, c, d] = [x2 + z2, x2 - z2, x3 + z3, x3 - z3];
    const [aa, bb, da, cb] = [mod(a * a), mod(b * b), mod(d * a), mod(c * b)];
    const e = aa - bb;
    [x3, z3] = [mod((da + cb) ** 2n), mod(u * (da - cb) ** 2n)];
    [x2, z2] = [mod(aa * bb), mod(e * (aa + 121665n * e))];
    if (bit === "1") [x2, z2, x3, z3] = [x3, z3, x2, z2];
  }
  return z2 === 0n;
}
