import { createHash, createPrivateKey, createPublicKey } from "node:crypto";

export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

const pkcs8 = Buffer.from("302e020100300506032b656e04220420", "hex");

/** As `wg genkey` and `wg pubkey` make them, but the same for the same name at every run, so that a case is a case. */
export function keyPair(name: string): KeyPair {
  const bytes = createHash("sha256").update(`differential ${name}`).digest();
  bytes.writeUInt8(bytes.readUInt8(0) & 248, 0);
  bytes.writeUInt8((bytes.readUInt8(31) & 127) | 64, 31);
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, bytes]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return { privateKey: bytes.toString("base64"), publicKey: spki.subarray(-32).toString("base64") };
}
