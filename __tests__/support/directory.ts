import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { keyPair } from "./keys";

/** Of main.ts and of the fixture that is like it: the interfaces and clients whose public keys are there. */
const owners = ["sz.wgs", "sz.wgp", "hk.wgp", "hk.wg6", "gcp.wg6", "hk.wg7", "hkt.wg7", "client.client", "client.client2"];

export const authorizedKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFWgUNDs1SPgRKRgcMYjTExNjOXRrGGIjbNP7WXvY0fj admin@example";

const made: string[] = [];

export function temporaryDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "wgchain-test-"));
  made.push(directory);
  return directory;
}

/** To be called in `afterAll`. */
export function removeTemporaryDirectories(): void {
  for (const directory of made.splice(0)) fs.rmSync(directory, { recursive: true, force: true });
}

/** A directory of public things as `wgchain keys` leaves it; `files` are added, replaced, or taken away (undefined). */
export function publicDirectory(files: Readonly<Record<string, string | undefined>> = {}): string {
  const directory = temporaryDirectory();
  const all: Record<string, string | undefined> = {
    authorized_keys: `# who may configure the VM\n${authorizedKey}\n`,
    ...Object.fromEntries(owners.map((owner) => [`keys/${owner}.pub`, `${keyPair(owner).publicKey}\n`])),
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    if (text === undefined) continue;
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), text);
  }
  return directory;
}
