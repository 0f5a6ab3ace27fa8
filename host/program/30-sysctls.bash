# ---- sysctls -----------------------------------------------------------------------------------------------------------------------------------

sysctl_path() { case $1 in */*) FILE=/proc/sys/$1 ;; *) FILE=/proc/sys/${1//.//} ;; esac; } # into FILE
sysctls_of() { # FILE: lines KEY VALUE
  local line
  file_or_none "$1"
  while IFS= read -r line; do
    [[ ! $line =~ ^[[:space:]]*-?([a-z][^[:space:]=]*)[[:space:]]*=[[:space:]]*(.*[^[:space:]])[[:space:]]*$ ]] || printf '%s %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  done <"$FILE"
}
remember() { # KEY VALUE PARENT: as found, once
  local key
  [[ $DRY == 0 ]] || return 0
  [[ -d $FOUND ]] || mkdir -p "$FOUND"
  file_or_none "$FOUND/sysctl"
  while read -r key _; do [[ $key != "$1" ]] || return 0; done <"$FILE"
  printf '%s %s %s\n' "$1" "$2" "$3" >>"$FOUND/sysctl"
}
set_sysctl() { # KEY VALUE [PARENT]
  local path now
  sysctl_path "$1"
  path=$FILE
  [[ -f $path ]] || return 0 # an interface's that is not there yet: `up` sets it
  IFS= read -r now <"$path" || true
  [[ $now != "$2" ]] || return 0
  # Those of our own interfaces come and go with them.
  is_own_conf "$1" || remember "$1" "$now" "${3-$1}"
  say "[#] sysctl $1=$2 (was $now)"
  [[ $DRY == 1 ]] || printf '%s\n' "$2" >"$path"
}
is_own_conf() {
  local name
  wanted_interfaces
  for name in "${WANTED[@]}"; do [[ $1 == "net/ipv4/conf/$name/"* || $1 == "net.ipv4.conf.$name."* ]] && return 0; done
  return 1
}

# The kernel takes the greater of conf.all and conf.IFACE: lowering `all` for our interfaces would lower everybody's. So theirs are raised first.
raise_rp_filter() { # FORMER_ALL
  local path name own
  for path in /proc/sys/net/ipv4/conf/*/rp_filter; do
    name=${path%/rp_filter}; name=${name##*/}
    [[ $name != all ]] || continue
    ! is_wanted "$name" || continue
    read -r own <"$path" || true
    ((own >= $1)) || set_sysctl "net/ipv4/conf/$name/rp_filter" "$1" net.ipv4.conf.all.rp_filter
  done
}

# Turning ip_forward on or off also rewrites conf.*.forwarding and conf.all.accept_redirects: those as found are kept too.
set_forwarding() {
  local path key
  [[ $(</proc/sys/net/ipv4/ip_forward) != "$1" ]] || return 0
  for path in /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv4/conf/all/accept_redirects; do
    key=${path#/proc/sys/}
    [[ $key == net/ipv4/conf/all/forwarding ]] || is_own_conf "$key" || remember "$key" "$(<"$path")" net.ipv4.ip_forward
  done
  set_sysctl net.ipv4.ip_forward "$1"
}

apply_sysctls() { # all but ip_forward, which waits for rules and nft
  local key value now
  while read -r key value; do
    case $key in
      net.ipv4.ip_forward) ;;
      net.ipv4.conf.all.rp_filter)
        now=$(</proc/sys/net/ipv4/conf/all/rp_filter)
        ((value >= now)) || raise_rp_filter "$now"
        set_sysctl "$key" "$value" ;;
      *) set_sysctl "$key" "$value" ;;
    esac
  done < <(sysctls_of "$ROOT/etc/sysctl.d/90-wgchain.conf")
}
apply_forwarding() {
  local key value
  while read -r key value; do
    if [[ $key == net.ipv4.ip_forward ]]; then set_forwarding "$value"; fi
  done < <(sysctls_of "$ROOT/etc/sysctl.d/90-wgchain.conf")
}

# Back to the value found, for each key whose PARENT is no longer wanted. ip_forward first: it overwrites others.
restore_sysctls() {
  local key value parent now
  [[ -f $FOUND/sysctl ]] || return 0
  if [[ ${1-} == all ]]; then : >"$WORK/kept"; else sysctls_of "$ROOT/etc/sysctl.d/90-wgchain.conf" >"$WORK/kept"; fi
  awk 'FILENAME == ARGV[1] { kept[$1]; next }
    $3 in kept { next }
    $1 == "net.ipv4.ip_forward" || $1 == "net.ipv4.conf.all.rp_filter" { print; next }
    { rest = rest $0 "\n" }
    END { printf "%s", rest }' "$WORK/kept" "$FOUND/sysctl" >"$WORK/back"
  while read -r key value parent; do
    sysctl_path "$key"
    [[ -f $FILE ]] || continue
    IFS= read -r now <"$FILE" || true
    [[ $now == "$value" ]] || {
      say "[#] sysctl $key=$value (as found${parent:+, with $parent})"
      [[ $DRY == 1 ]] || printf '%s\n' "$value" >"$FILE"
    }
  done <"$WORK/back"
  [[ $DRY == 0 ]] || return 0
  [[ ! -s $WORK/back ]] || { awk 'FILENAME == ARGV[1] { back[$1]; next } !($1 in back)' "$WORK/back" "$FOUND/sysctl" >"$WORK/left"; cp -- "$WORK/left" "$FOUND/sysctl"; }
}
