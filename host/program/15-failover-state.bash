# ---- which exit is taken: /etc/wgchain says what may be chosen, /var/lib/wgchain/failover what is -------------------------------------------------
# Lines of failover: NAME table T every N down N up N hold N ask TARGETS. Of choices: NAME ORDER exit E dev D table MARK from LABEL. Of what is taken:
# NAME DEV|closed SINCE. In /run/wgchain/failover.seen: NAME ORDER alive|dead|unknown ANSWERED LOST MARK, as last measured.

readonly TAKEN=$LIB/failover SEEN=$RUN/failover.seen

# Held while routes of failovers are compared and changed: what measures and a deploy must not cross.
hold_failover() {
  # Where nothing was ever measured, nobody else changes routes.
  [[ -e /etc/wgchain/failover || -e $RUN/failover.pid ]] || return 0
  [[ -d $RUN ]] || mkdir -p "$RUN"
  exec 7>>"$RUN/failover.lock"
  flock 7
}
let_failover() { exec 7>&-; }

# Lines TABLE FIRST_DEV TAKEN_DEV|closed NAME of what is wanted. Of choices that nobody has taken yet, the first that is not known to be dead.
# shellcheck disable=SC2016
readonly TAKEN_AWK='
  FILENAME == ARGV[1] { taken[$1] = $2; next }
  FILENAME == ARGV[2] { if ($3 == "dead") dead[$6]; next }
  FILENAME == ARGV[3] { dev[$1, $2] = $6; mark[$1, $2] = $8; known[$1, $6]; if ($2 > count[$1]) count[$1] = $2; next }
  {
    now = $1 in taken && (taken[$1] == "closed" || ($1, taken[$1]) in known) ? taken[$1] : ""
    for (i = 1; i <= count[$1] && now == ""; i++) if (!(mark[$1, i] in dead)) now = dev[$1, i]
    print $3, dev[$1, 1], now == "" ? "closed" : now, $1
  }'
taken() { if [[ -s $ETC/failover ]]; then awk "$TAKEN_AWK" <(lines_of "$TAKEN") <(lines_of "$SEEN") "$ETC/choices" "$ETC/failover"; fi; }

# Wanted routes, from standard input, as they are while those choices are taken.
routes_taken() {
  [[ -s $ETC/failover ]] || { cat; return 0; }
  awk 'FILENAME == ARGV[1] { first[$1] = $2; now[$1] = $3; next }
    $1 == "default" && $2 == "dev" && $5 in first && $3 == first[$5] { if (now[$5] == "closed") next; $3 = now[$5] }
    { print }' <(taken) -
}

# Lines IFACE SOURCE EXIT LABEL of what is wanted, of several choices the one that is taken.
sources_taken() {
  [[ -s $ETC/failover ]] || { lines_of "$ETC/sources"; return 0; }
  awk 'FILENAME == ARGV[1] { now[$1] = $3; next }
    NF == 6 { n = split($5, dev, ","); split($3, exit_, ","); split($4, label, ","); k = 0; for (i = 1; i <= n; i++) if (dev[i] == now[$6]) k = i
      print $1, $2, k ? exit_[k] : "closed", k ? label[k] : "-"; next }
    { print }' <(taken) "$ETC/sources"
}
