import { parseInterfaceName } from "../lib/name";
import { parsePublicKey } from "../lib/key";
import { rootSession } from "./root-session";
import type { SshTarget } from "./ssh";
import { CliError } from "../app/error";

export interface HostKeyRequest {
  readonly interface: string;
  /**
   * check: only say which key is there, for a public key is known already and a new private one would not fit it. next: make the key that the next
   * deploy puts in the place of the one that is there.
   */
  readonly action: "make" | "check" | "next";
}

export interface HostKey {
  readonly state: "made" | "there" | "missing" | "malformed";
  readonly publicKey?: string;
  /** Public key of the one that waits to take its place. */
  readonly next?: string;
}

export const hostKeyFile = (interfaceName: string): string => `/etc/wgchain/keys/${interfaceName}.key`;

/**
 * Makes the private keys of a node's interfaces on the node, in one session; they never leave it. The program goes over standard input, so that no
 * argument and no process list names anything but `sh`.
 */
export async function hostKeys(
  node: SshTarget,
  knownHosts: string,
  requests: readonly HostKeyRequest[],
  notice: (text: string) => void,
): Promise<ReadonlyMap<string, HostKey>> {
  const found = new Map<string, HostKey>();
  const onLine = (line: string): void => {
    const [kind, name = "", state = "", key = "", next = ""] = line.split(" ");
    if (kind !== "key") return;
    if (state === "missing" || state === "malformed") found.set(name, { state });
    if (state !== "made" && state !== "there") return;
    const publicKey = parsePublicKey(key, `key of ${name}`);
    found.set(name, { state, publicKey, ...(next === "" ? {} : { next: parsePublicKey(next, `next key of ${name}`) }) });
  };
  const calls = requests.map((one) => `${one.action} ${parseInterfaceName(one.interface)}`);
  await keySession({ node, knownHosts, calls, notice, onLine });
  return found;
}

/** Functions of the program below, run on the host, as root, in `sh`. A secret may stand in `calls`: they go over standard input only. */
export interface KeySession {
  readonly node: SshTarget;
  readonly knownHosts: string;
  readonly calls: readonly string[];
  readonly notice: (text: string) => void;
  readonly onLine: (line: string) => void;
}

export async function keySession({ node, knownHosts, calls, notice, onLine }: KeySession): Promise<void> {
  let [ended, refusal] = [false, ""];
  await rootSession({
    node,
    knownHosts,
    program: programOf(calls),
    onLine: (line) => {
      if (line.startsWith("notice ")) notice(line.slice("notice ".length));
      else if (line.startsWith("error ")) refusal = line.slice("error ".length);
      else if (line === "end") ended = true;
      else onLine(line);
    },
  });
  if (refusal !== "") throw new CliError(refusal);
  if (!ended) throw new CliError("the session broke before all was done; run again, it takes up where this ended");
}

function programOf(calls: readonly string[]): string {
  // In a function, so that a stream cut short runs nothing.
  return `${hostProgram}\nmain() {\n  prepare\n${calls.map((call) => `  ${call}\n`).join("")}  echo end\n}\nmain\n`;
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
  state=there
  [ -e "$keys/$1.key" ] || [ -L "$keys/$1.key" ] || generate "$1.key"
  report "$1" "$state"
}

next() {
  state=there
  [ ! -e "$keys/$1.key" ] || [ -e "$keys/$1.key.next" ] || [ -L "$keys/$1.key.next" ] || generate "$1.key.next"
  report "$1" "$state"
}

generate() {
  tmp=$(mktemp "$keys/.$1.XXXXXX")
  wg genkey </dev/null >"$tmp"
  keep "$1"
}

# A link, not a move: it fails where something is, so nothing is ever overwritten.
keep() {
  chmod 0600 "$tmp"
  sync
  state=made
  ln -- "$tmp" "$keys/$1" 2>/dev/null || state=there
  rm -f -- "$tmp"
  tmp=
}

report() {
  if [ ! -e "$keys/$1.key" ]; then
    echo "key $1 missing"
    return
  fi
  chown 0:0 "$keys/$1.key"
  chmod 0600 "$keys/$1.key"
  following=
  if [ -e "$keys/$1.key.next" ]; then
    chown 0:0 "$keys/$1.key.next"
    chmod 0600 "$keys/$1.key.next"
    following=$(wg pubkey <"$keys/$1.key.next" 2>/dev/null) || die "$keys/$1.key.next holds no WireGuard key (not shown); take it away there and run again"
  fi
  if public=$(wg pubkey <"$keys/$1.key" 2>/dev/null); then
    echo "key $1 $2 $public $following"
  else
    echo "key $1 malformed"
  fi
}

# Pre-shared keys: FILE is IFACE.psk or IFACE.psk.next.
psk_state() {
  if [ ! -e "$keys/$1" ]; then
    echo "psk $1 missing"
  elif ! grep -Eqx '[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=' "$keys/$1"; then
    echo "psk $1 malformed"
  else
    chown 0:0 "$keys/$1"
    chmod 0600 "$keys/$1"
    echo "psk $1 there $(tr -d '\n' <"$keys/$1" | sha256sum | cut -d' ' -f1)"
  fi
}
psk_read() { echo "psk $1 value $(cat "$keys/$1")"; }
psk_keep() {
  tmp=$(mktemp "$keys/.$1.XXXXXX")
  echo "$2" >"$tmp"
  keep "$1"
  psk_state "$1"
}
`;
