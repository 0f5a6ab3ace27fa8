import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const repository = join(__dirname, "..");

const mainTs = `import { App, TerraformStack } from "cdktf";
import { ExitNetwork, Host, WgNode } from "./constructs";
const app = new App();
const stack = new TerraformStack(app, "clients");
const node = (name: string, address: string, exit = false) => new WgNode(stack, name, { host: Host.ssh({ address }), exit });
const [sz, hk, tokyo] = [node("sz", "198.51.100.10"), node("hk", "198.51.100.20", true), node("tokyo", "198.51.100.40", true)];
new ExitNetwork(stack, "net", {
  entry: sz,
  exits: { hk: { through: [hk] }, tokyo: { through: [hk, tokyo] } },
  clientsFile: "clients.yaml",
});
app.synth();
`;

/** An app with a file of clients; the first is only there for a machine to be there. */
export function writeClientApp(directory: string): void {
  for (const name of ["constructs", "lib", "host", "node_modules", "package.json"])
    symlinkSync(join(repository, name), join(directory, name));
  mkdirSync(join(directory, "wgchain"));
  const cdktf = { language: "typescript", app: "node --import tsx main.ts", context: {} };
  writeFileSync(join(directory, "cdktf.json"), JSON.stringify(cdktf));
  writeFileSync(join(directory, "main.ts"), mainTs);
  writeFileSync(join(directory, "clients.yaml"), "clients:\n  spare: { exit: hk }\n");
}

/** `wgchain client ...` as a person calls it. Returns what it printed. */
export function client(directory: string, wgchainDirectory: string, ...words: readonly string[]): string {
  const argv = ["--import", "tsx", join(repository, "cli/wgchain.ts"), "client", ...words, "--app", directory];
  const env = { ...process.env, WGCHAIN_DIR: wgchainDirectory };
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8", cwd: repository, env });
  if (status !== 0) throw new Error(`wgchain client ${words.join(" ")} ended with ${String(status)}: ${stderr}`);
  return stdout;
}
