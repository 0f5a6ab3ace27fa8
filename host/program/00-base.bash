#!/usr/bin/env bash
# wgchain-host: brings a host to what was deployed, and back. Called by host/deliver, by systemd and by wg-quick; docs/internals.md is the contract. Made
# of host/program/*.bash. Every verb may be run again. What it changes it echoes first ("[#] ..."), a run that changes nothing echoes nothing.
# What is ours: rules and routes of protocol 119, the table ip wgchain, and the files of the manifest. Nothing else is removed or replaced.
# Steps run in processes of their own, and what they change of our variables is meant to be lost.
# shellcheck disable=SC2030,SC2031
set -Eeuo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

readonly PROTOCOL=119
readonly KEYS=/etc/wgchain/keys
readonly LIB=/var/lib/wgchain RUN=/run/wgchain
readonly FOUND=$LIB/found # sysctl: KEY VALUE PARENT; directories: those we made
readonly PROGRAM=${BASH_SOURCE[0]}
# Where the wanted state stands: below / after it was installed, else in a tree that is only being looked at.
ROOT=
ETC=/etc/wgchain
# 1: what would be changed is echoed, and nothing is.
DRY=0
WORK=
TREE=
ID= # of the deploy whose session this is

# A closed SSH connection must not stop us half way: output is dropped instead.
trap '' PIPE
say() { printf '%s\n' "$*" 2>/dev/null || true; }
event() { say "wgchain: $*"; }
trap 'failed "$LINENO" "$BASH_COMMAND"' ERR
LAST_COMMAND=
failed() {
  if [[ ${FUNCNAME[1]-} == cmd ]]; then set -- "$1" "$LAST_COMMAND"; fi
  printf 'wgchain-host: line %s failed: %s\n' "$1" "$2" >&2 || true
}
die() { printf 'wgchain-host: %s\n' "$*" >&2 || true; exit 1; }
# Closes the locks' descriptors, or wireguard-go, a daemon, would hold them for ever.
cmd() {
  LAST_COMMAND=$*
  say "[#] $*"
  [[ $DRY == 1 ]] || "$@" 8>&- 9>&-
}

has_systemd() { [[ -d /run/systemd/system ]]; }
# What is asked often is read by bash itself: on a host that has little else to do, a deploy's time is that of the processes which it starts.
uptime_seconds() { read -r UPTIME _ </proc/uptime; UPTIME=${UPTIME%.*}; } # into UPTIME
link_exists() {
  local name
  while read -r name _; do [[ ${name%%:*} != "$1" ]] || return 0; done </proc/net/dev
  return 1
}
link_up() { [[ $(ip -o link show dev "$1" 2>/dev/null) =~ \<([^\>]*,)?UP[,\>] ]]; }
lines_of() { if [[ -f $1 ]]; then cat -- "$1"; fi; }
file_or_none() { FILE=$1; [[ -f $FILE ]] || FILE=/dev/null; } # into FILE, for programs that want one
first_line() { # of FILE, into LINE
  file_or_none "$1"
  IFS= read -r LINE <"$FILE" || true
}
is_line_of() { # FILE LINE; files of a few lines
  local line
  [[ -f $1 ]] || return 1
  while IFS= read -r line; do [[ $line != "$2" ]] || return 0; done <"$1"
  return 1
}
is_wanted() { wanted_interfaces; [[ " ${WANTED[*]} " == *" $1 "* ]]; }
wanted_interfaces() { # into WANTED
  local name
  WANTED=()
  file_or_none "$ETC/interfaces"
  while read -r name _; do WANTED+=("$name"); done <"$FILE"
}
# Interfaces of the manifest: only these may be changed or taken down.
our_interfaces() { # into OURS
  local path
  OURS=()
  file_or_none "$LIB/manifest"
  while read -r path; do
    if [[ $path == etc/wireguard/*.conf ]]; then path=${path#etc/wireguard/} OURS+=("${path%.conf}"); fi
  done <"$FILE"
}
# Ours, also where the manifest was lost, or handed over to us by `wgchain adopt`.
has_conf() {
  local first=
  is_line_of "$LIB/manifest" "etc/wireguard/$1.conf" || [[ -e $LIB/adopted/$1 ]] ||
    { [[ -f /etc/wireguard/$1.conf ]] && IFS= read -r first <"/etc/wireguard/$1.conf" && [[ $first == '# made by wgchain'* ]]; }
}

look_at() { # DIRECTORY of a tree, or nothing for what is installed
  ROOT=${1-}
  ETC=$ROOT/etc/wgchain
}

# Written beside and renamed: a reader, and a run after a power cut, sees the old or the new.
put() { # FILE, text from standard input
  local new=$1.$BASHPID.wgchain-new # here: behind a redirection it would be the child's
  cat >"$new"
  mv -fT -- "$new" "$1"
}
put_line() { # FILE LINE
  local new=$1.$BASHPID.wgchain-new
  printf '%s\n' "$2" >"$new"
  mv -fT -- "$new" "$1"
}
put_if_new() { # FILE SOURCE
  cmp -s -- "$2" "$1" || put "$1" <"$2"
}

work() {
  [[ -z $WORK ]] || return 0
  [[ -d $RUN ]] || mkdir -p "$RUN"
  WORK=$(umask 077; mktemp -d "$RUN/work.XXXXXX")
  trap on_exit EXIT
  trap 'exit 129' HUP INT TERM
}
at_exit=() # functions
STEP=      # a process of ours that still works
on_exit() {
  local status=$? one
  if [[ -n $STEP ]]; then wait "$STEP" || true; fi
  # Not in a condition: there, bash would not end a step that fails.
  for one in "${at_exit[@]}"; do "$one"; done
  rm -rf -- "$WORK"
  exit "$status"
}

# Held by whatever changes the host. [SECONDS to wait]
lock() {
  [[ $EUID -eq 0 ]] || die "must run as root"
  [[ -d $RUN ]] || mkdir -p "$RUN"
  exec 9>>"$RUN/lock"
  flock -w "${1-0}" 9 || die "another wgchain run holds $RUN/lock on this host; wait until it ends (who: fuser -v $RUN/lock)"
  work
}
unlock() { exec 9>&-; }

# Held by a deploy from its first step to its last, and by nothing else.
lock_deploy() {
  [[ $EUID -eq 0 ]] || die "must run as root"
  mkdir -p "$RUN"
  exec 8>>"$RUN/deploy.lock"
  flock -n 8 || die "another deploy to this host is under way; wait until it ends (who: fuser -v $RUN/deploy.lock)"
  work
}

# What runs that were killed have left; a payload may hold a private key. One that is just arriving is younger.
sweep() {
  local file pid
  find /run "$RUN" -maxdepth 1 -type d \( -path '/run/wgchain.??????????' -o -path "$RUN/work.??????" \) ! -path "$WORK" ! -path "$TREE" -mmin +10 -exec rm -rf -- {} +
  for file in "$RUN"/*.wgchain-new "$LIB"/*.wgchain-new; do # `put`'s, with its pid
    pid=${file%.wgchain-new} pid=${pid##*.}
    [[ ! -f $file || ! $pid =~ ^[0-9]+$ ]] || kill -0 "$pid" 2>/dev/null || rm -f -- "$file"
  done
}
