import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labCommand } from "../../cli/lab";
import { Output } from "../../cli/output";
import { makeProgram } from "../../cli/program";
import { report } from "../../cli/report";
import { temporaryDirectory } from "./directory";
import type { Ran } from "./cli-project";

/** The whole command in this process, which is quicker; as cli/wgchain.ts runs it. */
export async function wgchain(...words: readonly string[]): Promise<Ran> {
  const said = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    jest.spyOn(process[name], "write").mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  const before = process.exitCode;
  const { env } = process;
  // As in a pipe, also where jest runs at a terminal.
  process.env = { ...env, NO_COLOR: "1", TERM: "dumb" };
  try {
    process.exitCode = 0;
    // A process of its own has printed nothing yet.
    Output.of({});
    await makeProgram(labCommand()).parseAsync(words, { from: "user" });
    return { status: Number(process.exitCode), ...said };
  } catch (error) {
    return { status: report(error, words), ...said };
  } finally {
    process.exitCode = before;
    process.env = env;
    for (const spy of spies) spy.mockRestore();
  }
}

const iface = (name: string, publicKey: string | null = null) => ({
  ...{ name, role: "tunnel-server", address: "10.0.0.1/24", listenPort: 1, mtuBytes: 1420, publicKey, keyMadeOn: "operator" },
});

/** An app that synthesizes at once: it has a VM that is not there yet, a host of somebody else's, and a client. */
export function quickApp(): string {
  const app = temporaryDirectory();
  const directory = join(app, "wgchain");
  mkdirSync(directory);
  const vm = {
    ...{ kind: "gce", instance: "google_compute_instance.gcp_instance", user: "root", sshFrom: [] },
    externalAddress: "google_compute_address.gcp_address.address",
  };
  const inventory = {
    ...{ version: 1, stack: "network", directory, allocations: { port: { "gcp/wg6": 1 } }, problems: [] },
    nodes: [
      { name: "gcp", host: vm, uplinkMtuBytes: 1460, interfaces: [iface("wg6")] },
      { name: "friend", host: { kind: "unmanaged", address: "198.51.100.9" }, uplinkMtuBytes: 1500, interfaces: [iface("wg7")] },
    ],
    clients: [
      {
        ...{ name: "phone", node: "gcp", interface: "wg6", publicKey: null, mtuBytes: 1420 },
        addresses: [{ address: "10.0.0.2", promise: null }],
      },
    ],
  };
  writeFileSync(join(app, "inventory.json"), JSON.stringify(inventory));
  writeFileSync(join(app, "cdktf.json"), JSON.stringify({ app: 'cp inventory.json "$WGCHAIN_INVENTORY"; exit 1' }));
  return app;
}
