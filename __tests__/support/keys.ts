import { createHash, createPrivateKey, createPublicKey } from "node:crypto";

export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

const pkcs8 = Buffer.from("302e020100300506032b656e04220420", "hex");

/** As `wg genkey` and `wg pubkey` make them, but the same for the same name at every run. */
export function keyPair(name: string): KeyPair {
  return keyPairOf(createHash("sha256").update(name).digest());
}

export function keyPairOf(seed: Uint8Array): KeyPair {
  const bytes = clamped(seed);
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, bytes]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { privateKey: bytes.toString("base64"), publicKey: spki.subarray(-32).toString("base64") };
}

export function clamped(seed: Uint8Array): Buffer {
  const bytes = Buffer.from(seed);
  bytes.writeUInt8(bytes.readUInt8(0) & 248, 0);
  bytes.writeUInt8((bytes.readUInt8(31) & 127) | 64, 31);
  return bytes;
}

/** Text of the right form that costs nothing to make: for networks of thousands, where no key is used. Never looks clamped. */
export function publicKeyText(name: string): string {
  const bytes = createHash("sha256").update(name).digest();
  bytes.writeUInt8(bytes.readUInt8(0) | 1, 0);
  return bytes.toString("base64");
}
