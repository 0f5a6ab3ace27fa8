# ---- failover: measures exits by packets, and moves the default route of a table to the first that is alive ---------------------------------------

FAILOVERS=()
declare -A TABLE EVERY DOWN UP HOLD ASK COUNT EXIT DEV MARK LABEL NOW DUE ALIVE SINCE OKS LOST ANSWERED

failover_service() { # as it is wanted now; in a dry run says what it would do
  if [[ ! -s $ETC/failover ]]; then return 0; fi
  if has_systemd; then
    systemctl is-enabled -q wgchain-failover.service 2>/dev/null || cmd systemctl enable wgchain-failover.service
    if ! systemctl is-active -q wgchain-failover.service || changed_unit usr/local/lib/wgchain/wgchain-host || changed_unit etc/systemd/system/wgchain-failover.service; then
      cmd systemctl restart wgchain-failover.service
    fi
  elif ! failover_runs || changed_unit usr/local/lib/wgchain/wgchain-host; then
    [[ $DRY == 1 ]] || stop_failover_process
    cmd start_failover_process
  fi
}

failover_runs() { mkdir -p "$RUN"; ! (exec 6>>"$RUN/failover.pid" && flock -n 6); }

# Where no systemd starts it anew, a loop does.
start_failover_process() {
  # shellcheck disable=SC2016
  setsid bash -c 'while :; do bash "$1" failover; sleep 1; done' wgchain-failover /usr/local/lib/wgchain/wgchain-host </dev/null >>"$RUN/failover.log" 2>&1 7>&- 8>&- 9>&- &
  printf '%s\n' $! | put "$RUN/failover.loop"
}
stop_failover_process() {
  local pid
  pid=$(lines_of "$RUN/failover.loop")
  if [[ $pid =~ ^[0-9]+$ && $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) == *wgchain-failover* ]]; then kill -- "-$pid" 2>/dev/null || true; fi
  rm -f -- "$RUN/failover.loop"
}
stop_failover() {
  if has_systemd; then
    [[ ! -f /etc/systemd/system/wgchain-failover.service ]] || cmd systemctl disable --now wgchain-failover.service || true
  elif [[ -f $RUN/failover.loop ]]; then
    cmd stop_failover_process
  fi
  [[ $DRY == 1 ]] || rm -f -- "$SEEN" "$TAKEN"
}

# `failover`, by wgchain-failover.service: until it is stopped.
verb_failover() {
  local name i began
  [[ $EUID -eq 0 ]] || die "must run as root"
  mkdir -p "$RUN"
  exec 6>>"$RUN/failover.pid"
  flock -n 6 || die "exits are being measured already on this host"
  printf '%s\n' $$ >"$RUN/failover.pid"
  MEASURED=$RUN/failover.measured
  rm -rf -- "$MEASURED"
  mkdir -- "$MEASURED"
  trap 'exit 0' TERM INT HUP
  while :; do
    if [[ ! -e $MEASURED/read || $ETC/failover -nt $MEASURED/read || $ETC/choices -nt $MEASURED/read || ! -e $ETC/failover ]]; then read_failovers; fi
    began=$(uptime_tenths)
    measure
    for name in "${FAILOVERS[@]}"; do judge "$name"; done
    write_seen
    pause $((10 - ($(uptime_tenths) - began)))
  done
}

uptime_tenths() { local up; read -r up _ </proc/uptime; up=${up%?}; printf '%s\n' "${up/./}"; }
pause() { (($1 < 1)) || sleep "$(($1 / 10)).$(($1 % 10))" 6>&-; }

