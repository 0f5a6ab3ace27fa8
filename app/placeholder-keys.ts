import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Inventory } from "../lib/inventory";

/** What only `wgchain keys` can mend, on the hosts; who leaves where can be seen before it, e.g. in a pull request. */
export const mendedByKeys: ReadonlySet<string> = new Set(["missing-public-key", "missing-preshared-key", "no-authorized-key"]);

const publicThings = ["keys", "authorized_keys", "known_hosts", "allocations.json"];

/**
 * A copy of the app's directory of public things in which what is missing has a stand-in. A stand-in follows from its name, so that it is the same in
 * the base and in the head; nobody has its private key. Returns the names of what was missing.
 */
export function withPlaceholders(inventory: Inventory, directory: string): string[] {
  mkdirSync(join(directory, "keys"), { recursive: true });
  for (const name of publicThings) {
    const from = join(inventory.directory, name);
    if (existsSync(from)) cpSync(from, join(directory, name), { recursive: true });
  }
  const missing: Record<string, string> = {};
  for (const { name, interfaces } of inventory.nodes) {
    for (const one of interfaces) {
      if (one.publicKey === null) missing[`keys/${name}.${one.name}.pub`] = publicKey(`${name}.${one.name}`);
      if (one.preshared?.digest === null) {
        missing[`keys/${one.preshared.node}.${one.preshared.interface}.psk.sha256`] = "0".repeat(64);
      }
    }
  }
  for (const { name, publicKey: key } of inventory.clients) {
    if (key === null) missing[`keys/client.${name}.pub`] = publicKey(`client.${name}`);
  }
  if (inventory.problems.some(({ code }) => code === "no-authorized-key")) missing["authorized_keys"] = authorizedKey();
  for (const [file, text] of Object.entries(missing)) writeFileSync(join(directory, file), `${text}\n`);
  return Object.keys(missing).sort();
}

function publicKey(name: string): string {
  const bytes = createHash("sha256").update(`wgchain stand-in for ${name}`).digest();
  // A private key would have this bit clear.
  bytes.writeUInt8(bytes.readUInt8(0) | 1, 0);
  return bytes.toString("base64");
}

function authorizedKey(): string {
  const key = Buffer.alloc(51);
  key.writeUInt32BE(11, 0);
  key.write("ssh-ed25519", 4);
  key.writeUInt32BE(32, 15);
  return `ssh-ed25519 ${key.toString("base64")} stand-in`;
}
