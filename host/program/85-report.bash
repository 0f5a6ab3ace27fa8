# ---- report: what is there, for `wgchain status` and for people. Reads only, and takes no lock --------------------------------------------------

fields() { local IFS=$'\t'; printf '%s\n' "$*"; }

# Lines of tab separated fields, the first is the kind. Of a dump, which holds private keys, only what is public gets out.
report() {
  local text lease left=-
  fields version 1
  fields clock "$(printf '%(%s)T' -1)"
  text=$(lines_of "$LIB/generation")
  [[ -n $text ]] || text=$(lines_of "$LIB/good/generation")
  [[ -z $text ]] || fields generation "${text%%$'\n'*}"
  if [[ -f $LIB/pending ]]; then
    lease=$(lines_of "$RUN/lease")
    [[ ! $lease =~ ^[0-9]+$ ]] || { uptime_seconds; left=$((lease - UPTIME)); }
    [[ $left == - ]] || ((left > 0)) || left=0
    fields pending "$(pending_id)" "$left"
  fi
  text=$(lines_of "$LIB/outcome" | head -n 1 | tr '\t' ' ')
  [[ -z $text ]] || fields outcome "$text"
  fields forwarding "$(</proc/sys/net/ipv4/ip_forward)"
  awk -F'\t' -v OFS='\t' '
    function say(name) {
      print "interface", name, (name in up ? up[name] : "missing"), (name in mtu ? mtu[name] : "-"), (name in port ? port[name] : "-"), (name in key ? key[name] : "-")
    }
    FILENAME == ARGV[1] { split($0, part, " "); wanted[part[1]]; order[++count] = part[1]; next }
    FILENAME == ARGV[2] { up[$1] = $2; mtu[$1] = $3; next }
    FILENAME == ARGV[3] { name[$1, $2] = $7; next }
    !($1 in wanted) { next }
    NF == 5 { key[$1] = $3; port[$1] = $4; next }
    NF == 9 { peer[++peers] = $1 OFS $2 OFS (($1, $2) in name ? (name[$1, $2] == "" ? "-" : name[$1, $2]) : "(unknown)") OFS $4 OFS $6 OFS $7 OFS $8 }
    END { for (i = 1; i <= count; i++) say(order[i]); for (i = 1; i <= peers; i++) print "peer", peer[i] }' \
    <(lines_of "$ETC/interfaces") <(links) <(lines_of "$ETC/peers") <(wg show all dump 2>/dev/null || true)
  report_failover
  rules_live | sed 's/^/rule\t/'
  routes_live | awk '{ table = $NF; sub(/ table [0-9]+$/, ""); print "table\t" table "\t" $0 }' | sort -s -t $'\t' -k2,2n
}
# failover NAME EXIT|- DEV|closed SINCE measured|stopped, then choice NAME ORDER EXIT DEV alive|dead|unknown ANSWERED LOST
report_failover() {
  local runs=stopped
  [[ -s $ETC/failover ]] || return 0
  ! failover_runs || runs=measured
  awk -v OFS='\t' -v runs=$runs '
    FILENAME == ARGV[1] { since[$1] = $3; next }
    FILENAME == ARGV[2] { now[$4] = $3; next }
    FILENAME == ARGV[3] { seen[$1, $2] = $3 OFS $4 OFS $5; next }
    !($1 in told) { told[$1]; names[++n] = $1 }
    { if ($6 == now[$1]) exit_[$1] = $4; choice[$1] = choice[$1] "choice" OFS $1 OFS $2 OFS $4 OFS $6 OFS (($1, $2) in seen ? seen[$1, $2] : "unknown" OFS 0 OFS 0) "\n" }
    END { for (i = 1; i <= n; i++) { name = names[i]; print "failover", name, (name in exit_ ? exit_[name] : "-"), now[name], since[name] + 0, runs; printf "%s", choice[name] } }' \
    <(lines_of "$TAKEN") <(taken) <(lines_of "$SEEN") "$ETC/choices"
}
links() { # NAME up|down MTU
  ip -o link show | awk -v OFS='\t' '{ name = $2; sub(/:$/, "", name); sub(/@.*$/, "", name); state = $3 ~ /[<,]UP[,>]/ ? "up" : "down"
    for (i = 4; i < NF; i++) if ($i == "mtu") print name, state, $(i + 1) }'
}

# The last line tells that it is whole.
verb_report() {
  [[ $EUID -eq 0 ]] || die "must run as root"
  report
  fields end
}

verb_status() {
  [[ $EUID -eq 0 ]] || die "must run as root"
  [[ -f $ETC/interfaces ]] || { say "wgchain is not deployed on this host"; return 0; }
  report | awk -F'\t' '
    function ago(then,   s) { s = clock - then; if (then == 0) return "never"; if (s < 120) return s " s ago"; if (s < 7200) return int(s / 60) " min ago"; return int(s / 3600) " h ago" }
    $1 == "clock" { clock = $2 }
    $1 == "generation" { print "generation " substr($2, 1, 12) }
    $1 == "pending" { print "the deploy " $2 " is not confirmed" ($3 == "-" ? "" : "; back to the last good configuration in " $3 " s") }
    $1 == "outcome" { print "last deploy: " $2 }
    $1 == "forwarding" { print "forwarding " ($2 == 1 ? "on" : "OFF") }
    $1 == "interface" { print "interface " $2 " " $3 ", mtu " $4 ", port " $5 ", public key " $6 }
    $1 == "peer" { print "  " ($4 == "-" ? $3 : $4) "  " $5 "  handshake " ago($6) ", " $7 " bytes in, " $8 " out" }
    $1 == "failover" { print "failover " $2 ": " ($4 == "closed" ? "CLOSED, no exit is alive" : "takes " $3 " by " $4) ($5 ? ", since " ago($5) : "") ($6 == "measured" ? "" : "; NOT MEASURED, wgchain-failover does not run") }
    $1 == "choice" { print "  " $3 ". " $4 " by " $5 "  " $6 ", answered " ago($7) }
    $1 == "rule" { rules++ }
    $1 == "table" { if (!($2 in seen)) { seen[$2]; tables++ } routes++ }
    END { print rules + 0 " rules, " routes + 0 " routes in " tables + 0 " tables" }'
  drift | sed 's/^/differs: /'
}