# What is known of an exit stays known, also to a failover that is new, or after a restart.
read_failovers() {
  local name table every down up hold ask order exit dev mark label first now i
  local -A dead=()
  touch -- "$MEASURED/read"
  while read -r _ _ i _ _ mark; do [[ $i != dead ]] || dead[$mark]=1; done < <(lines_of "$SEEN")
  FAILOVERS=()
  while read -r name _ table _ every _ down _ up _ hold _ ask; do
    FAILOVERS+=("$name")
    TABLE[$name]=$table EVERY[$name]=$every DOWN[$name]=$down UP[$name]=$up HOLD[$name]=$hold ASK[$name]=$ask COUNT[$name]=0 DUE[$name]=0
  done < <(lines_of "$ETC/failover")
  while read -r name order _ exit _ dev _ mark _ label; do
    [[ -n ${TABLE[$name]-} ]] || continue
    i=$name/$order
    EXIT[$i]=$exit DEV[$i]=$dev MARK[$i]=$mark LABEL[$i]=$label
    ((order <= ${COUNT[$name]})) || COUNT[$name]=$order
    if [[ -z ${ALIVE[$i]-} && -n ${dead[$mark]-} ]]; then uptime_seconds; ALIVE[$i]=dead SINCE[$i]=$UPTIME; fi
    : "${ALIVE[$i]=unknown}" "${SINCE[$i]=0}" "${OKS[$i]=0}" "${LOST[$i]=0}" "${ANSWERED[$i]=0}"
  done < <(lines_of "$ETC/choices")
  hold_failover
  # One that was gone begins anew.
  awk 'FILENAME == ARGV[1] { wanted[$1]; next } $1 in wanted' <(lines_of "$ETC/failover") <(lines_of "$TAKEN") >"$MEASURED/taken"
  cmp -s "$MEASURED/taken" <(lines_of "$TAKEN") || put "$TAKEN" <"$MEASURED/taken"
  while read -r table first now name; do
    # From now on it is not what is measured that says so.
    lines_of "$TAKEN" | awk '{ print $1 }' | grep -Fx -- "$name" >/dev/null || keep_taken "$name" "$now" 0
    NOW[$name]=0
    for ((i = 1; i <= ${COUNT[$name]}; i++)); do [[ ${DEV[$name/$i]} != "$now" ]] || NOW[$name]=$i; done
    # A move that was killed half way; where the table stands at all.
    [[ -z $(ip -4 route show table "$table" 2>/dev/null) ]] || set_default "$table" "$now" || failover_says "$name: $now cannot be routed to"
  done < <(taken)
  let_failover
}

keep_taken() { # NAME DEV|closed SINCE
  { lines_of "$TAKEN" | awk -v name="$1" '$1 != name'; printf '%s %s %s\n' "$1" "$2" "$3"; } | put "$TAKEN" ||
    failover_says "$TAKEN cannot be written; after a restart $1 starts with its first exit"
}

set_default() { # TABLE DEV|closed
  local live
  live=$(ip -4 route show table "$1" default proto $PROTOCOL 2>/dev/null | sed -n 's/^default dev \([^ ]*\) .*$/\1/p;q') || true
  [[ ${live:-closed} != "$2" ]] || return 0
  if [[ $2 == closed ]]; then
    ip -4 route del default dev "$live" table "$1" protocol $PROTOCOL
  else
    ip -4 route replace default dev "$2" table "$1" protocol $PROTOCOL 2>/dev/null
  fi
}

