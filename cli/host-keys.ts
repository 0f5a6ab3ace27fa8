import { parseInterfaceName } from "../lib/name";
import { parsePublicKey } from "../lib/key";
import { explainSsh, ssh, type SshNode } from "./ssh";
import { CliError } from "../app/error";

export interface HostKeyRequest {
  readonly interface: string;
  /** False: only say which key is there, for a public key is known already and a new private one would not fit it. */
  readonly make: boolean;
}

export interface HostKey {
  readonly state: "made" | "there" | "missing" | "malformed";
  readonly publicKey?: string;
}

export const hostKeyFile = (interfaceName: string): string => `/etc/wgchain/keys/${interfaceName}.key`;

/**
 * Makes the private keys of a node's interfaces on the node, in one session; they never leave it. The program goes over standard input, so that no
 * argument and no process list names anything but `sh`.
 */
export async function hostKeys(
  node: SshNode,
  knownHosts: string,
  requests: readonly HostKeyRequest[],
  notice: (text: string) => void,
): Promise<ReadonlyMap<string, HostKey>> {
  const found = new Map<string, HostKey>();
  let [begun, ended, refusal] = [false, false, ""];
  const onLine = (line: string): void => {
    const [kind, name = "", state = "", key = ""] = line.split(" ");
    if (line === "wgchain-session") begun = true;
    else if (!begun)
      return; // what a login shell says
    else if (kind === "key" && (state === "made" || state === "there"))
      found.set(name, { state, publicKey: parsePublicKey(key, `key of ${name}`) });
    else if (kind === "key" && (state === "missing" || state === "malformed")) found.set(name, { state });
    else if (kind === "notice") notice(line.slice("notice ".length));
    else if (kind === "error") refusal = line.slice("error ".length);
    else if (line === "end") ended = true;
  };
  const result = await ssh({ node, knownHosts, checking: "yes", command: remoteCommand, input: program(requests), onLine });
  if (!begun && result.status === 255) throw new CliError(explainSsh(node, knownHosts, result));
  if (!begun)
    throw new CliError(`the session ended with status ${result.status} before it began; is the user's login shell a shell?`);
  if (refusal !== "") throw new CliError(refusal);
  if (!ended) throw new CliError("the session broke before all was done; run again, it takes up where this ended");
  return found;
}

const remoteCommand = `exec sh -c '
  exec 2>&1
  echo wgchain-session
  if [ "$(id -u)" = 0 ]; then exec sh -s; fi
  if sudo -n true </dev/null 2>/dev/null; then exec sudo -n sh -s; fi
  echo "error $(id -un) may not use sudo without a password on this host; allow it (NOPASSWD), or connect as root"
  exit 77'`;

function program(requests: readonly HostKeyRequest[]): string {
  const calls = requests.map((one) => `  ${one.make ? "make" : "check"} ${parseInterfaceName(one.interface)}`);
  // In a function, so that a stream cut short runs nothing.
  return `${hostProgram}\nmain() {\n  prepare\n${calls.join("\n")}\n  echo end\n}\nmain\n`;
}

const hostProgram = String.raw`set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH LC_ALL=C
umask 077
keys=/etc/wgchain/keys
tmp=
trap 'rm -f -- $tmp' EXIT
trap 'exit 129' HUP INT TERM

die() { echo "error $*"; exit 1; }

# A host that was never deployed to has no wg.
prepare() {
  if ! command -v wg >/dev/null; then
    command -v apt-get >/dev/null || die "no wg and no apt-get on this host; install wireguard-tools"
    echo "notice installs wireguard-tools"
    tmp=$(mktemp)
    { apt-get -q -o DPkg::Lock::Timeout=300 update &&
      env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install wireguard-tools; } </dev/null >"$tmp" 2>&1 ||
      die "apt-get could not install wireguard-tools: $(tail -n 1 "$tmp")"
    rm -f -- "$tmp"
    tmp=
    command -v wg >/dev/null || die "no wg on this host even after apt-get installed wireguard-tools; install it by hand"
  fi
  (umask 022 && mkdir -p /etc/wgchain)
  mkdir -p "$keys"
  chown 0:0 "$keys"
  chmod 0700 "$keys"
}

check() { report "$1" there; }

make() {
  if [ -e "$keys/$1.key" ] || [ -L "$keys/$1.key" ]; then
    report "$1" there
    return
  fi
  tmp=$(mktemp "$keys/.$1.XXXXXX")
  wg genkey </dev/null >"$tmp"
  chmod 0600 "$tmp"
  sync
  # A link, not a move: it fails where something is, so nothing is ever overwritten.
  state=made
  ln -- "$tmp" "$keys/$1.key" 2>/dev/null || state=there
  rm -f -- "$tmp"
  tmp=
  report "$1" "$state"
}

report() {
  if [ ! -e "$keys/$1.key" ]; then
    echo "key $1 missing"
    return
  fi
  chown 0:0 "$keys/$1.key"
  chmod 0600 "$keys/$1.key"
  if public=$(wg pubkey <"$keys/$1.key" 2>/dev/null); then
    echo "key $1 $2 $public"
  else
    echo "key $1 malformed"
  fi
}
`;
