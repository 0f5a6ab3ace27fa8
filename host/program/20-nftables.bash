# ---- nftables: one table, whose rules are compared as text and whose sets element by element ----------------------------------------------------
# /run/wgchain/nft.file is the file whose rules are loaded, nft.rules the kernel's own listing of them right after that.

nft_live() { nft -s list table ip wgchain 2>/dev/null; }

# Of a listing all but its elements, the rules. These, as lines "SET KEY" or "MAP KEY : VALUE", are compared with those of the first file: what is only here
# goes into the file `stale`, what is only there into the file `missing`. Without these names elements are passed over.
# shellcheck disable=SC2016
readonly NFT_AWK='
  function hex(v) { if (sub(/^0x0+/, "0x", v) && v == "0x") v = "0x0"; return v }
  function put(text,   n, i, e, kv, m) {
    n = split(text, e, ",")
    for (i = 1; i <= n; i++) {
      gsub(/^[ \t]+|[ \t]+$/, "", e[i]); if (e[i] == "") continue
      m = split(e[i], kv, / *: */); sub(/\/32$/, "", kv[1])
      live(name " " hex(kv[1]) (m > 1 ? " : " hex(kv[2]) : ""))
    }
  }
  function live(element) { if (element in wanted) delete wanted[element]; else print element >stale }
  FILENAME == ARGV[1] { if (!($0 in wanted)) { wanted[$0]; order[++count] = $0 } next }
  $1 == "set" || $1 == "map" { name = $2 }
  /elements = \{/ { inside = 1; sub(/^.*elements = \{/, "") }
  inside { last = sub(/\}.*$/, ""); if (stale != "") put($0); if (last) inside = 0; next }
  { print }
  END { for (i = 1; i <= count; i++) if (order[i] in wanted) print order[i] >missing }'

# Looks at the kernel once: its rules in nft.rules, elements.missing and elements.stale in $WORK.
nft_look() {
  if [[ $DRY == 1 && -n $NFT_SEEN ]]; then return 0; fi
  work
  : >"$WORK/elements.missing"
  : >"$WORK/elements.stale"
  file_or_none "$ETC/elements"
  nft_live | awk -v missing="$WORK/elements.missing" -v stale="$WORK/elements.stale" "$NFT_AWK" "$FILE" - >"$WORK/nft.rules" || return 1
  NFT_SEEN=1
}
NFT_SEEN= # a dry run changes nothing: it looks once
# The rules in the kernel are those that we loaded, whichever that were: nobody else has touched them.
nft_untouched() { [[ -f $RUN/nft.file ]] && cmp -s "$WORK/nft.rules" "$RUN/nft.rules"; }
nft_rules_are() { cmp -s "$1" "$RUN/nft.file"; } # of FILE
nft_rules_stand() { nft_untouched && nft_rules_are "$ETC/nftables.nft" && [[ ! -e $RUN/nft.leaving ]]; }
# All that is wanted is there; something stale may be too.
nft_closes() { nft_as_added || { nft_look && nft_untouched && [[ ! -s $WORK/elements.missing ]]; }; }
# As this deploy's ADD left it, with every element and nothing stale. Only rules are looked at: nft needs 0.1 s to list the elements of 10,000 clients, and
# nobody takes single ones away while a deploy lasts (who does: the next repair finds it). Whoever loads another ruleset takes the rules as well.
nft_as_added() {
  is_of_this_deploy nft && nft_rules_are "$ETC/nftables.nft" && [[ ! -e $RUN/nft.leaving ]] &&
    nft -s -t list ruleset 2>/dev/null | awk '/^table / { ours = $2 " " $3 == "ip wgchain" } ours { print } /^}/ { ours = 0 }' | cmp -s - "$RUN/nft.rules"
}
nft_stands() { nft_look && nft_rules_stand && [[ ! -s $WORK/elements.missing && ! -s $WORK/elements.stale ]]; }

# Lines "SET KEY[ : VALUE]" to statements, one a set.
nft_statements() { # add|delete
  awk -v verb="$1" '
    { name = $1; sub(/^[^ ]+ /, ""); if (verb == "delete") sub(/ : .*$/, "")
      if (name != last) { if (last != "") print " }"; printf "%s element ip wgchain %s { %s", verb, name, $0; last = name } else printf ", %s", $0 }
    END { if (last != "") print " }" }'
}

# Of the stale elements those that stand in the way of a missing one: the same key, or an interval that overlaps. Of a key of several parts the first is the
# interval. In sets by prefix and port (..._from) a single address is an interval, too.
# shellcheck disable=SC2016
readonly NFT_IN_THE_WAY_AWK='
  function number(a,   p) { split(a, p, "."); return ((p[1] * 256 + p[2]) * 256 + p[3]) * 256 + p[4] }
  function span(t,   p, n) { n = split(t, p, "/"); low = number(p[1]); high = low + 2 ^ (32 - (n > 1 ? p[2] : 32)) - 1 }
  { whole = $0; sub(/ : .*$/, "", whole); rest = whole; sub(/^[^ ]+ [^ ]+/, "", rest); interval = $2 ~ /\// || $1 ~ /_from$/ }
  FILENAME == ARGV[1] { key[whole]; if (interval) { n++; set[n] = $1 rest; span($2); from[n] = low; to[n] = high } next }
  whole in key { print; next }
  interval && n { span($2); for (i = 1; i <= n; i++) if (set[i] == $1 rest && low <= to[i] && from[i] <= high) { print; next } }'

nft_load() { # TEXT_FILE REASON [elements]: one transaction, then what the kernel made of the rules is kept, unless only elements were changed
  say "[#] nft -f ($2)"
  [[ $DRY == 0 ]] || return 0
  nft -f "$1" 8>&- 9>&-
  [[ ${3-} != elements ]] || return 0
  nft_live | awk "$NFT_AWK" /dev/null - | put "$RUN/nft.rules"
  put "$RUN/nft.file" <"$ETC/nftables.nft"
}

nft_whole() { # REASON
  { printf 'table ip wgchain\ndelete table ip wgchain\n'; cat -- "$ETC/nftables.nft"; lines_of "$ETC/elements" | sort -u | nft_statements add; } >"$WORK/nft.todo"
  [[ $DRY == 1 ]] || rm -f -- "$RUN/nft.leaving"
  nft_load "$WORK/nft.todo" "$1"
}

# Rules of the loaded file that are for interfaces which the wanted file no longer has: `add rule` statements.
nft_leaving_rules() {
  awk '
    function quoted(line,   rest, found) { found = ""; rest = line
      while (match(rest, /"[^"]+"/)) { q = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH); if (q != "\"lo\"") found = q }
      return found }
    FILENAME == ARGV[1] { if ((q = quoted($0)) != "") staying[q]; next }
    $1 == "chain" { chain = $2; next }
    /^ *(type|\}|table|set|map|flags)/ { next }
    (q = quoted($0)) != "" && !(q in staying) { sub(/^ +/, ""); print "add rule ip wgchain " chain " " $0 }' "$ETC/nftables.nft" "$RUN/nft.file"
}
nft_chains() { awk '$1 == "chain" { print $2 }' "$1"; }
# Only hosts with private networks or forwards have these, or resolvers for their clients: they come and go with them, all others are on every host.
nft_common_chains() { nft_chains "$1" | awk '!/^(gateway|dns_of)_/'; }
# Of those that both have; chains that leave go on working until nft_prune.
nft_flush_chains() {
  comm -12 <(nft_chains "$WORK/nft.rules" | sort) <(nft_chains "$ETC/nftables.nft" | sort) | sed 's/^/flush chain ip wgchain /'
}
nft_delete_chains() {
  comm -13 <(nft_chains "$ETC/nftables.nft" | sort) <(nft_chains "$WORK/nft.rules" | sort) |
    sed 's/^.*$/flush chain ip wgchain &\ndelete chain ip wgchain &/'
}

