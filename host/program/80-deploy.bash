# ---- the steps of a deploy ----------------------------------------------------------------------------------------------------------------------

wait_for_lock() { lock 60; }

# Everything that can fail without a change: packages are installed, nothing that carries packets is touched.
prepare() {
  wait_for_lock
  if [[ -f $LIB/pending && $(pending_lease) != 0 ]]; then revert "the deploy $(pending_id) was never confirmed"; fi
  check_tree "$GENERATION"
  check_key_files
  stop_at_problems
  wait_for_cloud_init
  install_packages
  preflight
  remember_alive
}

# Additive. Nothing that carries packets is removed; that is commit's.
add() {
  wait_for_lock
  if ! would_change; then return 0; fi
  arm "$ID" "$GENERATION" "$LEASE"
  # The kernel's WireGuard clears it whenever an interface comes up.
  remember net.ipv4.conf.all.send_redirects "$(</proc/sys/net/ipv4/conf/all/send_redirects)" net.ipv4.ip_forward
  first_line "$LIB/generation"
  [[ $LINE == "$GENERATION" ]] || rm -f -- "$LIB/generation"
  make_directory /etc/wgchain
  make_keys_directory
  install_keys
  install_tree
  reload_units
  bring_up hold
  put_line "$LIB/generation" "$GENERATION"
}

# Whether this deploy has anything to do here: what a run would echo.
would_change() {
  first_line "$LIB/generation"
  [[ $LINE == "$GENERATION" && -e $LIB/good ]] || return 0
  cmp -s "$LIB/manifest" "$LIB/wanted" || return 0
  [[ -n $(dry_run "$TREE") ]]
}
dry_run() { # DIRECTORY of a tree: what converging to it would do
  (
    DRY=1 TREE=$1 CHANGED=() NFT_SEEN=
    look_at "$1"
    install_keys
    install_tree
    bring_up switch
    prune
  )
}

switch_keys() {
  wait_for_lock
  local iface
  promote_keys
  wanted_interfaces
  for iface in "${WANTED[@]}"; do if ! is_settled "$iface" && link_exists "$iface"; then reconcile "$iface" switch; fi; done
  poke "$ETC/probes" # the end whose key is new makes the handshake
}

bring_up() { # hold|switch
  local iface
  fail_closed
  make_way
  wanted_interfaces
  for iface in "${WANTED[@]}"; do interface_up "$iface" "$1"; done
  add_routes
  failover_service
}

# An interface under a new name needs the port of the old one, which else would stay until commit.
make_way() {
  local iface port
  our_interfaces
  for iface in "${OURS[@]}"; do
    if is_wanted "$iface" || ! link_exists "$iface"; then continue; fi
    port=$(wg show "$iface" listen-port)
    ! awk -v port="$port" '$5 == port { used = 1 } END { exit !used }' "$ETC/interfaces" || interface_down "$iface"
  done
}

# The order leaks nothing: a table is never without its unreachable when a rule sends packets there, and forwarding comes when all stands.
fail_closed() {
  apply_sysctls
  add_routes
  add_rules
  nft_add
  apply_forwarding
}

standing() { # problems with what must stand
  local iface line
  wanted_interfaces
  line=$(ip -o link show up)
  for iface in "${WANTED[@]}"; do [[ $line == *": $iface: "* || $line == *": $iface@"* ]] || problem "interface $iface is not up"; done
  difference rule missing >"$WORK/todo"
  while read -r line; do problem "missing rule: $line"; done <"$WORK/todo"
  hold_failover
  difference route missing >"$WORK/todo"
  let_failover
  while read -r line; do problem "missing route: $line"; done <"$WORK/todo"
  nft_closes || problem "nftables table ip wgchain is not the one that was loaded"
}

