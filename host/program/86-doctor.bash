# ---- doctor: the report, what differs from what was deployed, and what would break it -------------------------------------------------------------

finding() { fields problem "$1" "${*:2}"; } # CODE TEXT; the text ends with how to mend it

verb_doctor() {
  local line
  [[ $EUID -eq 0 ]] || die "must run as root"
  work
  # What was deployed, also where files of it are gone.
  [[ ! -e $LIB/good ]] || look_at "$LIB/good/tree"
  report
  if [[ ! -f $ETC/interfaces ]]; then
    finding not-deployed "wgchain is not deployed on this host; deploy it: cdktf deploy"
    fields end
    return 0
  fi
  find_state
  # In a process of its own: what keeps it from looking is a finding, too.
  (drift) >"$WORK/drift" 2>"$WORK/drift.errors" || finding cannot-look "what differs cannot be told: $(tr '\n\t' '  ' <"$WORK/drift.errors")"
  tr '\t' ' ' <"$WORK/drift" | awk '!seen[$0]++ { print "drift\t" $0 }'
  find_interfaces
  find_forwarding
  find_foreign_rules
  find_networkd
  find_paths
  find_silent_tunnels
  find_dead_exits
  fields end
}

find_state() {
  local text
  if [[ -f $LIB/pending ]]; then
    finding deploy-pending "the deploy $(pending_id) is not confirmed; wait until it ends, and if none runs, deploy again"
  elif [[ ! -e $LIB/good ]]; then
    finding no-good "this host does not know what was deployed last ($LIB/good is missing); deploy to it again"
  fi
  text=$(lines_of "$LIB/outcome" | head -n 1 | tr '\t' ' ')
  case $text in *' reverted '*) finding reverted "the last deploy did not stay: ${text#* }; mend what it says, and deploy again" ;; esac
}

find_interfaces() {
  local iface all own
  all=$(</proc/sys/net/ipv4/conf/all/rp_filter)
  wanted_interfaces
  for iface in "${WANTED[@]}"; do
    if ! link_exists "$iface"; then
      finding interface-missing "interface $iface does not exist; $(mend_interface "$iface")"
      continue
    fi
    link_up "$iface" || finding interface-down "interface $iface is down; $(mend_interface "$iface")"
    own=$(</proc/sys/net/ipv4/conf/"$iface"/rp_filter)
    ((own >= all)) || own=$all
    # Loose (2), too: the way back to a source is looked up as the host's own, and from a tunnel's address that is unreachable.
    ((own == 0)) || finding rp-filter "the reverse-path filter on $iface is $own (the greater of conf.all and conf.$iface), which drops replies; who sets it (grep -r rp_filter /etc/sysctl.d /etc/sysctl.conf)? then: $PROGRAM repair"
  done
}
mend_interface() { if has_systemd; then say "why: journalctl -u wg-quick@$1; then: $PROGRAM repair"; else say "bring it up: $PROGRAM repair"; fi; }

find_forwarding() {
  local iface text
  sysctls_of "$ROOT/etc/sysctl.d/90-wgchain.conf" | grep -Fx 'net.ipv4.ip_forward 1' >/dev/null || return 0
  if [[ $(</proc/sys/net/ipv4/ip_forward) != 1 ]]; then
    finding forwarding "IPv4 forwarding is off, nothing passes through this host; who turns it off (grep -r ip_forward /etc/sysctl.d /etc/sysctl.conf)? then: $PROGRAM repair"
  else
    wanted_interfaces
    for iface in "${WANTED[@]}"; do
      [[ ! -f /proc/sys/net/ipv4/conf/$iface/forwarding || $(</proc/sys/net/ipv4/conf/"$iface"/forwarding) == 1 ]] ||
        finding forwarding "forwarding is off for $iface; sysctl net.ipv4.conf.$iface.forwarding=1"
    done
  fi
  while IFS= read -r text; do finding forward-drop "$text"; done < <(
    # shellcheck disable=SC2034 # check_forward's
    TREE='' PROBLEMS=()
    check_forward
    for text in "${PROBLEMS[@]}"; do printf '%s\n' "$text"; done
  )
}

