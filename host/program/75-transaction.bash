# ---- what a host returns to ---------------------------------------------------------------------------------------------------------------------

read_pending() { # into PENDING and PENDING_LEASE; empty where nothing is
  file_or_none "$LIB/pending"
  read -r PENDING _ PENDING_LEASE <"$FILE" || true
}
pending_id() { read_pending; printf '%s\n' "$PENDING"; }
pending_lease() { read_pending; printf '%s\n' "$PENDING_LEASE"; }
is_pending() { read_pending; [[ -f $LIB/pending && $PENDING == "$1" ]]; }

# The last good configuration: files, keys, and what the next deploy compares with. A link, so that it is replaced in one step.
save_good() {
  local new old iface
  new=$(umask 077; mktemp -d "$LIB/good.XXXXXX")
  mkdir "$new/tree"
  {
    cat -- "$LIB/wanted"
    wanted_interfaces
    for iface in "${WANTED[@]}"; do
      for old in "etc/wgchain/keys/$iface.key" "etc/wgchain/keys/$iface.psk"; do [[ ! -f /$old ]] || printf '%s\n' "$old"; done
    done
  } >"$WORK/good"
  tar -C / --no-recursion -cf - -T "$WORK/good" | tar -xf - -C "$new/tree"
  [[ ! -f $LIB/generation ]] || { first_line "$LIB/generation"; printf '%s\n' "$LINE" >"$new/generation"; }
  sync -f "$new"
  ln -s "${new##*/}" "$new/link"
  mv -fT -- "$new/link" "$LIB/good"
  keep_one_good
}
keep_one_good() { # what a save that was killed had begun
  local one
  for one in "$LIB"/good.*; do [[ $one -ef $LIB/good ]] || rm -rf -- "$one"; done
}

# Before the first change. Who watches does not belong to the session: it must outlive a connection that the change cuts.
arm() { # ID GENERATION SECONDS
  [[ -e $LIB/good || ! -s $LIB/wanted ]] || save_good
  [[ -d $LIB ]] || (umask 077 && mkdir -p "$LIB")
  rm -f -- "$LIB/outcome" "${ADDED[@]}"
  put_line "$LIB/pending" "$1 $2 $3"
  [[ $3 != 0 ]] || return 0
  renew "$3"
  put "$RUN/program" <"$PROGRAM"
  if has_systemd; then
    systemd-run -q --collect --unit="wgchain-revert-$1" --description='wgchain: back to the last good configuration' \
      -p DefaultDependencies=no bash "$RUN/program" watch "$1" 8>&- 9>&-
  else
    setsid bash "$RUN/program" watch "$1" </dev/null >/dev/null 2>&1 8>&- 9>&- &
  fi
}
renew() { uptime_seconds; put_line "$RUN/lease" $((UPTIME + $1)); }
lease_is_over() {
  local end
  file_or_none "$RUN/lease"
  read -r end <"$FILE" && [[ $end =~ ^[0-9]+$ ]] || end=0
  uptime_seconds
  ((UPTIME >= end))
}

