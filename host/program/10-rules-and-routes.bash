# ---- rules and routes: wanted and live lines in one canonical form, which is also what `ip rule|route add` takes -------------------------------
# RULE_AWK and ROUTE_AWK set `line`; with what follows them they are one program, so that what is wanted and what is live are one process.

# shellcheck disable=SC2016
readonly RULE_AWK='
  function value(v) { sub(/\/32$/, "", v); return v }
  {
    pref = ""; proto = ""; not = ""; table = ""; action = ""; more = ""; split("", at); i = 1
    if ($1 ~ /^[0-9]+:$/) { pref = substr($1, 1, length($1) - 1); i = 2 }
    for (; i <= NF; i++) {
      if ($i == "[detached]") continue
      if ($i == "not") { not = " not"; continue }
      if ($i ~ /^(unreachable|blackhole|prohibit)$/) { action = " " $i; continue }
      key = $i; v = $(++i)
      if (key ~ /^(pref|priority|preference|order)$/) pref = v
      else if (key ~ /^(proto|protocol)$/) proto = v
      else if (key ~ /^(lookup|table)$/) table = v == "main" ? 254 : v == "default" ? 253 : v == "local" ? 255 : v
      else if (key == "iif" || key == "dev") at["iif"] = v
      else if (key == "from" || key == "to") { if (v != "all" && v != "any" && v !~ /\/0$/) at[key] = value(v) }
      else if (key == "fwmark") { v = tolower(v); sub(/^0x0+/, "0x", v); sub(/\/0xffffffff$/, "", v); at[key] = v }
      else more = more " " key " " v
    }
    if (own != "" && proto != own) next
    line = "pref " pref not
    n = split("from to iif oif fwmark", order, " ")
    for (k = 1; k <= n; k++) if (order[k] in at) line = line " " order[k] " " at[order[k]]
    line = line more action (table == "" ? "" : " lookup " table)
  }'

# shellcheck disable=SC2016
readonly ROUTE_AWK='
  BEGIN { split("unicast local broadcast anycast multicast blackhole unreachable prohibit throw", types, " "); for (t in types) type[types[t]] = types[t]
          for (t in types) number[t] = types[t] }
  {
    kind = ""; table = 254; metric = ""; via = ""; dev = ""; more = ""; i = 1
    if ($1 in type) { kind = $1; i = 2 } else if ($1 ~ /^[0-9]+$/) { kind = number[$1]; i = 2 }
    prefix = $i; sub(/\/32$/, "", prefix); if (prefix == "0.0.0.0/0") prefix = "default"
    for (i++; i <= NF; i++) {
      if ($i ~ /^(linkdown|dead|onlink|pervasive|offload|trap)$/) continue
      key = $i; v = $(++i)
      if (key == "table") table = v == "main" ? 254 : v == "default" ? 253 : v
      else if (key ~ /^(scope|proto|protocol|error)$/) continue
      else if (key ~ /^(metric|priority|preference)$/) metric = v == 0 ? "" : " metric " v
      else if (key == "via") via = " via " v
      else if (key == "dev") dev = " dev " v
      else more = more " " key " " v
    }
    line = (kind == "" || kind == "unicast" ? "" : kind " ") prefix via dev more metric " table " table
  }'

readonly PRINT_AWK='{ print line }'
# What is `side` only, sorted. All that is live goes into the file `kept`.
# shellcheck disable=SC2016
readonly DIFFERENCE_AWK='
  !((file, line) in seen) { seen[file, line]; if (file == side) mine[++count] = line; if (file == "live") print line >kept }
  END {
    for (i = 1; i <= count; i++) if (!((side == "live" ? "wanted" : "live", mine[i]) in seen)) {
      for (j = ++only; j > 1 && out[j - 1] > mine[i]; j--) out[j] = out[j - 1]
      out[j] = mine[i]
    }
    for (i = 1; i <= only; i++) print out[i]
  }'

rules_shown() { ip -4 -N rule show; }
# An empty table is an error to ip ("FIB table does not exist"); `table all` is not.
routes_shown() { ip -4 -N route show table all proto $PROTOCOL; }
rules_live() { rules_shown | awk -v own=$PROTOCOL "$RULE_AWK$PRINT_AWK" | sort -u; }
routes_live() { routes_shown | awk "$ROUTE_AWK$PRINT_AWK" | sort -u; }

