import type { Host } from "../lab";

/** All that a deploy may change on a host, a line each; without what comes and goes by itself (counters, handshakes, /run). */
export type HostState = readonly string[];

/*
 * Reads only. An element of a set or map is a line of its own, since the kernel lists them in any order. Of a peer's endpoint only one that
 * the configuration names is state: others roam. What the first deploy found, and the outcome of the last, are history. What a run that was
 * killed was writing in /var/lib is nothing until it is renamed; the next deploy removes it (killed.ts).
 */
const script = String.raw`
set +e +o pipefail
export LC_ALL=C
ip -4 -N rule show | sed 's/^/rule /'
ip -4 -N route show table all | sed -E 's/ (linkdown|dead)( |$)/ /g; s/^/route /; s/ +$//'
ip -4 -o addr show | awk '{ print "address", $2, $4 }'
wg show all dump | awk -F'\t' '
  NF == 5 { print "interface", $1, "key", $3, "port", $4, "mark", $5; next }
  { print "peer", $1, $2, "psk", ($3 == "(none)" ? "none" : "set"), "keepalive", $9; print "endpoint", $1, $2, $4
    n = split($5, a, ","); for (i = 1; i <= n; i++) print "allowed", $1, $2, a[i] }'
for name in $(wg show interfaces); do
  ip -o link show dev "$name" | sed -E 's/^[0-9]+: ([^:]+):.*[<,](UP)[,>].* mtu ([0-9]+) .*/link \1 up mtu \3/'
done
nft -s list ruleset | awk '
  function each(text,   n, i, e) { n = split(text, e, ","); for (i = 1; i <= n; i++) { gsub(/^[ \t]+|[ \t]+$/, "", e[i]); if (e[i] != "") print "nft", table, name, "element", e[i] } }
  /^table / { table = $2 "/" $3; n = 0 }
  $1 == "set" || $1 == "map" || $1 == "chain" { name = $2; n = 0 }
  /elements = \{/ { inside = 1; sub(/^.*elements = \{/, "") }
  inside { last = sub(/\}.*$/, ""); each($0); if (last) inside = 0; next }
  { gsub(/^[ \t]+/, ""); print "nft", table, name, n++, $0 }'
for key in net.ipv4.ip_forward net.ipv4.conf.all.rp_filter net.ipv4.conf.all.src_valid_mark net.ipv4.conf.all.send_redirects; do
  echo "sysctl $key $(sysctl -n $key)"
done
find /etc/wgchain /etc/wireguard /etc/sysctl.d /etc/systemd/system /etc/systemd/networkd.conf.d /usr/local/lib/wgchain /var/lib/wgchain \
  \( -path /var/lib/wgchain/outcome -o -path /var/lib/wgchain/found -o -path /var/lib/wgchain/adopted -o -name faults-fill -o -path '/var/lib/wgchain/*.wgchain-new' \) -prune -o -type f -printf 'file %m %U %p\n' 2>/dev/null |
  while read -r word mode user path; do
    # A key is made before the interface that needs it is deployed.
    case $path in */keys/*) name=${"${path##*/}"}; grep -q "^${"${name%%.*}"} " /etc/wgchain/interfaces || continue ;; /var/lib/wgchain/*) mode=- ;; esac
    echo "$word $mode $user $(sed -E 's|/good\.[^/]*|/good.X|' <<<"$path") $(sha256sum <"$path" | cut -c1-16)"
  done
awk -F'\t' '$3 != "(none)" { print "configured", $1, $2 }' /etc/wgchain/peers 2>/dev/null
`;

export async function stateOf(host: Host): Promise<HostState> {
  const { stdout } = await host.sh(script, { timeoutMs: 20_000 });
  const lines = stdout.split("\n").filter(Boolean);
  const configured = new Set(
    lines.filter((line) => line.startsWith("configured ")).map((line) => line.slice("configured ".length)),
  );
  return lines
    .filter((line) => !line.startsWith("configured "))
    .filter((line) => !line.startsWith("endpoint ") || configured.has(line.split(" ").slice(1, 3).join(" ")))
    .sort();
}

/** What is there and should not be, and the other way round; empty when the two are one. */
export function differences(wanted: HostState, seen: HostState): string[] {
  const [a, b] = [new Set(wanted), new Set(seen)];
  return [
    ...wanted.filter((line) => !b.has(line)).map((line) => `lacks: ${line}`),
    ...seen.filter((line) => !a.has(line)).map((line) => `has: ${line}`),
  ];
}
