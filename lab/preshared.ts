import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Inventory, InventoryInterface } from "../lib/inventory";
import type { Host } from "./host";
import type { Paths } from "./state";

/** A digest that no key has, for a first look at an app. */
export const placeholderDigest = "0".repeat(64);

/** Files of digests that the app wants, by the name of the tunnel's server end. */
export const digestFiles = (inventory: Inventory): string[] => [
  ...new Set(
    inventory.nodes.flatMap(({ interfaces }) =>
      interfaces.flatMap(({ preshared }) =>
        preshared === undefined ? [] : [`${preshared.node}.${preshared.interface}.psk.sha256`],
      ),
    ),
  ),
];

/** Makes the pre-shared keys that are not there yet, the same at both ends of a tunnel; only a digest is kept in the open. */
export async function makePresharedKeys(paths: Paths, inventory: Inventory, host: (name: string) => Host): Promise<void> {
  for (const file of digestFiles(inventory)) {
    const digest = join(paths.directory, "keys", file);
    if (existsSync(digest)) continue;
    const key = randomBytes(32).toString("base64");
    for (const { node, interfaceName, madeOn } of ends(inventory, file)) {
      if (madeOn === "operator") {
        const directory = join(paths.directory, "private");
        mkdirSync(directory, { recursive: true, mode: 0o700 });
        writeFileSync(join(directory, `${node}.${interfaceName}.psk`), `${key}\n`, { mode: 0o600 });
      } else {
        const script = `umask 077; install -d -m 0700 /etc/wgchain /etc/wgchain/keys; cat >/etc/wgchain/keys/${interfaceName}.psk`;
        await host(node).sh(script, { input: `${key}\n` });
      }
    }
    writeFileSync(digest, `${createHash("sha256").update(key).digest("hex")}\n`);
  }
}

const ends = (
  inventory: Inventory,
  file: string,
): { node: string; interfaceName: string; madeOn: InventoryInterface["keyMadeOn"] }[] =>
  inventory.nodes.flatMap(({ name, interfaces }) =>
    interfaces
      .filter(({ preshared }) => preshared !== undefined && `${preshared.node}.${preshared.interface}.psk.sha256` === file)
      .map((one) => ({ node: name, interfaceName: one.name, madeOn: one.keyMadeOn })),
  );
