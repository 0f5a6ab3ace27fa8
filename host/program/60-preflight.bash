# ---- preflight: everything that can be known before the first change ---------------------------------------------------------------------------

PROBLEMS=()
problem() { PROBLEMS+=("$*"); }
stop_at_problems() {
  local text
  [[ ${#PROBLEMS[@]} -gt 0 ]] || return 0
  for text in "${PROBLEMS[@]}"; do printf 'wgchain-host: %s\n' "$text" >&2; done
  die "nothing was changed on this host"
}

check_tree() {
  local path
  [[ -d $TREE/etc/wgchain ]] || die "no payload in $TREE; called by hand? use \`cdktf deploy\`"
  while IFS= read -r path; do
    case $path in
      *..* | *[!A-Za-z0-9_@.,=+/-]*) problem "the payload holds a file name that is not ours: $path" ;;
      etc/wireguard/*.conf | etc/wgchain/* | etc/sysctl.d/90-wgchain.conf | usr/local/lib/wgchain/*) ;;
      etc/systemd/system/*wgchain* | etc/systemd/networkd.conf.d/wgchain.conf) ;;
      *) problem "the payload holds a file that is not ours: $path" ;;
    esac
  done < <(find "$TREE" ! -type d -printf '%P\n')
  stop_at_problems
  [[ -z ${1-} || $(generation_of "$TREE") == "$1" ]] || die "the payload that arrived is not the one that was sent ($1); run the deploy again"
}

# Files that may hold the private key of an interface: just sent, in use, or made by `wgchain keys rotate`.
key_files() { FILES=("$TREE/etc/wgchain/keys/$1.key" "$KEYS/$1.key" "$KEYS/$1.key.next"); } # into FILES

check_key_files() { # needs no tools yet
  local iface file found
  while read -r iface _; do
    found=
    key_files "$iface"
    for file in "${FILES[@]}"; do [[ ! -s $file ]] || found=1; done
    [[ -n $found ]] || problem "no private key for interface $iface at $KEYS/$iface.key; make it and commit its public key: wgchain keys"
  done <"$TREE/etc/wgchain/interfaces"
}

check_keys() {
  local iface key file public first
  while read -r iface _ _ _ _ _ key; do
    first=
    key_files "$iface"
    for file in "${FILES[@]}"; do
      public=
      [[ ! -s $file ]] || public=$(key_of "$file")
      [[ $public != "$key" ]] || break
      first=${first:-$public}
    done
    if [[ $public == "$key" ]]; then continue; fi
    if [[ -z $first ]]; then
      problem "the private key of interface $iface ($KEYS/$iface.key) is not a WireGuard key; make a new one: wgchain keys"
    else
      problem "interface $iface: this host's private key belongs to public key $first, the configuration says $key; read the host's keys again and commit them: wgchain keys"
    fi
  done <"$TREE/etc/wgchain/interfaces"
  check_preshared_keys
}

psk_digest() { tr -d '\n' <"$1" | sha256sum | cut -d' ' -f1; }
psk_files() { printf '%s\n' "$TREE/etc/wgchain/keys/$1.psk" "$KEYS/$1.psk" "$KEYS/$1.psk.next"; }
check_preshared_keys() {
  local iface digest file found
  while read -r iface digest; do
    found=
    while read -r file; do
      if [[ -s $file && $(psk_digest "$file") == "$digest" ]]; then found=1; fi
    done < <(psk_files "$iface")
    [[ -n $found ]] || problem "interface $iface: this host has no pre-shared key ($KEYS/$iface.psk) of digest ${digest:0:12}...; bring it to both ends: wgchain keys"
  done < <(awk -F'\t' '$6 != "" && $6 != "(none)" { print $1, $6 }' "$TREE/etc/wgchain/peers")
}

check_names_and_ports() {
  local iface port owner name used
  ss -Hlun >"$WORK/sockets"
  { wg show all listen-port 2>/dev/null || true; } >"$WORK/ports" # once: wg asks for all peers, too
  while read -r iface _ _ _ port _; do
    if ! has_conf "$iface"; then
      [[ ! -e /etc/wireguard/$iface.conf ]] || problem "/etc/wireguard/$iface.conf exists and is not wgchain's; take it over (wgchain adopt NODE/$iface), move it away (wg-quick down $iface first), or name our interface otherwise"
      ! link_exists "$iface" || problem "a network interface $iface exists and is not wgchain's; take it over (wgchain adopt NODE/$iface), remove it, or name our interface otherwise"
    fi
    owner=
    while read -r name used; do [[ $used != "$port" ]] || owner=$name; done <"$WORK/ports"
    [[ -z $owner ]] || has_conf "$owner" || { problem "interface $iface: UDP port $port is the listen port of WireGuard interface $owner, which is not wgchain's; choose another listenPort"; continue; }
    [[ -z $owner ]] || continue
    ! awk -v port="$port" '{ n = split($4, part, ":"); if (part[n] == port) used = 1 } END { exit !used }' "$WORK/sockets" ||
      problem "interface $iface: UDP port $port is in use on this host (ss -lunp 'sport = :$port'); stop that program or choose another listenPort"
  done <"$TREE/etc/wgchain/interfaces"
}

# A verdict drop of any chain at the forward hook is final, whatever our own table accepts.
# shellcheck disable=SC2016
readonly FORWARD_AWK='
  function closing() { if (isforward && (drop || last ~ /^(counter packets [0-9]+ bytes [0-9]+ )?(drop|reject)/)) { bad = 1; chain = name } }
  /^table / { table = $2 " " $3; text = ""; bad = 0; next }
  table == "ip wgchain" { next }
  /^}/ { if (bad && table != "ip wgchain" && (table ~ /^(ip|inet) /)) { missing = ""
           for (i = 1; i <= n; i++) if (index(text, "\"" names[i] "\"") == 0 && !wild(names[i])) missing = missing " " names[i]
           if (missing != "") print table "\t" chain "\t" substr(missing, 2) } next }
  function wild(who,   k) { for (k = length(who); k > 0; k--) if (index(text, "\"" substr(who, 1, k) "*\"")) return 1; return 0 }
  /^\tchain / { name = $2; isforward = 0; drop = 0; last = ""; next }
  /^\t}/ { closing(); isforward = 0; next }
  / hook forward / { isforward = 1; drop = ($0 ~ /policy drop/); next }
  { text = text $0 "\n"; last = $0; sub(/^[ \t]+/, "", last) }'

# Of who is not named there: without the elements of sets, of which our own table may have very many, unless a chain is found that closes.
closing_chains() { # NAMES
  local rules
  for rules in 'nft -t list ruleset' 'nft list ruleset'; do
    $rules 2>/dev/null | awk -v list="$1" "BEGIN { n = split(list, names, \" \") } $FORWARD_AWK" >"$WORK/closing"
    [[ -s $WORK/closing ]] || return 0
  done
  cat -- "$WORK/closing"
}

check_forward() {
  local names table chain missing mend iface
  [[ $'\n'$(sysctls_of "$TREE/etc/sysctl.d/90-wgchain.conf")$'\n' == *$'\nnet.ipv4.ip_forward 1\n'* ]] || return 0
  names=$(ETC=$TREE/etc/wgchain; wanted_interfaces; printf '%s' "${WANTED[*]}")
  while IFS=$'\t' read -r table chain missing; do
    mend=
    for iface in $missing; do
      case $table in
        *firewalld*) mend+="; firewall-cmd --permanent --zone=trusted --add-interface=$iface" ;;
        *)
          if command -v ufw >/dev/null && ufw status 2>/dev/null | grep '^Status: active' >/dev/null; then mend+="; ufw route allow in on $iface; ufw route allow out on $iface"
          elif nft list chain ip filter DOCKER-USER >/dev/null 2>&1; then mend+="; iptables -I DOCKER-USER -i $iface -j ACCEPT; iptables -I DOCKER-USER -o $iface -j ACCEPT"
          else mend+="; nft insert rule $table $chain iifname $iface accept; nft insert rule $table $chain oifname $iface accept"; fi ;;
      esac
    done
    problem "chain $chain of nftables table $table (not wgchain's) drops what is forwarded and says nothing of ${missing// /, }; allow them there:${mend#;}"
  done < <(closing_chains "$names")
  check_forward_of_gateway
  if grep -Fxq filter /proc/net/ip_tables_names 2>/dev/null && command -v iptables-legacy-save >/dev/null; then
    iptables-legacy-save -t filter >"$WORK/legacy" 2>/dev/null || true
    for iface in $names; do
      ! grep -q '^:FORWARD DROP' "$WORK/legacy" || grep -qE -- "-[io] $iface( |\$)" "$WORK/legacy" ||
        problem "iptables-legacy's FORWARD policy is DROP and says nothing of $iface; allow it there: iptables-legacy -I FORWARD -i $iface -j ACCEPT; iptables-legacy -I FORWARD -o $iface -j ACCEPT"
    done
  fi
}

# Private networks have no interface of ours. What allows them names their prefix or device; what allows forwards, DNAT or the uplink.
check_forward_of_gateway() {
  local table chain network mend docker=
  [[ -s $TREE/etc/wgchain/lans || -s $TREE/etc/wgchain/forwards ]] || return 0
  ! nft list chain ip filter DOCKER-USER >/dev/null 2>&1 || docker=1
  lines_of "$TREE/etc/wgchain/lans" | awk '{ print $2 }' >"$WORK/lans"
  while IFS=$'\t' read -r table chain _; do
    # shellcheck disable=SC2086 # family and name
    nft list table $table >"$WORK/theirs"
    while read -r network; do
      ! says_of "$network" "$network" || continue
      mend="nft insert rule $table $chain ip saddr $network accept; nft insert rule $table $chain ip daddr $network accept"
      [[ -z $docker ]] || mend="iptables -I DOCKER-USER -s $network -j ACCEPT; iptables -I DOCKER-USER -d $network -j ACCEPT"
      problem "chain $chain of nftables table $table (not wgchain's) drops what is forwarded and says nothing of the private network $network; allow it there: $mend"
    done <"$WORK/lans"
    if [[ ! -s $TREE/etc/wgchain/forwards ]] || says_of default 'ct status dnat' 'xt match "conntrack"'; then continue; fi
    mend="nft insert rule $table $chain ct status dnat accept"
    [[ -z $docker ]] || mend="iptables -I DOCKER-USER -m conntrack --ctstate DNAT -j ACCEPT"
    problem "chain $chain of nftables table $table (not wgchain's) drops what is forwarded and says nothing of forwards; allow them there: $mend"
  done < <(closing_chains '(none)')
}
says_of() { # PREFIX WORDS...: the listed table holds the words, or the device by which the prefix is reached
  local dev words
  dev=$(ip -4 -o route show "$1" | sed -n '1s/.* dev \([^ ]*\).*/\1/p')
  for words in "${@:2}" ${dev:+"\"$dev\""}; do ! grep -F -- "$words" "$WORK/theirs" >/dev/null || return 0; done
  return 1
}

check_tables() { # a table number of ours that holds routes of somebody else
  local table
  file_or_none /etc/wgchain/routes
  ip -4 -N route show table all >"$WORK/routes.all"
  while read -r table; do
    problem "routing table $table already holds routes that are not wgchain's (ip route show table $table); remove them, or use another table"
  done < <(awk "/ proto $PROTOCOL( |\$)/ { next }"' '"$ROUTE_AWK"'
    { table = line; sub(/^.* /, "", table) }
    file == "ours" { ours[table]; next }
    file == "wanted" { if (table != 254 && !(table in ours)) wanted[table]; next }
    table in wanted { print table; delete wanted[table] }' file=ours "$FILE" file=wanted "$TREE/etc/wgchain/routes" file=live "$WORK/routes.all")
}

# Our rules and our nft table take all that goes to or comes from an inner address: a network that the host knows elsewhere would be cut off, and
# with it whoever deploys from there.
# shellcheck disable=SC2016
readonly OVERLAP_AWK='
  function number(a,   p) { split(a, p, "."); return ((p[1] * 256 + p[2]) * 256 + p[3]) * 256 + p[4] }
  function span(t,   p, n) { n = split(t, p, "/"); from = number(p[1]); to = from + 2 ^ (32 - (n > 1 ? p[2] : 32)) - 1 }
  FILENAME == ARGV[1] { span($1); net[++count] = $1; low[count] = from; high[count] = to; next }
  { span($1); for (i = 1; i <= count; i++) if (from <= high[i] && low[i] <= to) { print net[i] "\t" $0; break } }'

check_networks() { # those that are new here
  local net what other dev
  awk '$1 == "networks" { print $2 }' "$WORK/elements.new" >"$WORK/networks"
  [[ -s $WORK/networks ]] || return 0
  {
    ip -4 -N route show table main | awk '!/ proto 119( |$)/ && $1 ~ /^[0-9]+\.[0-9.\/]+$/ { print $1, "route" }'
    ss -Htn state established | awk '{ peer = $4; sub(/:[0-9]+$/, "", peer); gsub(/^\[(::ffff:)?|\]$/, "", peer); if (peer ~ /^[0-9.]+$/) print peer, "connection" }'
  } | sort -u >"$WORK/known"
  while IFS=$'\t' read -r net other; do
    read -r other what <<<"$other"
    dev=$(ip -4 route get "${other%/*}" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' || true)
    ! has_conf "$dev" || continue # by one of our own interfaces
    case $what in
      route) problem "network $net of this deploy overlaps $other, which this host reaches by $dev (ip route); it would be cut off: take another network" ;;
      *) problem "network $net of this deploy holds $other, which has a TCP connection to this host by $dev; it would be cut off, perhaps you with it: take another network" ;;
    esac
  done < <(awk "$OVERLAP_AWK" "$WORK/networks" "$WORK/known")
}

# What is written twice, beside what it replaces, and once more as the last good configuration. Full in the middle would leave neither.
check_space() {
  local need directory free there=()
  need=$(du -sk -- "$TREE")
  need=$((${need%%[!0-9]*} * 3 + 1024))
  for directory in "$KEYS" /etc/wgchain /etc/wireguard /etc/systemd /etc/sysctl.d /etc "$LIB" /var/lib /usr/local/lib/wgchain /usr/local /run; do
    [[ ! -d $directory ]] || there+=("$directory")
  done
  while read -r free directory; do
    [[ ! $free =~ ^[0-9]+$ || $free -ge $need ]] || problem "$directory has $free kB free, this deploy needs $need kB there; make room"
  done < <(df -k --output=avail,file -- "${there[@]}")
}

preflight() {
  file_or_none /etc/wgchain/elements
  awk 'FILENAME == ARGV[1] { here[$0]; next } !($0 in here) { here[$0]; print }' "$FILE" "$TREE/etc/wgchain/elements" >"$WORK/elements.new"
  check_space
  check_keys
  check_networks
  check_names_and_ports
  check_forward
  check_tables
  # Under another name and with the elements that are new: nft would read all that is there, and check what it has taken before.
  { cat -- "$TREE/etc/wgchain/nftables.nft"; nft_statements add <"$WORK/elements.new"; } | sed 's/ ip wgchain / ip wgchain_check /' >"$WORK/nft.check"
  nft -c -f "$WORK/nft.check" 2>"$WORK/nft" || problem "nft refuses our table: $(tr '\n' ' ' <"$WORK/nft")"
  stop_at_problems
}
