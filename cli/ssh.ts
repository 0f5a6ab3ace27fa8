import { spawn } from "node:child_process";
import { once } from "node:events";
import type { InventoryNode, InventorySshHost } from "../lib/inventory";
import { parseInteger, parseSshDestination } from "../lib/name";
import { CliError, errorCode, messageOf } from "../app/error";

export type SshNode = InventoryNode & { readonly host: InventorySshHost };

/** Where ssh leads: a node that exists, or a VM whose address was found. */
export interface SshTarget {
  readonly name: string;
  readonly host: InventorySshHost;
  /** @default hostKeyAlias(name) */
  readonly hostKeyAlias?: string;
}

export const isSshNode = (node: InventoryNode): node is SshNode => node.host.kind === "ssh";

/** The node's name in known_hosts, so that a moved address or a jump host changes nothing. */
export const hostKeyAlias = (node: string): string => `wgchain-${node}`;

const aliasOf = (target: SshTarget): string => target.hostKeyAlias ?? hostKeyAlias(target.name);

export interface SshSession {
  readonly node: SshTarget;
  readonly knownHosts: string;
  readonly checking: "yes" | "accept-new";
  /** More `-o` options. */
  readonly options?: readonly string[];
  readonly command: string;
  readonly input?: string;
  readonly onLine?: (line: string) => void;
}

export interface SshResult {
  /** 255 where ssh itself failed. */
  readonly status: number;
  readonly stderr: string;
}

/**
 * One session of the system's own OpenSSH, so that ssh_config, jump hosts, agents and hardware keys work as the user has set them up. The options are
 * those of host/deliver: what opens a deploy opens this.
 */
export async function ssh(session: SshSession): Promise<SshResult> {
  const child = spawn("ssh", sshArguments(session), { stdio: ["pipe", "pipe", "pipe"] });
  let stderr = "";
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) session.onLine?.(line);
  });
  child.stdin.on("error", () => undefined); // ssh may end without reading it
  child.stdin.end(session.input ?? "");
  try {
    const [status] = (await once(child, "close")) as [number | null];
    return { status: status ?? 255, stderr: stderr.replaceAll("\r", "") };
  } catch (error) {
    if (errorCode(error) === "ENOENT") throw new CliError("no ssh on this machine; install OpenSSH's client");
    throw new CliError(`ssh cannot be run: ${messageOf(error)}`);
  }
}

function sshArguments({ node, knownHosts, checking, options = [], command }: SshSession): string[] {
  const { destination, user, port, jump } = node.host;
  const settings = [
    "BatchMode=yes",
    `StrictHostKeyChecking=${checking}`,
    `UserKnownHostsFile=${quotedPath(knownHosts)}`,
    "GlobalKnownHostsFile=/dev/null",
    `HostKeyAlias=${aliasOf(node)}`,
    ...["UpdateHostKeys=no", "CheckHostIP=no", "VerifyHostKeyDNS=no", "HashKnownHosts=no"],
    ...["ServerAliveInterval=15", "ServerAliveCountMax=4", "ConnectTimeout=10", "ControlMaster=no", "ControlPath=none"],
    ...[
      "ClearAllForwardings=yes",
      "ForwardAgent=no",
      "ForwardX11=no",
      "PermitLocalCommand=no",
      "RemoteCommand=none",
      "LogLevel=ERROR",
    ],
    ...options,
  ];
  const where = node.name;
  return [
    "-T",
    ...settings.flatMap((one) => ["-o", one]),
    ...(user === undefined ? [] : ["-l", matching(user, /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/, `${where}: user`)]),
    ...(port === undefined ? [] : ["-p", String(parseInteger(port, `${where}: ssh port`, 1, 65535, "ssh-port"))]),
    ...(jump === undefined ? [] : ["-J", matching(jump, /^[[\]A-Za-z0-9_:/][A-Za-z0-9_.:%@,/[\]-]*$/, `${where}: jump host`)]),
    "--",
    parseSshDestination(destination),
    command,
  ];
}

function matching(text: string, allowed: RegExp, what: string): string {
  if (!allowed.test(text))
    throw new CliError(`${what} '${text}' has characters that are not taken; it must match ${allowed.source}`);
  return text;
}

/** ssh expands % and ${} in this option. */
function quotedPath(file: string): string {
  if (/["\\\n]|\$\{/.test(file))
    throw new CliError(`${file}: ssh takes no quote, backslash or \${ in this file's name; move the directory`);
  return `"${file.replaceAll("%", "%%")}"`;
}

/** Why ssh ended with 255, and what to do. */
export function explainSsh(target: SshTarget, knownHosts: string, { stderr }: SshResult): string {
  const { name } = target;
  const { destination, user, port, jump } = target.host;
  const at = [user === undefined ? destination : `${user}@${destination}`, port && `port ${port}`, jump && `by way of ${jump}`];
  const where = `ssh ${at.filter(Boolean).join(" ")}`;
  const reason = stderr.trim().split("\n").at(-1)?.trim() || "ssh said nothing";
  if (/IDENTIFICATION HAS CHANGED|REVOKED HOST KEY/.test(stderr)) {
    return `${where} shows another host key than the one pinned as ${aliasOf(target)} in ${knownHosts}; if the host was made anew: wgchain trust ${name}; if not, somebody stands in between`;
  }
  if (/host key is known for|Host key verification failed/.test(stderr)) {
    if (target.hostKeyAlias !== undefined)
      return `${where}: ${knownHosts} has no line ${target.hostKeyAlias}; the first deploy of a VM records it: take that file from whoever deployed, or deploy from here`;
    return `${where}: its host key is not known; check its fingerprint and pin it: wgchain trust ${name}`;
  }
  if (/ermission denied/.test(stderr)) {
    return `${where} refuses to log in (${reason}); is your key in its authorized_keys, and loaded in your agent?`;
  }
  return `${where} cannot be reached: ${reason}`;
}
