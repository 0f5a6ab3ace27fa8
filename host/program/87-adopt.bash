# ---- adopt: an interface that somebody made by hand becomes ours, as it runs -----------------------------------------------------------------------

# A file of wg-quick as lines of fields. The private key is not among them, and what looks like a key in a hook is hidden.
# shellcheck disable=SC2016
readonly CONF_AWK='
  function trim(t) { gsub(/^[ \t\r]+|[ \t\r]+$/, "", t); return t }
  function hide(t,   out) { out = ""
    while (match(t, /[A-Za-z0-9+\/]+=/)) { out = out substr(t, 1, RSTART - 1) (RLENGTH == 44 ? "(a key)" : substr(t, RSTART, RLENGTH)); t = substr(t, RSTART + RLENGTH) }
    return out t }
  function flush() { if (peer != "") print "conf", "peer", peer, endpoint, allowed, keep, psk; peer = "" }
  { raw = $0; sub(/#.*/, ""); line = trim($0); if (line == "") next }
  line ~ /^\[/ { flush(); section = tolower(line); endpoint = "(none)"; allowed = ""; keep = "off"; psk = "no"; next }
  { at = index(line, "="); if (at == 0) next; name = trim(substr(line, 1, at - 1)); value = trim(substr(line, at + 1)); key = tolower(name) }
  section == "[peer]" && key == "publickey" { peer = value }
  section == "[peer]" && key == "presharedkey" { psk = "yes" }
  section == "[peer]" && key == "endpoint" { endpoint = value }
  section == "[peer]" && key == "allowedips" { gsub(/[ \t]/, "", value); allowed = allowed (allowed == "" ? "" : ",") value }
  section == "[peer]" && key == "persistentkeepalive" { keep = value == 0 ? "off" : value }
  section != "[interface]" { next }
  key == "address" { k = split(value, part, ","); for (i = 1; i <= k; i++) print "conf", "address", trim(part[i]) }
  key == "listenport" { print "conf", "port", value }
  key == "mtu" { print "conf", "mtu", value }
  key ~ /^(table|dns|fwmark|saveconfig)$/ { print "conf", key, value }
  key ~ /^(pre|post)(up|down)$/ { print "conf", "hook", hide(name " = " value) }
  END { flush() }'

conf_private_key() { # FILE, to standard output only
  awk '{ sub(/#.*/, "") } /^[ \t]*\[/ { inside = tolower($0) ~ /^[ \t]*\[interface\]/ } inside && tolower($0) ~ /^[ \t]*privatekey[ \t]*=/ { sub(/^[^=]*=/, ""); gsub(/[ \t\r]/, ""); print; exit }' "$1"
}

# adopt IFACE: shows what is there. adopt IFACE --yes: takes it over; nothing that carries packets is touched.
verb_adopt() {
  local iface=${1-} conf key live
  [[ $iface =~ ^[A-Za-z0-9_=+.-]{1,15}$ && $iface != .* && ($# -eq 1 || ($# -eq 2 && $2 == --yes)) ]] || die "adopt needs the name of an interface, and --yes to take it over"
  [[ $EUID -eq 0 ]] || die "must run as root"
  command -v wg >/dev/null || die "there is no wg on this host, so no interface of WireGuard's to take over"
  conf=/etc/wireguard/$iface.conf
  if is_line_of "$LIB/manifest" "etc/wireguard/$iface.conf"; then die "interface $iface is wgchain's already, there is nothing to take over"; fi
  if ! link_exists "$iface" && [[ ! -f $conf ]]; then die "there is no interface $iface and no $conf on this host, nothing to take over; a deploy makes it new"; fi
  live=$(wg show "$iface" public-key 2>/dev/null) || live=
  if link_exists "$iface" && [[ -z $live ]]; then die "interface $iface on this host is not one of WireGuard's; name ours otherwise"; fi
  [[ $live != '(none)' ]] || live=
  key=
  [[ ! -f $conf ]] || key=$(conf_private_key "$conf" | wg pubkey 2>/dev/null) || key=
  if [[ -n $live && -n $key && $live != "$key" ]]; then
    die "interface $iface runs with the key of $live, but $conf holds that of $key; make them agree first (wg-quick save $iface keeps what runs)"
  fi
  key=${live:-$key}
  [[ -n $key ]] || die "neither interface $iface nor $conf has a private key; a deploy makes it new: take $conf away, and the interface down"
  if [[ $# -eq 1 ]]; then show_adoptable "$iface" "$conf" "$key"; else take_over "$iface" "$conf" "$key"; fi
  fields end
}

show_adoptable() { # IFACE CONF KEY
  local iface=$1 text
  fields version 1
  fields key "$3"
  text=no
  [[ ! -e $LIB/adopted/$iface ]] || text=adopted
  fields managed "$text"
  if has_systemd; then fields unit "$(systemctl is-enabled "wg-quick@$iface.service" 2>/dev/null || true)"; fi
  [[ ! -f $2 ]] || awk -v OFS='\t' "$CONF_AWK" "$2"
  link_exists "$iface" || return 0
  links | awk -F'\t' -v OFS='\t' -v name="$iface" '$1 == name { print "live", "state", $2; print "live", "mtu", $3 }'
  ip -4 -o addr show dev "$iface" | awk -v OFS='\t' '{ print "live", "address", $4 ($4 ~ /\// ? "" : "/32") }'
  wg show "$iface" dump | awk -F'\t' -v OFS='\t' '
    NF == 4 { print "live", "port", $3; if ($4 != "off") print "live", "fwmark", $4 }
    NF == 8 { print "live", "peer", $1, $3, $4, $8, ($2 == "(none)" ? "no" : "yes") }'
  # What wg-quick made of Table: a deploy adds beside it.
  ip -4 -N route show table all dev "$iface" | awk -v OFS='\t' '!/ proto (2|'$PROTOCOL')( |$)/ && !/^(local|broadcast) / { sub(/ scope [0-9]+/, ""); gsub(/[ \t]+$/, ""); print "live", "route", $0 }'
  text=$(wg show "$iface" fwmark)
  [[ $text == off ]] || ip -4 -N rule show | awk -v OFS='\t' -v mark="$text" 'index($0, "fwmark " mark) { sub(/^[0-9]+:[ \t]*/, "pref " $1 + 0 " "); print "live", "rule", $0 }'
}

take_over() { # IFACE CONF KEY
  local iface=$1 conf=$2 key=$3 own
  lock 60
  umask 077
  mkdir -p "$LIB/adopted"
  if [[ -e $KEYS/$iface.key ]]; then
    own=$(key_of "$KEYS/$iface.key")
    [[ $own == "$key" ]] || die "$KEYS/$iface.key is there already and is not the key of interface $iface (${own:-no key at all}, and not $key); nothing was changed; take the wrong one away"
  fi
  # A copy of all, also of what no file says; an older copy stays beside it.
  if [[ -f $conf ]]; then cat -- "$conf" >"$WORK/copy"; else conf_of_live "$iface" >"$WORK/copy"; fi
  cmp -s "$WORK/copy" "$LIB/adopted/$iface.conf" || install -m 600 --backup=numbered -- "$WORK/copy" "$LIB/adopted/$iface.conf"
  {
    wg show "$iface" 2>/dev/null || true # keys are hidden
    ip -4 addr show dev "$iface" 2>/dev/null || true
    ip -4 route show table all dev "$iface" 2>/dev/null || true
    ip -4 rule show
  } >"$WORK/live"
  put "$LIB/adopted/$iface.live" <"$WORK/live"
  make_directory /etc/wgchain
  make_directory "$KEYS" 0700
  if [[ ! -e $KEYS/$iface.key ]]; then
    if [[ -f $conf ]]; then conf_private_key "$conf" >"$WORK/key"; fi
    [[ -s $WORK/key ]] || wg show "$iface" private-key >"$WORK/key"
    [[ $(key_of "$WORK/key") == "$key" ]] || die "the private key of interface $iface changed meanwhile; nothing was taken over: run again"
    install -m 600 -o root -g root -- "$WORK/key" "$KEYS/$iface.key.wgchain-new"
    # A link: it fails where something is, so nothing is ever overwritten.
    ln -T -- "$KEYS/$iface.key.wgchain-new" "$KEYS/$iface.key" || die "$KEYS/$iface.key appeared meanwhile; run again"
    rm -f -- "$KEYS/$iface.key.wgchain-new" "$WORK/key"
  fi
  own=down
  ! link_exists "$iface" || own=up
  sync -f "$LIB" "$KEYS"
  # Last: a deploy that finds it finds all the rest.
  printf '%s\n' "$own" | put "$LIB/adopted/$iface"
  fields copy "$LIB/adopted/$iface.conf"
  fields adopted "$iface" "$key"
}

conf_of_live() { # IFACE: a file for wg-quick, with the keys
  wg showconf "$1" | awk -v more="$(ip -4 -o addr show dev "$1" | awk '{ printf "Address = %s\n", $4 }')" '{ print } tolower($1) == "[interface]" { print more; print "Table = off" }'
}

# By what takes wgchain away: the interfaces as their owner had them. Before $LIB is removed.
give_back_adopted() {
  local file iface
  for file in "$LIB"/adopted/*.conf; do
    iface=${file##*/} iface=${iface%.conf}
    [[ -f $file && -f $LIB/adopted/$iface && ! -e /etc/wireguard/$iface.conf ]] || continue
    cmd install -m 600 -o root -g root -- "$file" "/etc/wireguard/$iface.conf"
    if [[ $(<"$LIB/adopted/$iface") != up ]] || link_exists "$iface"; then continue; fi
    if has_systemd; then cmd systemctl enable --now "wg-quick@$iface.service" || true; else cmd wg-quick up "$iface" </dev/null || true; fi
  done
}
