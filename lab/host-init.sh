#!/bin/bash
# First process of a namespace host. It stands in the host's network namespace and in mount, PID, UTS and IPC namespaces of its own;
# when it is killed, everything that ran in the host and all it wrote is gone. It builds the host's view of the machine:
#
#   /etc /var/lib /usr/local   overlays: the machine's files below, what the host writes above, in memory
#   /root /home                its own, empty; overlays too where LAB_HOMES is "shared" (hosts that run the machine's node)
#   /run /tmp                  its own, empty; LAB_HOMES "shared" leaves /tmp as it is
#   LAB_HIDE                   paths of the machine that no host may see (keys, other people's WireGuard set-up)
#   LAB_KEEP                   MODE PATH lines (ro or rw): directories that stay visible at the same path
#
# Says "ready PID" (as seen from outside) on standard output, then lives until it is killed.
set -euo pipefail

read -r pid _ </proc/self/stat # the old /proc still: our number as the lab sees it
mount -n --make-rprivate /
printf '%s' "$LAB_HOST" >/proc/sys/kernel/hostname

stage=$LAB_STAGE
mount -n -t tmpfs -o mode=0755 lab "$stage"
mkdir -p "$stage/run" "$stage/keep"

# What is kept is taken aside before an overlay or the new /run covers it.
n=0
modes=() paths=()
while read -r mode path; do
  [ -n "$path" ] || continue
  mkdir -p "$stage/keep/$n"
  mount -n --rbind "$path" "$stage/keep/$n"
  modes+=("$mode") paths+=("$path")
  n=$((n + 1))
done <<<"$LAB_KEEP"

overlays=(/etc /var/lib /usr/local)
if [ "$LAB_HOMES" = shared ]; then overlays+=(/root /home); fi
for dir in "${overlays[@]}"; do
  mkdir -p "$stage$dir/upper" "$stage$dir/work"
  for hidden in $LAB_HIDE; do
    case $hidden in
    "$dir"/*)
      mkdir -p "$stage$dir/upper$(dirname "${hidden#"$dir"}")"
      mknod "$stage$dir/upper${hidden#"$dir"}" c 0 0 # overlayfs's mark for "not there"
      ;;
    esac
  done
  chmod --reference="$dir" "$stage$dir/upper"
  mount -n -t overlay -o "lowerdir=$dir,upperdir=$stage$dir/upper,workdir=$stage$dir/work" "lab$dir" "$dir"
done

# No name service: without this every look-up would wait for servers that no host can reach.
rm -f /etc/resolv.conf
: >/etc/resolv.conf
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$LAB_HOST" >/etc/hosts
# Locked passwords would bar sshd from letting root in with a key.
sed -i 's/^root:[^:]*:/root:*:/' /etc/shadow
if [ "$LAB_HOMES" != shared ]; then
  mount -n -t tmpfs -o mode=0700 lab /root
  mount -n -t tmpfs -o mode=0755 lab /home
  mount -n -t tmpfs -o mode=1777 lab /tmp
fi
mount -n -t proc proc /proc
mount -n -t sysfs sysfs /sys 2>/dev/null || true

mount -n -t tmpfs -o mode=0755,nosuid lab "$stage/run"
for ((i = 0; i < n; i++)); do
  path=${paths[$i]}
  case $path in
  /run/*) target=$stage$path ;;
  *) target=$path ;;
  esac
  mkdir -p "$target"
  mount -n --rbind "$stage/keep/$i" "$target"
  [ "${modes[$i]}" = rw ] || mount -n -o remount,bind,ro "$target"
done
mkdir -p /run "$stage/run/lock" "$stage/run/sshd"
mount -n --move "$stage/run" /run

# rp_filter 2 is what Ubuntu (a Google VM's image) and Debian 13 set on every interface, and the harder case; Debian 12 leaves the kernel's 0.
while read -r key value; do
  [ -z "$key" ] || printf '%s' "$value" >"/proc/sys/$key" || true
done <<EOF
net/ipv4/icmp_ratelimit 0
net/ipv4/icmp_ratemask 0
net/ipv4/ip_forward $LAB_FORWARD
net/ipv4/conf/all/rp_filter 0
net/ipv4/conf/default/rp_filter 2
net/ipv4/conf/all/src_valid_mark 0
EOF
ip link set lo up

cd /
printf 'ready %s\n' "$pid"
exec </dev/null >/dev/null 2>&1
trap : TERM INT HUP
# bash takes in whatever process of the host loses its parent, as an init does
while :; do
  sleep infinity &
  wait $! || true
done
