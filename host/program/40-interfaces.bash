# ---- interfaces --------------------------------------------------------------------------------------------------------------------------------

# Prints the interface's own live public key and port, then a line for each peer that differs, fields by tab, an empty value as "-": the arguments of
# `wg set IFACE`. Stale peers with prune=1. With hold=1 a new peer does not take AllowedIPs from a live one that it replaces: both ends switch at once. A
# live endpoint counts only where one is wanted: clients roam. Files: the wanted peers, the pre-shared key (or none), the dump. A key never becomes an argument.
# shellcheck disable=SC2016
readonly PEER_AWK='
  function sorted(list,   n, i, j, t, a) {
    if (list == "") return "(none)"
    if (!index(list, ",")) return list
    n = split(list, a, ",")
    for (i = 2; i <= n; i++) { t = a[i]; for (j = i - 1; j > 0 && a[j] > t; j--) a[j + 1] = a[j]; a[j + 1] = t }
    list = a[1]; for (i = 2; i <= n; i++) list = list "," a[i]
    return list
  }
  FILENAME == ARGV[1] { if ($1 == iface) { order[++count] = $2; endpoint[$2] = $3; allowed[$2] = sorted($4); keep[$2] = ($5 == 0 ? "off" : $5); psk[$2] = ($6 != "" && $6 != "(none)") } next }
  FILENAME == ARGV[2] { secret = $1; next }
  NF < 8 { print "interface\t" $2 "\t" $3; next }
  !($1 in allowed) { unwanted = 1; if (prune) print "peer\t" $1 "\tremove"; else if (hold) { n = split($4, part, ","); for (i = 1; i <= n; i++) held[part[i]] } next }
  {
    seen[$1]; line = ""
    if (psk[$1] ? $2 != secret : $2 != "(none)") line = line "\tpreshared-key\t" (psk[$1] ? file : "/dev/null")
    if (endpoint[$1] != "(none)" && $3 != endpoint[$1]) line = line "\tendpoint\t" endpoint[$1]
    if (sorted($4) != allowed[$1]) { live[$1] = line; changed[++changes] = $1; keeps[$1] = $8; next }
    if ($8 != keep[$1]) line = line "\tpersistent-keepalive\t" keep[$1]
    if (line != "") print "peer\t" $1 line
  }
  function free(key,   n, i, part) { n = split(allowed[key], part, ","); for (i = 1; i <= n; i++) if (part[i] in held) return 0; return 1 }
  END {
    if (hold && !unwanted) print iface >settled
    for (i = 1; i <= changes; i++) {
      key = changed[i]; line = live[key]
      if (free(key)) line = line "\tallowed-ips\t" (allowed[key] == "(none)" ? "-" : allowed[key])
      if (keeps[key] != keep[key]) line = line "\tpersistent-keepalive\t" keep[key]
      if (line != "") print "peer\t" key line
    }
    for (i = 1; i <= count; i++) {
      key = order[i]; if (key in seen) continue
      print "peer\t" key (psk[key] ? "\tpreshared-key\t" file : "") (endpoint[key] == "(none)" ? "" : "\tendpoint\t" endpoint[key]) \
        (free(key) ? "\tallowed-ips\t" (allowed[key] == "(none)" ? "-" : allowed[key]) : "") "\tpersistent-keepalive\t" keep[key]
    }
  }'

# What a live interface lacks, from `ip addr show`: lines "mtu", "add PREFIX", "del PREFIX" (with prune=1), "up".
# shellcheck disable=SC2016
readonly LINK_AWK='
  FILENAME == ARGV[1] { if ($1 == iface) { wanted[$2]; order[++n] = $2 } next }
  /^[0-9]+: / { up = $3 ~ /[<,]UP[,>]/; for (i = 4; i < NF; i++) if ($i == "mtu") live = $(i + 1); next }
  $1 == "inet" { prefix = $2 ~ /\// ? $2 : $2 "/32"; has[prefix]; if (prune && !(prefix in wanted)) stale[++m] = prefix }
  END {
    if (live != mtu) print "mtu"
    for (i = 1; i <= n; i++) if (!(order[i] in has)) { has[order[i]]; print "add", order[i] }
    for (i = 1; i <= m; i++) print "del", stale[i]
    if (!up) print "up"
  }'

# Brings a live interface to what is wanted without taking it down. Modes: hold (before both ends switch), switch, prune (also removes peers and addresses
# that are not wanted). Never `wg syncconf` or `setconf`: on a file without the key both erase it, and wireguard-go reopens its socket.
reconcile() { # IFACE hold|switch|prune
  local iface=$1 mode=$2 name mtu port key what prefix prune=0
  while read -r name _ mtu _ port _ key; do [[ $name != "$iface" ]] || break; done <"$ETC/interfaces"
  [[ $name == "$iface" ]] || die "interface $iface is not in $ETC/interfaces; run the deploy again"
  work
  is_settled "$iface" || reconcile_peers "$iface" "$mode" "$port" "$key"
  [[ $mode != prune ]] || prune=1
  ip addr show dev "$iface" >"$WORK/link"
  awk -v iface="$iface" -v mtu="$mtu" -v prune=$prune "$LINK_AWK" "$ETC/addresses" "$WORK/link" >"$WORK/link.todo"
  while read -r what prefix; do
    case $what in
      mtu) cmd ip link set dev "$iface" mtu "$mtu" ;;
      add) cmd ip -4 addr add "$prefix" dev "$iface" ;;
      del)
        set_sysctl "net/ipv4/conf/$iface/promote_secondaries" 1 # or the other addresses of its network would go with it
        cmd ip -4 addr del "$prefix" dev "$iface" ;;
      up) cmd ip link set dev "$iface" up ;;
    esac
  done <"$WORK/link.todo"
  set_sysctl "net/ipv4/conf/$iface/rp_filter" 0
  # Where nothing of it changed, no route of it went.
  [[ ! -s $WORK/link.todo ]] || add_routes "$iface"
}