# Of the foreign rules that are asked before ours, those whose selector takes packets of ours, and whose table has a route for them.
# Files: our rules, all routes and foreign rules in canonical form; `ours` are our interfaces.
# shellcheck disable=SC2016
readonly FOREIGN_RULE_AWK='
  function number(a,   p) { split(a, p, "."); return ((p[1] * 256 + p[2]) * 256 + p[3]) * 256 + p[4] }
  function span(t,   p, n) { n = split(t, p, "/"); low = number(p[1]); high = low + 2 ^ (32 - (n > 1 ? p[2] : 32)) - 1 }
  function is_own(t,   i) { if (t == "" || t == "default") return 1; span(t); for (i = 1; i <= n; i++) if (low <= to[i] && from[i] <= high) return 1; return 0 }
  function meets(a, b,   l, h) { if (a == "default" || b == "default") return 1; span(a); l = low; h = high; span(b); return l <= high && low <= h }
  function hex(s,   i, v) { if (s !~ /^0x/) return s + 0; v = 0; for (i = 3; i <= length(s); i++) v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1; return v }
  function both(a, b,   r, p) { r = 0; for (p = 1; a > 0 && b > 0; p *= 2) { if (a % 2 == 1 && b % 2 == 1) r += p; a = int(a / 2); b = int(b / 2) } return r }
  function marked(text,   p, k, m) { # a mark of ours, or none, is one of these
    k = split(tolower(text), p, "/"); m = k > 1 ? hex(p[2]) : 4294967295
    for (i in mark) if (both(i + 0, m) == hex(p[1])) return 1
    return 0
  }
  BEGIN { count = split(ours, part, " "); for (i = 1; i <= count; i++) own[part[i]]; mark[0] }
  FILENAME == ARGV[1] { for (i = 1; i < NF; i++) { if ($i ~ /^(from|to)$/ && $(i + 1) ~ /^[0-9]/) { n++; span($(i + 1)); from[n] = low; to[n] = high } if ($i == "fwmark") mark[hex($(i + 1))] } next }
  # What leaves by an interface of ours is not taken.
  FILENAME == ARGV[2] { for (i = 2; i < NF; i++) if ($i == "dev" && $(i + 1) in own) next
    if ($1 !~ /^(local|broadcast|anycast|multicast|throw)$/) { t = $NF; p = $1 ~ /^(unreachable|blackhole|prohibit)$/ ? $2 : $1; routes[t] = routes[t] " " p } next }
  {
    split("", at); action = ""
    for (i = 1; i <= NF; i++) { if ($i == "not") at["not"] = 1; else if ($i ~ /^(unreachable|blackhole|prohibit)$/) action = $i; else { at[$i] = $(i + 1); i++ } }
    if (at["pref"] + 0 >= 10000 || at["lookup"] == 255) next
    if ("goto" in at && at["goto"] + 0 > 10000) action = "goto"
    if (action == "" && !("lookup" in at)) next
    if (!("not" in at)) {
      if ("iif" in at && !(at["iif"] in own)) next
      if ("oif" in at || "uidrange" in at) next
      if ("fwmark" in at && !marked(at["fwmark"])) next
      if ("from" in at && !is_own(at["from"])) next
    }
    taken = action != ""
    k = split(routes[at["lookup"]], part, " ")
    for (j = 1; j <= k && !taken; j++) {
      # What is asked of: where the rule says to, else everywhere; a table with no default takes only what it has a route for.
      if ("to" in at && !("not" in at)) taken = meets(at["to"], part[j])
      else taken = part[j] == "default" || part[j] ~ /\/1$/ || is_own(part[j])
      if (taken && "suppress_prefixlength" in at && (part[j] == "default")) taken = 0
    }
    if (taken) print
  }'

