# ---- keys that are installed, and keys that are rotated ----------------------------------------------------------------------------------------
# A key that replaces one in use waits beside it as FILE.next until both ends switch, and goes when the deploy is committed.

wanted_psk() { awk -F'\t' -v iface="$1" '$1 == iface && $6 != "" && $6 != "(none)" { print $6; exit }' "$ETC/peers"; }

install_keys() { # those of $TREE
  local iface kind path
  while read -r iface _; do
    for kind in key psk; do
      path=etc/wgchain/keys/$iface.$kind
      if [[ ! -s /$path && -s /$path.next ]]; then promote "/$path"; fi
      [[ -f $TREE/$path ]] || continue
      if [[ ! -s /$path ]]; then
        install_file "$path"
      elif ! cmp -s -- "$TREE/$path" "/$path"; then
        cmd install -m 600 -o root -g root -- "$TREE/$path" "/$path.next"
      fi
    done
  done <"$TREE/etc/wgchain/interfaces"
}

promote() { # FILE: FILE.next takes its place, and stays beside it for another deploy if this one is reverted
  say "[#] mv $1.next $1"
  [[ $DRY == 1 ]] || { rm -f -- "$RUN/added.peers"; (umask 077 && put "$1" <"$1.next"); }
}

is_next_key() { # IFACE: the configuration is that of the next key
  local key
  [[ -s $KEYS/$1.key.next ]] || return 1
  key=$(awk -v iface="$1" '$1 == iface { print $7 }' "$ETC/interfaces")
  [[ $(key_of "$KEYS/$1.key") != "$key" && $(key_of "$KEYS/$1.key.next") == "$key" ]]
}
is_next_psk() {
  local digest
  [[ -s $KEYS/$1.psk.next ]] || return 1
  digest=$(wanted_psk "$1")
  [[ -n $digest && $(psk_digest "$KEYS/$1.psk") != "$digest" && $(psk_digest "$KEYS/$1.psk.next") == "$digest" ]]
}

promote_keys() {
  local iface
  wanted_interfaces
  for iface in "${WANTED[@]}"; do
    ! is_next_key "$iface" || promote "$KEYS/$iface.key"
    ! is_next_psk "$iface" || promote "$KEYS/$iface.psk"
  done
}

drop_next_keys() { # those that are in use now
  local file
  for file in "$KEYS"/*.next; do
    if [[ -f $file ]] && cmp -s -- "$file" "${file%.next}"; then cmd rm -f -- "$file"; fi
  done
}

# ---- tunnels: what must carry packets after a deploy -------------------------------------------------------------------------------------------

# Sends a datagram through each tunnel: what comes back (a handshake, an ICMP error, a keepalive) counts as received. Needs no program at the far end.
poke() { # FILE of lines IFACE KEY ADDRESS
  local address
  while read -r _ _ address; do (printf '.' >"/dev/udp/$address/9") 2>/dev/null || true; done < <(lines_of "$1")
}
received() { # FILE of probes: lines IFACE KEY BYTES
  local iface
  local -A seen=()
  while read -r iface _; do
    [[ -z ${seen[$iface]-} ]] || continue
    seen[$iface]=1
    printf '%s\n' "$iface"
    wg show "$iface" transfer 2>/dev/null || true
  done <"$1" | awk 'NF == 1 { iface = $1; next } { print iface, $1, $2 }'
}

# Lines of FILE whose tunnel has not answered within so many tenths of a second.
silent() { # FILE TENTHS
  local bound=$2 passed=0 pause=2 silent=$1 left=$WORK/silent.1 # in hundredths of a second
  work
  received "$1" >"$WORK/received"
  while [[ -s $silent ]]; do
    ((passed % 100 >= pause)) || poke "$silent"
    sleep "0.$((pause / 10))$((pause % 10))"
    passed=$((passed + pause))
    received "$silent" | awk 'FILENAME == ARGV[1] { before[$1, $2] = $3; next } FILENAME == "-" { if ($3 != before[$1, $2]) answered[$1, $2]; next } !(($1, $2) in answered)' \
      "$WORK/received" - "$silent" >"$left"
    silent=$left
    if [[ $left == *.1 ]]; then left=$WORK/silent.2; else left=$WORK/silent.1; fi
    ((passed < bound * 10)) || break
    # Most answer at once.
    ((passed < 10)) || pause=10
  done
  cat -- "$silent"
}

# Before a change: those tunnels of ours that answer now. After it they and the new ones must.
remember_alive() {
  file_or_none /etc/wgchain/probes
  silent "$FILE" 20 >"$WORK/probes.dead"
  file_or_none "$TREE/etc/wgchain/probes"
  awk 'FILENAME == ARGV[1] { dead[$0]; next } !($0 in dead)' "$WORK/probes.dead" "$FILE" | put "$RUN/must-answer"
}