# What is wanted is there afterwards; what is stale goes on working until nft_prune.
nft_add() {
  [[ $DRY == 1 ]] || rm -f -- "$RUN/added.nft"
  [[ -f $ETC/nftables.nft ]] || return 0
  if ! nft_look; then nft_whole "table ip wgchain"; return; fi
  if ! nft_untouched; then nft_whole "table ip wgchain, which somebody has changed"; return; fi
  # Where they differ, another version of this program made them.
  if ! nft_rules_are "$ETC/nftables.nft" && [[ $(nft_common_chains "$ETC/nftables.nft") != "$(nft_common_chains "$RUN/nft.file")" ]]; then nft_whole "table ip wgchain, whose chains are others"; return; fi
  : >"$WORK/elements.leaving"
  : >"$WORK/nft.todo"
  : >"$WORK/nft.elements"
  if [[ -s $WORK/elements.missing ]]; then
    if [[ -s $WORK/elements.stale ]]; then awk "$NFT_IN_THE_WAY_AWK" "$WORK/elements.missing" "$WORK/elements.stale" >"$WORK/elements.leaving"; fi
    nft_statements delete <"$WORK/elements.leaving" >"$WORK/nft.todo"
    nft_statements add <"$WORK/elements.missing" >"$WORK/nft.elements"
  fi
  if nft_rules_are "$ETC/nftables.nft"; then
    if [[ -s $WORK/nft.elements ]]; then
      cat "$WORK/nft.elements" >>"$WORK/nft.todo"
      nft_load "$WORK/nft.todo" "$(wc -l <"$WORK/elements.missing") elements" elements
    fi
    if cmp -s "$WORK/elements.stale" "$WORK/elements.leaving"; then of_this_deploy nft; fi
    return
  fi
  nft_leaving_rules >"$WORK/nft.leaving"
  { nft_flush_chains; cat "$ETC/nftables.nft" "$WORK/nft.leaving" "$WORK/nft.elements"; } >>"$WORK/nft.todo"
  [[ $DRY == 1 ]] || if [[ -s $WORK/nft.leaving ]]; then put "$RUN/nft.leaving" <"$WORK/nft.leaving"; else rm -f -- "$RUN/nft.leaving"; fi
  if nft -c -f "$WORK/nft.todo" 2>/dev/null; then
    nft_load "$WORK/nft.todo" "rules, and $(wc -l <"$WORK/elements.missing") elements"
  else
    nft_whole "table ip wgchain, whose sets are of another kind"
  fi
}