find_foreign_rules() {
  local line
  # With -N an action is a number, too.
  ip -4 -N rule show | awk '/ proto '$PROTOCOL'( |$)/ { next }
    BEGIN { action[6] = "blackhole"; action[7] = "unreachable"; action[8] = "prohibit" }
    { for (i = 2; i <= NF; i++) if ($i in action) $i = action[$i]; else if ($i == "nop") $i = ""; else if ($i != "not" && $i != "[detached]") i++; print }' |
    awk -v own= "$RULE_AWK$PRINT_AWK" >"$WORK/rules.foreign"
  ip -4 -N route show table all | awk "$ROUTE_AWK$PRINT_AWK" >"$WORK/routes.all"
  while IFS= read -r line; do
    finding foreign-rule "the rule '$line', which is not wgchain's, is asked before wgchain's and takes its packets; remove it (ip rule del $line), or give it a priority above 20000"
  done < <(wanted_interfaces; awk -v ours="${WANTED[*]}" "$FOREIGN_RULE_AWK" "$ETC/rules" "$WORK/routes.all" "$WORK/rules.foreign")
}

# systemd-networkd removes what it did not make, unless told not to before it started.
find_networkd() {
  local key value since written
  has_systemd && systemctl is-active -q systemd-networkd.service 2>/dev/null || return 0
  for key in ManageForeignRoutingPolicyRules ManageForeignRoutes; do
    value=$(networkd_conf | awk -F= -v key="$key" '{ gsub(/[ \t\r]/, "") } /^\[/ { section = $0; next } section == "[Network]" && $1 == key { value = tolower($2) } END { print value }')
    case $value in
      no | n | false | f | off | 0) ;;
      *) finding networkd "systemd-networkd runs with $key=${value:-yes} and may remove wgchain's rules or routes; which file sets it: systemd-analyze cat-config systemd/networkd.conf; then: systemctl restart systemd-networkd" ;;
    esac
  done
  written=$(stat -c %Y /etc/systemd/networkd.conf.d/wgchain.conf 2>/dev/null || echo 0)
  since=$(systemctl show -p ExecMainStartTimestamp --timestamp=unix --value systemd-networkd.service 2>/dev/null | tr -d @ || true)
  if [[ $since =~ ^[0-9]+$ ]] && ((since < written)); then
    finding networkd "systemd-networkd has not read /etc/systemd/networkd.conf.d/wgchain.conf yet and may remove wgchain's rules; systemctl restart systemd-networkd"
  fi
}
networkd_conf() { # as it takes them: the main file, then the others by name; of two of one name, that of /etc
  local name directory
  cat /etc/systemd/networkd.conf 2>/dev/null || true
  for name in $(find /etc/systemd/networkd.conf.d /run/systemd/networkd.conf.d /usr/local/lib/systemd/networkd.conf.d /usr/lib/systemd/networkd.conf.d -name '*.conf' -printf '%f\n' 2>/dev/null | sort -u); do
    for directory in /etc /run /usr/local/lib /usr/lib; do
      [[ -e $directory/systemd/networkd.conf.d/$name ]] || continue
      echo
      cat "$directory/systemd/networkd.conf.d/$name"
      break
    done
  done
}