# Every exit that is due, at once; the same exit for two failovers once. An answer from any target will do.
measure() {
  local name i key now target
  uptime_seconds
  now=$UPTIME
  rm -f -- "$MEASURED"/*.answered "$MEASURED"/*.asked
  for name in "${FAILOVERS[@]}"; do
    ((now >= ${DUE[$name]})) || continue
    DUE[$name]=$((now + ${EVERY[$name]}))
    for ((i = 1; i <= ${COUNT[$name]}; i++)); do
      key=${MARK[$name/$i]}.${ASK[$name]}
      [[ ! -e $MEASURED/$key.asked ]] || continue
      : >"$MEASURED/$key.asked"
      for target in ${ASK[$name]//,/ }; do
        { ! ping -n -q -c 1 -W 1 -m "${MARK[$name/$i]}" -I "${LABEL[$name/$i]}" "$target" >/dev/null 2>&1 || : >"$MEASURED/$key.answered"; } 6>&- &
      done
    done
  done
  wait
}

judge() { # NAME
  local name=$1 i key now epoch best=0 current=${NOW[$1]}
  [[ -e $MEASURED/${MARK[$name/1]}.${ASK[$name]}.asked ]] || return 0
  uptime_seconds
  now=$UPTIME
  printf -v epoch '%(%s)T' -1
  for ((i = ${COUNT[$name]}; i >= 1; i--)); do
    key=$name/$i
    if [[ -e $MEASURED/${MARK[$key]}.${ASK[$name]}.answered ]]; then
      OKS[$key]=$((${OKS[$key]} + 1)) LOST[$key]=0 ANSWERED[$key]=$epoch
      # Of one that was never seen dead the first answer will do.
      if [[ ${ALIVE[$key]} == unknown ]] || { [[ ${ALIVE[$key]} == dead ]] && ((${OKS[$key]} >= ${UP[$name]})); }; then become "$key" alive "$now"; fi
    else
      LOST[$key]=$((${LOST[$key]} + 1)) OKS[$key]=0
      if [[ ${ALIVE[$key]} != dead ]] && ((${LOST[$key]} >= ${DOWN[$name]})); then become "$key" dead "$now"; fi
    fi
    [[ ${ALIVE[$key]} != alive ]] || best=$i
  done
  if ((current == 0)); then
    ((best == 0)) || move "$name" "$best" "$(told_of "$name" "$best") answers"
  elif [[ ${ALIVE[$name/$current]} == dead ]]; then
    move "$name" "$best" "$(told_of "$name" "$current") has not answered ${LOST[$name/$current]} times in a row ($(handshake "${DEV[$name/$current]}"))"
  elif ((best > 0 && best < current && now - ${SINCE[$name/$best]:-0} >= ${HOLD[$name]})); then
    move "$name" "$best" "$(told_of "$name" "$best") has been alive for $((now - ${SINCE[$name/$best]})) s"
  fi
}
become() { ALIVE[$1]=$2 SINCE[$1]=$3; }
told_of() { printf '%s by %s\n' "${EXIT[$1/$2]}" "${DEV[$1/$2]}"; }
# Says where to look: without one for 3 minutes the tunnel is dead, with one what is behind it.
handshake() { # DEV
  local last
  last=$({ wg show "$1" latest-handshakes 2>/dev/null || true; } | awk '$2 > last { last = $2 } END { print last + 0 }')
  if ((${last:-0} == 0)); then printf 'no handshake\n'; else printf 'its last handshake was %s s ago\n' "$(($(printf '%(%s)T' -1) - last))"; fi
}

# All sources of a failover at once, by one route. Connections by the exit that is left end, and no others.
move() { # NAME ORDER|0 WHY
  local name=$1 dev=closed left=
  ((${NOW[$name]} != $2)) || return 0
  (($2 == 0)) || dev=${DEV[$name/$2]}
  ((${NOW[$name]} == 0)) || left=${DEV[$name/${NOW[$name]}]}
  list_moved "${TABLE[$name]}" "$left"
  hold_failover
  if ! set_default "${TABLE[$name]}" "$dev"; then
    let_failover
    failover_says "$name stays where it is: $dev cannot be routed to"
    return 0
  fi
  NOW[$name]=$2
  # Few are forgotten at once: till then their packets carry a label of the exit that is left.
  [[ ! -s $MEASURED/forget ]] || forget_listed
  keep_taken "$name" "$dev" "$(printf '%(%s)T' -1)"
  keep_sources "${TABLE[$name]}"
  let_failover
  failover_says "$name goes $( (($2 == 0)) && printf 'nowhere, for no exit is alive' || printf 'to %s' "$(told_of "$name" "$2")"): $3"
  [[ ! -s $MEASURED/many ]] || forget_connected
}
failover_says() { printf '%(%Y-%m-%d %H:%M:%S)T wgchain: failover: %s\n' -1 "$*" || true; }

# What the next deploy compares with: it must not end the connections of who was moved here.
keep_sources() { # TABLE
  [[ -f $LIB/sources ]] || return 0
  awk 'FILENAME == ARGV[1] { mine[$1, $2]; next } FILENAME == ARGV[2] { now[$1, $2] = $0; next } ($1, $2) in mine && ($1, $2) in now { print now[$1, $2]; next } { print }' \
    <(awk -v table="$1" 'NF == 6 && $6 == table' "$ETC/sources") <(sources_taken) "$LIB/sources" | sort -u | put "$LIB/sources" || true
}

# Lines SOURCE LABEL of who leaves by the exit: in `forget`, or in `many`.
list_moved() { # TABLE DEV
  : >"$MEASURED/forget"
  awk -v table="$1" -v dev="$2" 'NF == 6 && $6 == table { n = split($5, part, ","); split($4, label, ","); for (i = 1; i <= n; i++) if (part[i] == dev) print $2, label[i] }' "$ETC/sources" >"$MEASURED/many"
  (($(wc -l <"$MEASURED/many") > 16)) || mv -f -- "$MEASURED/many" "$MEASURED/forget"
}
forget_listed() {
  local source label
  while read -r source label; do conntrack -D -f ipv4 -s "$source" -q "$label" >/dev/null 2>&1 </dev/null || true; done <"$MEASURED/forget" # 1: there was none
}
# Of many only those that have a connection: 10,000 sources must not be 10,000 processes.
forget_connected() {
  conntrack -L -f ipv4 2>/dev/null | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^src=/) { print substr($i, 5); break } }' | sort -u >"$MEASURED/connected"
  awk 'FILENAME == ARGV[1] { live[$1]; next } { a = $1; sub(/\/32$/, "", a); if (a ~ /\// || a in live) print a, $2 }' "$MEASURED/connected" "$MEASURED/many" >"$MEASURED/forget"
  forget_listed
}

write_seen() {
  local name i
  for name in "${FAILOVERS[@]}"; do
    for ((i = 1; i <= ${COUNT[$name]}; i++)); do
      printf '%s %s %s %s %s %s\n' "$name" "$i" "${ALIVE[$name/$i]}" "${ANSWERED[$name/$i]}" "${LOST[$name/$i]}" "${MARK[$name/$i]}"
    done
  done | put "$SEEN"
}
