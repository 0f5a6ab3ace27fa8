import { CliError } from "../app/error";
import { explainSsh, ssh, type SshTarget } from "./ssh";

export interface RootSession {
  readonly node: SshTarget;
  readonly knownHosts: string;
  /** A program for `sh`. It goes over standard input, so that no argument and no process list shows what is in it. */
  readonly program: string;
  /** Standard output and error of it, without what a login shell says. */
  readonly onLine: (line: string) => void;
}

const marker = "wgchain-session";

/** Runs a program on a host as root, directly or by sudo; its exit status. What keeps it from being run is an error that says how to mend it. */
export async function rootSession({ node, knownHosts, program, onLine }: RootSession): Promise<number> {
  let [begun, refusal] = [false, ""];
  const result = await ssh({
    node,
    knownHosts,
    checking: "yes",
    command: remoteCommand,
    input: program,
    onLine: (line) => {
      if (!begun) begun = line === marker;
      else if (line.startsWith(`${marker} `)) refusal = line.slice(marker.length + 1);
      else onLine(line);
    },
  });
  if (!begun && result.status === 255) throw new CliError(explainSsh(node, knownHosts, result));
  if (!begun)
    throw new CliError(`the session ended with status ${result.status} before it began; is the user's login shell a shell?`);
  if (refusal !== "") throw new CliError(refusal);
  return result.status;
}

const remoteCommand = `exec sh -c '
  exec 2>&1
  echo ${marker}
  if [ "$(id -u)" = 0 ]; then exec sh -s; fi
  if sudo -n true </dev/null 2>/dev/null; then exec sudo -n sh -s; fi
  echo "${marker} $(id -un) may not use sudo without a password on this host; allow it (NOPASSWD), or connect as root"
  exit 77'`;
