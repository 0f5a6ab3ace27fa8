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
  key=$(awk -v iface="$1" '$1 == iface { print $7 }' "$ETC/interfaces")
  [[ -s $KEYS/$1.key.next && $(key_of "$KEYS/$1.key") != "$key" && $(key_of "$KEYS/$1.key.next") == "$key" ]]
}
is_next_psk() {
  local digest
  digest=$(wanted_psk "$1")
  [[ -n $digest && -s $KEYS/$1.psk.next && $(psk_digest "$KEYS/$1.psk") != "$digest" && $(psk_digest "$KEYS/$1.psk.next") == "$digest" ]]
}

promote_keys() {
  local iface
  for iface in $(wanted_interfaces); do
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
  awk '{ print $1 }' "$1" | sort -u | while read -r iface; do
    { wg show "$iface" transfer 2>/dev/null || true; } | awk -v iface="$iface" '{ print iface, $1, $2 }'
  done | sort
}

# Lines of FILE whose tunnel has not answered within so many tenths of a second.
silent() { # FILE TENTHS
  local left=$2 i=0
  work
  cp -- "$1" "$WORK/silent"
  received "$1" >"$WORK/received"
  while [[ -s $WORK/silent ]]; do
    ((i % 10)) || poke "$WORK/silent"
    sleep 0.1
    i=$((i + 1))
    received "$WORK/silent" | comm -13 "$WORK/received" - >"$WORK/answered"
    awk 'FILENAME == ARGV[1] { answered[$1 " " $2]; next } !(($1 " " $2) in answered)' "$WORK/answered" "$WORK/silent" >"$WORK/silent.left"
    mv -f -- "$WORK/silent.left" "$WORK/silent"
    ((i < left)) || break
  done
  cat -- "$WORK/silent"
}

# Before a change: those tunnels of ours that answer now. After it they and the new ones must.
remember_alive() {
  lines_of /etc/wgchain/probes | sort >"$WORK/probes.old"
  silent "$WORK/probes.old" 20 | sort >"$WORK/probes.dead"
  lines_of "$TREE/etc/wgchain/probes" | sort | comm -23 - "$WORK/probes.dead" | put "$RUN/must-answer"
}
