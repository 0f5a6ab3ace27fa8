# ---- verbs beside a deploy's ----------------------------------------------------------------------------------------------------------------------

verb_destroy() {
  [[ $# -eq 0 ]] || die "destroy takes no arguments"
  lock_deploy
  lock
  sweep
  take_away
  [[ ! -d $LIB ]] || cmd rm -rf -- "$LIB"
  rm -rf -- "$RUN"
}

# By PreUp: an interface does not come up where nothing would close the host.
verb_ready() {
  work
  difference rule missing >"$WORK/todo"
  difference route missing | awk '$1 == "unreachable"' >>"$WORK/todo"
  [[ ! -s $WORK/todo ]] || die "interface $1 stays down: $(head -n 1 "$WORK/todo") is missing, and packets would leave in the clear; run: $PROGRAM repair"
  nft_closes || die "interface $1 stays down: the nftables table ip wgchain is missing or was changed, and packets would leave in the clear; run: $PROGRAM repair"
}

# By PostUp.
verb_up() {
  work
  [[ ! -e /run/udev/control ]] || udevadm settle --timeout=5 || true # udev's own sysctl run for the new interface comes before ours
  set_preshared_keys "$1"
  settle_interface "$1"
}

verb_reload() {
  lock 60 # `systemctl reload` of several interfaces runs them side by side
  has_conf "$1" || die "interface $1 is not wgchain's"
  reconcile "$1" prune
  settle_interface "$1"
}

# What converging this host to what was last deployed would do, a line each; nothing when it stands.
drift() {
  work
  [[ -e $LIB/good ]] || return 0
  dry_run "$LIB/good/tree" | sed -n 's/^\[#\] //p'
}

verb_repair() {
  [[ $# -eq 0 ]] || die "repair takes no arguments"
  lock 60
  [[ -e $LIB/good ]] || die "this host does not know what was deployed to it ($LIB/good is missing): deploy to it anew"
  [[ ! -f $LIB/pending ]] || die "a deploy to this host is under way; wait until it ends"
  restore_good
}