# Each endpoint: is there a way, and is it wide enough for the tunnel's packets with WireGuard's 60 bytes around them?
find_paths() {
  local iface peer mtu address route dev least size text
  : >"$WORK/paths"
  while IFS=$'\t' read -r iface peer mtu address; do
    if ! route=$(ip -4 route get "$address" 2>&1) || [[ $route == unreachable* ]]; then
      finding endpoint-unreachable "no route to $address, the endpoint of $peer on $iface ($(head -n 1 <<<"$route")); mend this host's uplink"
      continue
    fi
    size=$((mtu + 60))
    dev=; [[ $route =~ \ dev\ ([^ ]+) ]] && dev=${BASH_REMATCH[1]}
    least=$(links | awk -v dev="$dev" '$1 == dev { print $3 }')
    text="the MTU of $dev"
    if [[ $route =~ \ mtu\ (lock\ )?([0-9]+) ]] && ((BASH_REMATCH[2] < ${least:-65536})); then least=${BASH_REMATCH[2]} text="the MTU of the way to it"; fi
    if [[ -n $least ]] && ((least < size)); then
      path_finding "$iface" "$mtu" "$peer" "$address" "$least" "$text"
    elif command -v ping >/dev/null; then
      printf '%s\t%s\t%s\t%s\n' "$iface" "$peer" "$mtu" "$address" >>"$WORK/paths"
      LC_ALL=C ping -n -M 'do' -c 1 -W 1 -s $((size - 28)) "$address" >"$WORK/ping.$iface.$address" 2>&1 </dev/null &
    fi
  done < <(awk -F'\t' -v OFS='\t' 'FILENAME == ARGV[1] { split($0, part, " "); mtu[part[1]] = part[3]; next }
    $3 ~ /^[0-9.]+:[0-9]+$/ && $1 in mtu { address = $3; sub(/:.*/, "", address); print $1, ($7 == "" ? $2 : $7), mtu[$1], address }' "$ETC/interfaces" "$ETC/peers" | sort -u)
  wait
  while IFS=$'\t' read -r iface peer mtu address; do
    text=$(<"$WORK/ping.$iface.$address")
    # Silence says nothing: many hosts do not answer.
    if [[ $text =~ (Frag\ needed|[Mm]essage\ too\ long)[^$'\n']*mtu\ ?=\ ?([0-9]+) ]]; then
      path_finding "$iface" "$mtu" "$peer" "$address" "${BASH_REMATCH[2]}" "the MTU on the way to it"
    fi
  done <"$WORK/paths"
}
path_finding() { # IFACE MTU PEER ADDRESS LEAST WHAT
  finding path-mtu "tunnel $1 has MTU $2, so its packets to $4 ($3) need $(($2 + 60)) bytes, but $6 is $5; give the tunnel mtuBytes $(($5 - 60)) or less in your network, and deploy"
}

find_silent_tunnels() {
  local iface peer since i
  # Who came up a moment ago and found nobody asks again after 5 s (148 bytes each time): a repair is followed by this.
  for ((i = 0; i < 12; i++)); do
    silent_tunnels >"$WORK/silent.tunnels"
    awk -F'\t' '$4 < 3 * 148 { young = 1 } END { exit !young }' "$WORK/silent.tunnels" || break
    sleep 0.5
  done
  while IFS=$'\t' read -r iface peer since _; do
    finding no-handshake "tunnel $iface: no handshake with $peer, $since; is its host up, is UDP open to its port, and does it hold this host's public key?"
  done <"$WORK/silent.tunnels"
}
find_dead_exits() {
  local kind name exit dev state answered why=
  [[ -s $ETC/failover ]] || return 0
  ! has_systemd || why='why: journalctl -u wgchain-failover; '
  failover_runs || finding failover-stopped "nothing measures the exits of this host, so nothing fails over; ${why}then: $PROGRAM repair"
  while IFS=$'\t' read -r kind name _ exit dev state answered _; do
    case $kind.$state in
      choice.dead) finding exit-dead "exit $exit by $dev of $name does not answer$( ((answered == 0)) || printf ', the last time was %s s ago' "$(($(printf '%(%s)T' -1) - answered))"); is its host up, does it reach the internet, and do the targets answer a ping there?" ;;
    esac
  done < <(report_failover)
}
silent_tunnels() { # lines IFACE PEER SINCE BYTES_SENT
  awk -F'\t' -v OFS='\t' -v now="$(printf '%(%s)T' -1)" '
    FILENAME == ARGV[1] { if ($3 != "(none)" && $5 != "off" && $5 + 0 > 0) name[$1, $2] = $7 == "" ? $2 : $7; next }
    NF == 9 && ($1, $2) in name { if ($6 == 0) print $1, name[$1, $2], "not once since it came up", $8; else if (now - $6 > 180) print $1, name[$1, $2], "the last was " (now - $6) " s ago", $8 }' \
    "$ETC/peers" <(wg show all dump 2>/dev/null || true)
}