nft_sets() { awk '$1 == "set" || $1 == "map" { print $1, $2 }' "$1" | sort; }

nft_prune() {
  [[ -f $ETC/nftables.nft ]] && ! nft_as_added || return 0
  if ! nft_look || ! nft_untouched || [[ -s $WORK/elements.missing ]]; then nft_whole "table ip wgchain"; return; fi
  nft_delete_chains >"$WORK/nft.todo"
  if ! nft_rules_stand; then { nft_flush_chains; cat "$ETC/nftables.nft"; } >>"$WORK/nft.todo"; fi
  comm -13 <(nft_sets "$ETC/nftables.nft") <(nft_sets "$WORK/nft.rules") >"$WORK/nft.sets"
  # A set that goes takes its elements along.
  awk 'FILENAME == ARGV[1] { gone[$2]; next } !($1 in gone)' "$WORK/nft.sets" "$WORK/elements.stale" | nft_statements delete >>"$WORK/nft.todo"
  sed 's/^\([a-z]*\) \(.*\)$/delete \1 ip wgchain \2/' "$WORK/nft.sets" >>"$WORK/nft.todo"
  [[ -s $WORK/nft.todo ]] || return 0
  [[ $DRY == 1 ]] || rm -f -- "$RUN/nft.leaving"
  nft_load "$WORK/nft.todo" "$(wc -l <"$WORK/elements.stale") stale elements"
}
