# ---- a deploy's sessions: orders come on standard input, events go out --------------------------------------------------------------------------

# No line is read with a timeout that may come while it arrives: bash 5.2 then loses a character, the newline among them.
ORDER=
# Reads the next order into ORDER; beats renew the lease. Ends with 1 when nobody is there any more, or the connection is dead and does not say so.
next_order() {
  if [[ ${#WAITING[@]} -gt 0 ]]; then
    ORDER=${WAITING[0]} WAITING=("${WAITING[@]:1}")
    return 0
  fi
  while read_order; do
    [[ $ORDER == beat ]] || return 0
    heard
  done
  return 1
}
read_order() { IFS= read -r -t $((LEASE > 30 ? LEASE : 30)) ORDER; } # beats come every 2 s

# A step in a process of its own: one that fails is not the end of the session, which has to put things right. Its status is STATUS: in a condition
# (step || ...) bash would go on behind a command of the step that failed.
STATUS=0
WAITING=()
step() { # FUNCTION
  [[ -n $IDLE ]] || exec {IDLE}<> <(:)
  ("$1") </dev/null {IDLE}<&- &
  STEP=$!
  # A step may take minutes: beats are read meanwhile, orders wait for its end.
  # Often at first: most steps are short.
  WAIT=0.005 POLLS=0
  while kill -0 "$STEP" 2>/dev/null; do listen; done
  STATUS=0
  wait "$STEP" || STATUS=$?
  STEP=
}
IDLE= # a descriptor from which nothing ever comes: to wait without a process
listen() {
  if ! read -r -t 0; then
    read -r -t "$WAIT" -u "$IDLE" || true
    ((++POLLS % 50)) || WAIT=0.02
  elif ! read_order; then
    sleep 0.1 # nobody is there; the step ends, then next_order finds out
  elif [[ $ORDER == beat ]]; then
    heard
  else
    WAITING+=("$ORDER")
  fi
}
# The lease is the first session's: whoever confirms does not keep a change alive that the first has lost.
heard() { if [[ $FIRST == 1 && -f $RUN/lease ]] && is_pending "$ID"; then renew "$LEASE"; fi; }
FIRST=0

take_secret() { # the line "key IFACE KEY" or "psk IFACE KEY"
  local kind=${ORDER%% *} iface key=${ORDER##* } # no here-string: bash may write that to a file
  iface=${ORDER#* } iface=${iface%% *}
  [[ $iface =~ ^[A-Za-z0-9_=+.-]{1,15}$ && $iface != .* && $key =~ ^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$ ]] || die "the $kind that arrived for an interface is not one; run the deploy again"
  (umask 077; mkdir -p "$TREE/etc/wgchain/keys"; printf '%s\n' "$key" >"$TREE/etc/wgchain/keys/$iface.$kind")
}

# deploy TREE GENERATION ID SECONDS [ORDER], the first one
verb_deploy() {
  [[ ($# -eq 4 || $# -eq 5) && $3 =~ ^[A-Za-z0-9]{1,64}$ && $4 =~ ^[0-9]{1,5}$ ]] || die "deploy needs TREE GENERATION ID SECONDS [ORDER]"
  WAITING=("${@:5}")
  TREE=$1 GENERATION=$2 ID=$3 LEASE=$4 FIRST=1
  [[ -d $TREE/etc/wgchain ]] || die "no payload in $TREE; called by hand? use \`cdktf deploy\`"
  lock_deploy
  sweep
  at_exit+=(revert_unless_told)
  while next_order; do
    case $ORDER in
      'key '* | 'psk '*) take_secret ;;
      prepare) step prepare; ((STATUS == 0)) || exit 1; event prepared ;;
      add) step add; ((STATUS == 0)) || give_up "what is new could not be added"; event added ;;
      switch) step switch_keys; ((STATUS == 0)) || give_up "keys could not be switched"; event switched ;;
      revert) give_up "the deploy failed" ;;
      bye) at_exit=(); exit 0 ;;
      *) REASON="the order '${ORDER:0:20}' is unknown"; die "$REASON" ;;
    esac
  done
  exit 1
}
give_up() { # WHY
  REASON=$1
  exit 1
}
# At the end of a session that was not told that all is well.
REASON='the deploy ended, or its connection broke, before it was confirmed'
revert_unless_told() {
  if ! is_pending "$ID" || [[ $LEASE == 0 ]]; then return 0; fi
  (wait_for_lock; if is_pending "$ID"; then revert "$REASON"; fi) </dev/null &
  wait $! || say "wgchain-host: the revert failed; it is tried again when the lease of $LEASE s is over"
}

# confirm GENERATION ID
verb_confirm() {
  [[ $# -eq 2 && $2 =~ ^[A-Za-z0-9]{1,64}$ ]] || die "confirm needs GENERATION ID"
  GENERATION=$1 ID=$2 LEASE=60
  work
  step check
  ((STATUS == 0)) || exit 1
  event checked
  while next_order; do
    case $ORDER in
      commit) step commit; ((STATUS == 0)) || exit 1; event committed ;;
      bye) exit 0 ;;
      revert) exit 1 ;;
      *) die "the order '${ORDER:0:20}' is unknown" ;;
    esac
  done
  [[ ! -f $LIB/pending ]] # committed: the end may come without a bye
}

verb_outcome() {
  [[ $# -eq 1 ]] || die "outcome needs the ID of a deploy"
  if is_pending "$1"; then
    say "pending"
  elif [[ $(lines_of "$LIB/outcome" | awk '{ print $1 }') == "$1" ]]; then
    lines_of "$LIB/outcome" | cut -d' ' -f2-
  else
    say "unknown"
  fi
}