readonly ADDED=("$RUN/added.nft" "$RUN/added.peers")
# What ADD has found and done, for the later steps of the same deploy: they look again only at what it changed. In memory, as what it is about.
of_this_deploy() { # nft|peers [LINE]: one more
  local lines=("$ID")
  if [[ $DRY == 1 || -z $ID ]]; then return 0; fi
  if [[ $# -gt 1 ]]; then
    ! is_of_this_deploy "$1" || mapfile -t lines <"$RUN/added.$1"
    lines+=("$2")
  fi
  put_line "$RUN/added.$1" "$(printf '%s\n' "${lines[@]}")"
}
is_of_this_deploy() { local first=; [[ -n $ID && -f $RUN/added.$1 ]] && read -r first <"$RUN/added.$1" && [[ $first == "$ID" ]]; }
forget_added() { rm -f -- "${ADDED[@]}"; }

# Every way out of a change goes here or through commit.
revert() { # WHY, with the lock held
  local id what
  id=$(pending_id)
  forget_added
  say "reverts: $1"
  what="nothing of wgchain, as before the first deploy"
  if [[ -e $LIB/good ]]; then
    what="generation $(lines_of "$LIB/good/generation" | cut -c1-12)"
    keep_one_good
    restore_good
  else
    take_away
  fi
  mkdir -p "$LIB"
  first_line "$LIB/outcome"
  if [[ $LINE == "$id committed" ]]; then
    event committed
  else
    printf '%s reverted to %s: %s\n' "$id" "$what" "$1" | put "$LIB/outcome"
    event "reverted to $what: $1"
  fi
  disarm
}
disarm() { rm -f -- "${ADDED[@]}" "$LIB/pending" "$RUN/lease" "$RUN/program" "$RUN/must-answer"; }

install_good_keys() {
  (cd -- "$TREE" && { find etc/wgchain/keys -type f 2>/dev/null || true; }) >"$WORK/good.keys"
  install_files "$WORK/good.keys"
}

restore_good() {
  TREE=$LIB/good/tree
  look_at
  { sources_taken; lines_of /etc/wgchain/lans; } >"$WORK/sources.tried"
  lines_of /etc/wgchain/forwards >"$WORK/forwards.tried"
  lines_of /etc/wgchain/resolvers >"$WORK/resolvers.tried"
  install_tree
  install_good_keys
  reload_units
  bring_up switch
  prune
  forget_connections "$WORK/sources.tried"
  forget_forwards "$WORK/forwards.tried"
  forget_queries "$WORK/resolvers.tried"
  lines_of "$LIB/good/generation" | put "$LIB/generation"
}

# `watch ID`, detached: reverts when the deploy has not been heard of for its lease.
verb_watch() {
  local pause=1
  while is_pending "$1" && [[ $(pending_lease) != 0 ]]; do
    if lease_is_over; then
      lock 60
      if is_pending "$1" && lease_is_over; then
        # In a process of its own: what fails is tried again, until the host is back.
        (revert "the deploy was not heard of for $(pending_lease) s") &
        wait $! || pause=$((pause < 32 ? pause * 2 : 60))
      fi
      unlock
    fi
    sleep "$pause"
  done
}

# `boot`, by wgchain.service, before any interface of ours. A change that nobody confirmed does not survive a reboot.
# conf.all.rp_filter may be lowered already by systemd-sysctl, so the former value is the found one.
verb_boot() {
  local former
  mkdir -p "$RUN"
  # Not waited for: who holds the lock starts units, and does itself what is done here.
  exec 9>>"$RUN/lock"
  flock -n 9 || unlock
  work
  # The lease is in memory: without it this is a boot, and not a reload of nftables.service.
  if [[ -f $LIB/pending && ! -f $RUN/lease && $(pending_lease) != 0 ]]; then restore_files "the host was restarted before the deploy was confirmed"; fi
  former=$(awk '$1 == "net.ipv4.conf.all.rp_filter" { print $2 }' "$FOUND/sysctl" 2>/dev/null || true)
  [[ -z $former ]] || raise_rp_filter "$former"
  fail_closed
}

# As revert, where nothing runs yet: files and what systemd will start.
restore_files() { # WHY
  local path iface id what="nothing of wgchain"
  id=$(pending_id)
  our_interfaces
  TREE=$WORK/none
  mkdir -p "$TREE"
  if [[ -e $LIB/good ]]; then
    what="generation $(lines_of "$LIB/good/generation" | cut -c1-12)"
    TREE=$LIB/good/tree
    install_tree
    install_good_keys
    lines_of "$LIB/good/generation" | put "$LIB/generation"
  fi
  list_files
  for iface in "${OURS[@]}"; do
    if ! is_line_of "$WORK/files" "etc/wireguard/$iface.conf" && has_systemd; then cmd systemctl disable "wg-quick@$iface.service" || true; fi
  done
  comm -13 "$WORK/files" "$WORK/manifest" >"$WORK/stale"
  while read -r path; do remove_file "$path"; done <"$WORK/stale"
  put "$LIB/manifest" <"$WORK/files"
  put "$LIB/wanted" <"$WORK/files"
  ! has_systemd || cmd systemctl daemon-reload
  printf '%s reverted to %s: %s\n' "$id" "$what" "$1" | put "$LIB/outcome"
  rm -f -- "$LIB/pending"
}
