import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parsePublicKey } from "../lib/key";
import { parseInterfaceName } from "../lib/name";
import { CliError } from "../app/error";
import { hostProgram } from "../app/host-program";
import { requireSound, runApp } from "../app/run-app";
import { difference, type Planned } from "./adopt-difference";
import { withTemporary } from "../app/temporary";
import { confirm } from "./confirm";
import { exitStatus } from "./exit-status";
import { PublicKeyFiles } from "./key-file";
import { mended } from "./keys";
import { Output, type OutputOptions } from "./output";
import { rootSession } from "./root-session";
import { isManaged, keyName, selectInterface, type SelectedInterface } from "./select";
import { isSshNode, type SshNode } from "./ssh";

export interface AdoptOptions extends OutputOptions {
  readonly app: string;
  readonly yes?: boolean;
}

/** Takes over an interface that somebody made by hand: shows what a deploy would make of it, and keeps its key. Returns the exit status. */
export async function adopt(name: string, options: AdoptOptions): Promise<number> {
  const out = Output.of(options);
  out.stage("app", options.app);
  const { directory, selected, planned } = await look(options.app, name);
  const { node, one } = selected;
  if (!isManaged(node))
    throw new CliError(`${node.name} is somebody else's host (Host.unmanaged); what was made on it stays theirs`);
  if (!isSshNode(node)) throw new CliError(`${node.name} is a VM that Terraform makes, so nothing was made on it by hand`);
  const session = { node, knownHosts: join(directory, "known_hosts"), iface: parseInterfaceName(one.name) };
  out.stage("host", `asking ${node.name} what is there`);
  const { publicKey, lines } = await runAdopt(session, false);
  const recorded = one.publicKey;
  const files = new PublicKeyFiles(directory);
  const key = keyName(node, one);
  const changes = difference(lines, planned);
  const tell = (adopted: boolean, of: string | null): void =>
    out.document({ interface: name, publicKey, difference: changes, adopted, copy: of });
  // What is asked about is shown with the question, too.
  const asks = options.yes !== true;
  const show = (line: string): void => (asks ? out.shown(line) : out.done(line));
  for (const line of [`${name}: public key ${publicKey}`, ...changes]) show(line);
  if (recorded !== null && recorded !== publicKey) {
    const where = files.read(key) === undefined ? "publicKey in the code" : files.name(key);
    throw new CliError(
      `${where} says ${recorded}, but ${name} on the host has ${publicKey}; nothing was changed. To keep the host's key, take the other away and run again; to change the host's, do not adopt but rotate afterwards: wgchain keys rotate`,
    );
  }
  if (asks && !(await confirm(`take over ${name}?`, "look at what is above, then run again with --yes", out))) {
    out.shown("not taken over; nothing was changed");
    tell(false, null);
    return exitStatus.failed;
  }
  out.stage("adopt", `${name} is taken over on ${node.name}`);
  const taken = await runAdopt(session, true);
  if (taken.publicKey !== publicKey) throw new CliError(`the key of ${name} changed meanwhile; run again`);
  if (recorded === null) files.write(key, publicKey);
  const copy = taken.lines.find(([kind]) => kind === "copy")?.[1] ?? "";
  out.done(`taken over: the next deploy makes ${name} wgchain's, without a restart; the old file is kept on the host, ${copy}`);
  if (recorded === null) out.done(`commit ${join(directory, files.name(key))}`);
  tell(true, copy);
  out.summary(`${name} taken over`);
  return exitStatus.done;
}

/** Runs the app: what it plans for the interface, with the peers where it synthesizes already. */
async function look(app: string, name: string): Promise<{ directory: string; selected: SelectedInterface; planned: Planned }> {
  return withTemporary(async (scratch) => {
    const { inventory } = await runApp(app, scratch);
    const selected = selectInterface(inventory, name);
    requireSound(inventory, mended);
    const { node, one } = selected;
    const etc = join(scratch, "stacks", inventory.stack, "wgchain", "nodes", node.name, "etc", "wgchain");
    const rows = (file: string, separator: string): string[][] =>
      readFileSync(join(etc, file), "utf8")
        .split("\n")
        .map((line) => line.split(separator))
        .filter(([iface]) => iface === one.name);
    const known = existsSync(join(etc, "peers"));
    const planned: Planned = {
      mtuBytes: one.mtuBytes,
      port: one.listenPort,
      addresses: known ? rows("addresses", " ").map(([, address = ""]) => address) : [one.address],
      peers: known
        ? rows("peers", "\t").map(([, publicKey = "", endpoint = "", allowed = "", keepalive = "", digest = "", peer = ""]) => ({
            ...{ publicKey, endpoint, keepalive, name: peer },
            allowedIps: allowed.split(","),
            preshared: digest !== "" && digest !== "(none)",
          }))
        : undefined,
    };
    return { directory: inventory.directory, selected, planned };
  });
}

interface Session {
  readonly node: SshNode;
  readonly knownHosts: string;
  readonly iface: string;
}

/** The program travels along: a host that was never deployed to has none. */
async function runAdopt({ node, knownHosts, iface }: Session, yes: boolean): Promise<{ publicKey: string; lines: string[][] }> {
  const lines: string[][] = [];
  const said: string[] = [];
  const end = `wgchain-end-of-program`;
  const program = `main() {
  set -eu
  umask 077
  d=$(mktemp -d /run/wgchain.XXXXXXXXXX)
  trap 'rm -rf -- "$d"' EXIT
  trap 'exit 129' HUP INT TERM
  cat >"$d/wgchain-host" <<'${end}'
${hostProgram()}
${end}
  bash "$d/wgchain-host" adopt ${iface}${yes ? " --yes" : ""} </dev/null
}
main
`;
  const status = await rootSession({
    node,
    knownHosts,
    program,
    onLine: (line) => void (line.includes("\t") || line === "end" ? lines.push(line.split("\t")) : said.push(line)),
  });
  if (!lines.some(([kind]) => kind === "end")) {
    const reason = said.filter((line) => !line.startsWith("[#]")).map((line) => line.replace(/^wgchain-host: /, ""));
    throw new CliError(`${node.name}: ${reason[0] ?? `the session ended with status ${status} before all was done; run again`}`);
  }
  const text = lines.find(([kind]) => kind === "key")?.[1] ?? lines.find(([kind]) => kind === "adopted")?.[2] ?? "";
  return { publicKey: parsePublicKey(text, `the public key of ${iface} on ${node.name}`), lines };
}