# $1: rule or route, $2: missing (wanted, not live) or stale (live, not wanted). What is live is in $WORK/live afterwards.
difference() {
  local side=wanted program=$RULE_AWK
  work
  [[ $2 == missing ]] || side=live
  file_or_none "$ETC/$1s"
  if [[ $1 == route ]]; then
    program=$ROUTE_AWK
    if [[ -s $ETC/failover ]]; then routes_taken <"$FILE" >"$WORK/wanted"; FILE=$WORK/wanted; fi
  fi
  "$1s_shown" >"$WORK/shown"
  : >"$WORK/live"
  awk -v side=$side -v kept="$WORK/live" "$program$DIFFERENCE_AWK" file=wanted own= "$FILE" file=live own=$PROTOCOL "$WORK/shown"
}

ip_lines() { # rule|route, add|del, FILE of canonical lines
  local line args
  while read -r line; do
    read -ra args <<<"$line"
    cmd ip -4 "$1" "$2" "${args[@]}" protocol $PROTOCOL
  done <"$3"
}

add_rules() { difference rule missing >"$WORK/todo"; ip_lines rule add "$WORK/todo"; }
prune_rules() {
  difference rule stale >"$WORK/todo"
  forget_networks "$WORK/todo"
  ip_lines rule del "$WORK/todo"
}
# Connections of networks that leave with these rules, which close the host to them until then. NAT gives answers that still come in their inner addresses
# back; once nothing here knew these, they would be sent on in the clear.
forget_networks() { # FILE of canonical lines
  local network
  [[ -s $1 ]] || return 0
  awk '$3 == "to" && $5 == "lookup" { print $4 }' "$1" | sort -u >"$WORK/leaving"
  while read -r network; do
    say "[#] conntrack -D -f ipv4 -s $network"
    [[ $DRY == 1 ]] || conntrack -D -f ipv4 -s "$network" >/dev/null 2>&1 </dev/null || true # 1: there was none
  done <"$WORK/leaving"
}
prune_routes() {
  hold_failover
  difference route stale >"$WORK/todo"
  ip_lines route del "$WORK/todo"
  let_failover
}

has_address() { ip -4 -o addr show dev "$1" | awk -v ip="$2" '{ sub(/\/.*/, "", $4) } $4 == ip { found = 1 } END { exit !found }'; }

# Lines add|replace DEV|- SOURCE|- ROUTE of missing routes, by what is live.
# shellcheck disable=SC2016
readonly MISSING_ROUTES_AWK='
  function slot(   k, m, t, i) {
    k = ($1 ~ /^(unreachable|blackhole|prohibit|throw)$/) ? $2 : $1; m = ""; t = ""
    for (i = 2; i < NF; i++) { if ($i == "metric") m = $(i + 1); if ($i == "table") t = $(i + 1) }
    return k "|" m "|" t
  }
  FILENAME == ARGV[1] { taken[slot()]; next }
  {
    dev = source = "-"
    for (i = 2; i < NF; i++) { if ($i == "dev") dev = $(i + 1); if ($i == "src") source = $(i + 1) }
    print (slot() in taken ? "replace" : "add"), dev, source, $0
  }'

# Adds the missing routes: of the given interface, or else all whose interface is up (an interface's own PostUp brings its routes). One that names its
# source waits for that address: closing the host comes before its interfaces get theirs.
# One of ours with the same prefix, table and metric is replaced in one step; somebody else's is not, `add` then fails.
add_routes() {
  local only=${1-} line dev source verb args
  local -A up=()
  hold_failover
  difference route missing >"$WORK/missing"
  if [[ -s $WORK/missing ]]; then
    awk "$MISSING_ROUTES_AWK" "$WORK/live" "$WORK/missing" >"$WORK/todo"
    while read -r verb dev source line; do
      if [[ -n $only ]]; then
        [[ $dev == "$only" ]] || continue
      elif [[ $dev != - ]]; then
        [[ -n ${up[$dev]-} ]] || { up[$dev]=no; ! link_up "$dev" || up[$dev]=yes; }
        [[ ${up[$dev]} == yes ]] || continue
      fi
      if [[ $source != - ]] && ! has_address "$dev" "$source"; then continue; fi
      read -ra args <<<"$line"
      cmd ip -4 route "$verb" "${args[@]}" protocol $PROTOCOL
    done <"$WORK/todo"
  fi
  let_failover
}
