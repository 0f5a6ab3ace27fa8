import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Lab, Row } from "../../lab";
import type { TracedNetwork } from "../../lib/trace";

const command = join(__dirname, "..", "..", "cli", "wgchain.ts");

/** What `wgchain prove` says of an app, with the addresses that the deploy knows: client, address, hops, exit's address, MTU. */
export async function provedRows({ paths }: Lab, app: string, target: string): Promise<readonly (readonly unknown[])[]> {
  const argv = ["--import", "tsx", command, "prove", "--json", "--state", paths.tfstate];
  const { stdout } = await promisify(execFile)(process.execPath, argv, {
    cwd: app,
    env: { ...process.env, WGCHAIN_DIR: paths.directory },
  });
  const { network } = JSON.parse(stdout) as { readonly network: TracedNetwork };
  return network.ways.map((way) => [way.client, way.address, [...way.hops, target], way.exit?.address, way.mtuBytes]);
}

/** The same of real packets. */
export const seenRow = ({ client, address, seen }: Row): readonly unknown[] => [
  client,
  address,
  seen.hops,
  seen.exit,
  seen.mtuBytes,
];