# From a new SSH session, so that the host is known to be reachable still.
check() {
  local line iface
  wait_for_lock
  [[ -f $LIB/manifest ]] || die "this host has no wgchain configuration to confirm; run the deploy again"
  first_line "$LIB/generation"
  [[ $LINE == "$GENERATION" ]] || die "this host holds generation ${LINE:0:12}, not ${GENERATION:0:12}: $(lines_of "$LIB/outcome"); run the deploy again"
  [[ ! -f $LIB/pending || $(pending_id) == "$ID" ]] || die "another deploy is under way on this host; run the deploy again"
  standing
  if [[ ${#PROBLEMS[@]} -eq 0 && -f $RUN/must-answer ]]; then
    # An end that holds a session with a host that is there no more (a VM made anew) asks for another 15 seconds after it has sent, then every 5.
    silent "$RUN/must-answer" 250 >"$WORK/unanswered"
    while read -r iface _ line; do
      problem "tunnel $iface: nothing comes back from its other end, $line: is UDP open there ($(wg show "$iface" endpoints | awk '{ print $2; exit }')), and does it hold this key?"
    done <"$WORK/unanswered"
  fi
  [[ ${#PROBLEMS[@]} -gt 0 ]] || return 0
  for line in "${PROBLEMS[@]}"; do printf 'wgchain-host: %s\n' "$line" >&2; done
  die "this host does not stand as it was deployed; nothing was pruned"
}

# From save_good on, what is new is what the host returns to: a commit that is killed is finished by who watches.
commit() {
  wait_for_lock
  [[ ! -f $LIB/pending || $(pending_id) == "$ID" ]] || die "another deploy is under way on this host"
  first_line "$LIB/generation"
  [[ $LINE == "$GENERATION" ]] || die "this host does not hold this deploy any more: $(lines_of "$LIB/outcome")"
  if [[ -f $LIB/pending || ! -e $LIB/good ]]; then save_good; fi
  [[ ! -f $LIB/pending ]] || put_line "$LIB/outcome" "$ID committed"
  prune
  forget_connections
  forget_forwards
  forget_queries
  drop_next_keys
  disarm
}

# Removes what is ours and not wanted.
prune() {
  local path iface wanted
  file_or_none "$LIB/manifest"
  if [[ $DRY == 1 ]]; then wanted=$WORK/files; else wanted=$LIB/wanted; fi
  comm -23 "$FILE" "$wanted" >"$WORK/stale"
  our_interfaces
  for iface in "${OURS[@]}"; do
    if is_wanted "$iface"; then
      ! link_exists "$iface" || reconcile "$iface" prune
    else
      interface_down "$iface"
    fi
  done
  ! is_line_of "$WORK/stale" etc/wgchain/failover || stop_failover
  prune_rules
  prune_routes
  nft_prune
  CHANGED=()
  while read -r path; do
    remove_file "$path"
    CHANGED+=("$path")
  done <"$WORK/stale"
  remove_directories
  ! has_systemd || ! changed_unit 'etc/systemd/system/*' || cmd systemctl daemon-reload
  [[ $DRY == 1 ]] || put_if_new "$LIB/manifest" "$LIB/wanted"
  restore_sysctls
}

# Connections of sources whose exit or label changed; all others stay. [FILE of sources tried meanwhile]
forget_connections() {
  local source
  { sources_taken; lines_of "$ETC/lans"; } >"$WORK/sources.new"
  file_or_none "$LIB/sources"
  awk 'FILENAME == ARGV[1] { added[$0] = $2; next } $0 in added { kept[$0]; next } { print $2 }
    END { for (line in added) if (!(line in kept)) print added[line] }' "$WORK/sources.new" "${1-/dev/null}" "$FILE" | sort -u >"$WORK/sources"
  if [[ -s $WORK/sources ]]; then
    # Only those that have a connection: 10,000 changed sources must not be 10,000 processes.
    conntrack -L -f ipv4 >"$WORK/conntrack" 2>/dev/null || die "conntrack -L does not work here; is the package conntrack installed?"
    awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^src=/) { print substr($i, 5); break } }' "$WORK/conntrack" | sort -u >"$WORK/connected"
    awk 'FILENAME == ARGV[1] { live[$1]; next } { a = $1; sub(/\/32$/, "", a); if (a ~ /\// || a in live) print a }' "$WORK/connected" "$WORK/sources" >"$WORK/todo"
    while read -r source; do say "[#] conntrack -D -f ipv4 -s $source"
      conntrack -D -f ipv4 -s "$source" >/dev/null 2>&1 </dev/null || true # 1: there was none
    done <"$WORK/todo"
  fi
  put_if_new "$LIB/sources" "$WORK/sources.new"
}

# Connections that a forward made which is gone or another now: without it UDP would go on to the old target for ever. Of a new one, those of its port
# that nobody has answered, since they began before it. All others stay. [FILE of forwards tried meanwhile]
# shellcheck disable=SC2016
readonly FORWARDS_AWK='
  function value(name, nth,   i, k) { k = 0; for (i = 1; i <= NF; i++) if (index($i, name "=") == 1 && ++k == nth) return substr($i, length(name) + 2) }
  FILENAME == ARGV[1] { n++; isnew[n] = $1 == "+"; protocol[n] = $2; at[n] = $3; split($4, range, "-"); first[n] = range[1]; last[n] = range[2]; to[n] = $5; port[n] = $6; next }
  {
    dport = value("dport", 1) + 0; dst = value("dst", 1)
    for (i = 1; i <= n; i++) {
      if ($1 != protocol[i] || dport < first[i] || dport > last[i] || (at[i] != "any" && at[i] != dst)) continue
      if (isnew[i] ? !/\[UNREPLIED\]/ : value("src", 2) != to[i] || value("sport", 2) != port[i] + dport - first[i]) continue
      print $1, value("src", 1), dst, value("sport", 1), dport; break
    }
  }'
forget_forwards() {
  local protocol source destination sport dport
  if [[ ! -s $LIB/forwards && ! -s $ETC/forwards && $# -eq 0 ]]; then return 0; fi
  cat -- "${1-/dev/null}" <(lines_of "$LIB/forwards") | sort -u >"$WORK/forwards.old"
  lines_of "$ETC/forwards" | sort -u >"$WORK/forwards.new"
  { comm -23 "$WORK/forwards.old" "$WORK/forwards.new" | sed 's/^/- /'; comm -13 "$WORK/forwards.old" "$WORK/forwards.new" | sed 's/^/+ /'; } >"$WORK/forwards"
  if [[ -s $WORK/forwards ]]; then
    conntrack -L -f ipv4 >"$WORK/conntrack" 2>/dev/null || die "conntrack -L does not work here; is the package conntrack installed?"
    awk "$FORWARDS_AWK" "$WORK/forwards" "$WORK/conntrack" >"$WORK/todo"
    while read -r protocol source destination sport dport; do
      say "[#] conntrack -D -p $protocol -s $source -d $destination --sport $sport --dport $dport"
      conntrack -D -f ipv4 -p "$protocol" -s "$source" -d "$destination" --sport "$sport" --dport "$dport" >/dev/null 2>&1 </dev/null || true # 1: it has ended
    done <"$WORK/todo"
    put_if_new "$LIB/forwards" "$WORK/forwards.new"
  fi
}

# Queries by UDP of the clients whose resolvers are others now: who always asks from the same port would get the answers of before for ever. Those by TCP end
# as they began. [FILE of resolvers tried meanwhile]
forget_queries() {
  local network
  if [[ ! -s $LIB/resolvers && ! -s $ETC/resolvers && $# -eq 0 ]]; then return 0; fi
  cat -- "${1-/dev/null}" <(lines_of "$LIB/resolvers") | sort -u >"$WORK/resolvers.old"
  lines_of "$ETC/resolvers" | sort -u >"$WORK/resolvers.new"
  comm -3 "$WORK/resolvers.old" "$WORK/resolvers.new" | awk '{ print $2 }' | sort -u >"$WORK/resolvers"
  [[ -s $WORK/resolvers ]] || return 0
  while read -r network; do
    say "[#] conntrack -D -f ipv4 -p udp -s $network --dport 53"
    conntrack -D -f ipv4 -p udp -s "$network" --dport 53 >/dev/null 2>&1 </dev/null || true # 1: there was none
  done <"$WORK/resolvers"
  put_if_new "$LIB/resolvers" "$WORK/resolvers.new"
}

# The host as it was found. Packages and keys stay.
take_away() {
  local iface path
  stop_failover
  our_interfaces
  for iface in "${OURS[@]}"; do interface_down "$iface"; done
  if has_systemd; then
    for path in wgchain-repair.timer wgchain.service; do
      if [[ -f /etc/systemd/system/$path ]] && is_line_of "$LIB/manifest" "etc/systemd/system/$path"; then cmd systemctl disable --now "$path" || true; fi
    done
  fi
  rules_live >"$WORK/todo"; forget_networks "$WORK/todo"
  restore_sysctls all
  if command -v nft >/dev/null && nft list tables 2>/dev/null | grep -Fx 'table ip wgchain' >/dev/null; then cmd nft delete table ip wgchain; fi
  rules_live >"$WORK/todo"; ip_lines rule del "$WORK/todo"
  routes_live >"$WORK/todo"; ip_lines route del "$WORK/todo"
  CHANGED=()
  if [[ -f $LIB/manifest ]]; then
    while read -r path; do remove_file "$path"; CHANGED+=("$path"); done <"$LIB/manifest"
  fi
  remove_directories
  ! has_systemd || ! changed_unit 'etc/systemd/system/*' || cmd systemctl daemon-reload
  give_back_adopted
  for path in "$LIB"/*; do
    # What was handed over to us stays known, so that the deploy can be tried again.
    if [[ -e $path && $path != "$LIB/adopted" ]]; then cmd rm -rf -- "$path"; fi
  done
  [[ ! -d $LIB ]] || rmdir -- "$LIB" 2>/dev/null || true
  [[ ! -d /usr/local/lib/wgchain ]] || cmd rm -rf -- /usr/local/lib/wgchain
  rm -f -- "$RUN"/nft.*
}