# Its peers are as they have to be since this deploy's ADD: nothing of it is held back until keys are switched.
is_settled() { is_of_this_deploy peers && is_line_of "$RUN/added.peers" "$1"; }

# An interface that has no peer but those wanted is as it has to be after ADD: the later steps of that deploy do not read its peers again.
reconcile_peers() { # IFACE MODE PORT KEY
  local iface=$1 mode=$2 port=$3 key=$4 i args
  : >"$WORK/settled"
  # The dump holds the private key: it goes into no file.
  wg show "$iface" dump | awk -F'\t' -v iface="$iface" -v prune="$([[ $mode == prune ]] && echo 1 || echo 0)" -v hold="$([[ $mode == hold ]] && echo 1 || echo 0)" \
    -v file="$KEYS/$iface.psk" -v settled="$WORK/settled" "$PEER_AWK" "$ETC/peers" "$(psk_file "$iface")" - >"$WORK/peers"
  while IFS=$'\t' read -ra args; do
    if [[ ${args[0]} == interface ]]; then
      # While keys are rotated, the file still holds the key that is live.
      if [[ ${args[1]} != "$key" && ($DRY == 1 || $(key_of "$KEYS/$iface.key") == "$key") ]]; then cmd wg set "$iface" private-key "$KEYS/$iface.key"; fi
      [[ ${args[2]} == "$port" ]] || cmd wg set "$iface" listen-port "$port"
      continue
    fi
    for i in "${!args[@]}"; do [[ ${args[i]} != - ]] || args[i]=; done
    cmd wg set "$iface" "${args[@]}"
  done <"$WORK/peers"
  [[ ! -s $WORK/settled ]] || of_this_deploy peers "$iface"
}

key_of() { if [[ -s $1 ]]; then wg pubkey <"$1" 2>/dev/null || true; fi; }
psk_file() { if [[ -f $KEYS/$1.psk ]]; then printf '%s\n' "$KEYS/$1.psk"; else echo /dev/null; fi; }

# What wg-quick cannot do: taking an interface down removed its routes from every table, and a pre-shared key stands in no file of wg-quick's.
settle_interface() { # IFACE
  set_sysctl "net/ipv4/conf/$1/rp_filter" 0
  add_routes "$1"
}
set_preshared_keys() { # IFACE
  local peer
  [[ -f $KEYS/$1.psk ]] || return 0
  while read -r peer; do cmd wg set "$1" peer "$peer" preshared-key "$KEYS/$1.psk"; done \
    < <(awk -F'\t' -v iface="$1" '$1 == iface && $6 != "" && $6 != "(none)" { print $2 }' "$ETC/peers")
}

interface_up() { # IFACE [hold]
  local iface=$1
  if has_systemd; then
    systemctl is-enabled -q "wg-quick@$iface.service" 2>/dev/null || cmd systemctl enable "wg-quick@$iface.service"
  fi
  if link_exists "$iface"; then
    reconcile "$iface" "${2-switch}"
  elif has_systemd; then
    cmd systemctl restart "wg-quick@$iface.service" # also where the unit is active and the interface gone
  else
    cmd wg-quick up "$iface" </dev/null
  fi
}

interface_down() {
  local iface=$1
  if has_systemd; then cmd systemctl disable --now "wg-quick@$iface.service" || true; fi
  link_exists "$iface" || return 0
  [[ ! -f /etc/wireguard/$iface.conf ]] || cmd wg-quick down "$iface" </dev/null || true
  ! link_exists "$iface" || cmd ip link del dev "$iface"
}
