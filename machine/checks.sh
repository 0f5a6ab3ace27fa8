# shellcheck shell=bash
# What machine/run checks, in the order of a host's life. Each function is one check and fails by its status; what it prints is shown then.
# What stands in single quotes is for the machine's shell. Sourced; wants vm.sh, $work, $directory (of public things) and $nodes (the payloads).
# shellcheck disable=SC2016
: "${work:?}" "${port=}"
directory='' nodes=''
# shellcheck source=/dev/null
. machine/failover.sh
readonly HK=(wg6 wg7 wgp) SZ=(wgp wgs)
readonly GCP_ADDRESS=198.51.100.40

# As Terraform's local-exec does.
delivered() { # NODE USER
  local keys="${HK[*]}"
  [[ $1 != sz ]] || keys="${SZ[*]}"
  # The other ends of its tunnels are not there when it comes: a deploy would not stand without their answer.
  : >"$nodes/$1/etc/wgchain/probes"
  env WGCHAIN_HOSTS="node=$1 id=1 rank=0 destination=127.0.0.1 alias=wgchain-$1 user=$2 port=$port seconds=60 keys=${keys// /,}" \
    WGCHAIN_DIR="$directory" WGCHAIN_VALUES="gcp_address=$GCP_ADDRESS" bash "$nodes/../deploy" apply
}
destroys() { # NODE USER
  env WGCHAIN_NODE="$1" WGCHAIN_SSH_DESTINATION=127.0.0.1 WGCHAIN_SSH_PORT="$port" WGCHAIN_SSH_USER="$2" WGCHAIN_DIR="$directory" \
    WGCHAIN_HOST_KEY_ALIAS="wgchain-$1" WGCHAIN_CONNECT_SECONDS=60 bash "$nodes/../deliver" destroy
}

same() { # WHAT GOT WANTED
  [[ $2 == "$3" ]] || { printf '%s: got\n%s\nwanted\n%s\n' "$1" "$2" "$3"; return 1; }
}
refused() { # a command of which must not succeed
  if "$@"; then printf 'succeeded: %s\n' "$*"; return 1; fi
}

# All that wgchain may touch, and more, as text. Left out: what the kernel computes from free memory at boot, and keys.
dump() {
  guest '
    echo "== rules"; ip -4 rule; ip -6 rule
    echo "== routes"; ip -4 route show table all | sort; ip -6 route show table all | sort
    echo "== links"; ip -o link | sed -E "s/^[0-9]+: ([^:]*):.*/\1/" | sort; ip -4 -o addr | awk "{ print \$2, \$4 }"
    echo "== nftables"; nft list ruleset
    echo "== sysctl"; sysctl -a --pattern "^net\.ipv4\." 2>/dev/null | grep -vE "^net\.ipv4\.(tcp_mem|udp_mem|tcp_fastopen_key)" | sort
    echo "== units"; systemctl list-unit-files --no-legend --no-pager | sort; systemctl list-units --all --no-legend --no-pager --plain "wg*" "*wgchain*"
    echo "== /etc"; find /etc -path /etc/wgchain/keys -prune -o -path /etc/wgchain -o -printf "%p %y %m %u:%g %l\n" | sort
    find /etc -path /etc/wgchain/keys -prune -o -type f -exec sha256sum {} + | sort -k 2
    echo "== elsewhere"; ls -d /var/lib/wgchain /usr/local/lib/wgchain /run/wgchain* 2>/dev/null || true; pgrep -l wireguard-go || true' |
    sed -E 's/ counter packets [0-9]+ bytes [0-9]+/ counter/'
}

# What a run of the host program must bring back, whoever took it away.
stands() {
  local report
  report=$(guest '/usr/local/lib/wgchain/wgchain-host doctor')
  printf '%s\n' "$report"
  # The other ends of the tunnels are not there, and some deploys are meant to be taken back.
  refused grep -E '^(drift|problem)' < <(grep -vE $'^problem\t(no-handshake|reverted)' <<<"$report")
  grep -q $'^forwarding\t1$' <<<"$report"
}

delivered_again() {
  local out
  out=$(delivered "$1" "$2")
  printf '%s\n' "$out"
  refused grep -F '[#]' <<<"$out"
}

kernel_wireguard() { # INTERFACES
  guest "
    test -d /sys/module/wireguard
    ! pgrep -l wireguard-go
    for i in $*; do ip -d link show \$i | tee /dev/stderr | grep -qw wireguard; done"
}

units() { # INTERFACES
  guest "
    for u in wgchain.service $(printf 'wg-quick@%s.service ' "$@"); do
      systemctl is-active -q \$u && systemctl is-enabled -q \$u || { systemctl status --no-pager \$u; exit 1; }
    done
    test -z \"\$(systemctl --failed --no-legend)\""
}
units_verified() {
  local out
  out=$(guest "systemd-analyze verify --man=no wgchain.service $(printf 'wg-quick@%s.service ' "$@") 2>&1 || echo failed")
  same 'systemd-analyze verify' "$out" ''
}

# ---- packets: three neighbours in network namespaces of the machine, with the kernel's WireGuard as well -------------------------------------

# SZ over the private line; GCP and HKT, each with an address of the internet that only it has.
neighbours() {
  # shellcheck disable=SC2016 # the machine's
  {
    printf 'GCP_ADDRESS=%s\n' "$GCP_ADDRESS"
    for owner in sz.wgp gcp.wg6 hkt.wg7; do printf 'declare private_%s=%s\n' "${owner/./_}" "$(<"$directory/private/$owner.key")"; done
    for owner in hk.wgp hk.wg6 hk.wg7; do printf 'declare public_%s=%s\n' "${owner/./_}" "$(<"$directory/keys/$owner.pub")"; done
    for line in wgp:sz wg6:gcp wg7:hkt; do
      awk -v i="${line%:*}" '$1 == i { print "port_hk_" i "=" $5 }' "$nodes/hk/etc/wgchain/interfaces"
    done
    awk '$1 ~ /^(wg6|wgs)$/ && $1 == "wg6" { print "port_gcp_wg6=" $5 }' "$nodes/gcp/etc/wgchain/interfaces"
    awk '$1 == "wg7" { print "port_hkt_wg7=" $5 }' "$nodes/hkt/etc/wgchain/interfaces"
    printf '%s\n' '
      neighbour() { # NAME LINE-ADDRESS OUR-ADDRESS IFACE PORT PRIVATE PEER ALLOWED [ENDPOINT]
        ip netns add $1
        ip link add n-$1 type veth peer name line netns $1
        ip addr add $3 dev n-$1; ip link set n-$1 up
        ip -n $1 addr add $2 dev line; ip -n $1 link set line up; ip -n $1 link set lo up
        ip -n $1 link add $4 type wireguard
        ip netns exec $1 wg set $4 listen-port $5 private-key /dev/stdin peer $7 allowed-ips $8 ${9:+endpoint $9 persistent-keepalive 5} <<<"$6"
        ip netns exec $1 nft -f - <<<"table ip watch {
          chain pre {
            type filter hook prerouting priority raw
            iifname line ip saddr 10.66.0.0/16 counter
            iifname line ip daddr 10.66.0.0/16 counter
          }
        }"
      }
      neighbour sz 172.16.0.1/30 172.16.0.2/30 wgp 50001 "$private_sz_wgp" "$public_hk_wgp" 0.0.0.0/0 172.16.0.2:$port_hk_wgp
      for label in 10.66.220.224 10.66.220.225; do ip -n sz addr add $label/32 dev wgp; done
      ip -n sz link set wgp up; ip -n sz route add default dev wgp
      neighbour gcp $GCP_ADDRESS/32 198.51.100.20/32 wg6 $port_gcp_wg6 "$private_gcp_wg6" "$public_hk_wg6" 10.66.6.250/32
      neighbour hkt 198.51.100.30/32 198.51.100.20/32 wg7 $port_hkt_wg7 "$private_hkt_wg7" "$public_hk_wg7" 10.66.7.250/32
      for n in gcp hkt; do ip -n $n route add 198.51.100.20 dev line; done
      ip route add $GCP_ADDRESS dev n-gcp src 198.51.100.20; ip route add 198.51.100.30 dev n-hkt src 198.51.100.20
      ip -n gcp addr add 10.66.6.6/24 dev wg6; ip -n gcp addr add 203.0.113.6/32 dev lo; ip -n gcp link set wg6 up
      ip -n hkt addr add 10.66.7.7/24 dev wg7; ip -n hkt addr add 203.0.113.7/32 dev lo; ip -n hkt link set wg7 up'
    watch
  } >"$work/neighbours"
  guest "$(<"$work/neighbours")"
}
no_neighbours() { # a namespace's end takes its links along, in its own time
  guest 'for n in $(ip netns list | cut -d" " -f1); do ip link del n-$n 2>/dev/null || true; ip netns del $n; done
    ! nft list table ip watch >/dev/null 2>&1 || nft delete table ip watch'
}
# After all other tables: nothing with an inner address may be on the way out of the uplink.
watch() {
  printf '%s\n' 'nft -f - <<<"table ip watch
    delete table ip watch
    table ip watch {
      chain post {
        type filter hook postrouting priority 400
        oifname { ens3, n-gcp, n-hkt, n-sz } ip saddr 10.66.0.0/16 counter
        oifname { ens3, n-gcp, n-hkt, n-sz } ip daddr 203.0.113.0/24 counter
      }
    }"'
}
no_leak() {
  local leaks
  leaks=$(guest 'nft list table ip watch; for n in gcp hkt sz; do ip netns exec $n nft list table ip watch; done' | grep counter)
  [[ $(grep -c 'packets 0 bytes 0' <<<"$leaks") == 8 ]] || { printf 'seen outside of tunnels:\n%s\n' "$leaks"; return 1; }
}
reaches() { # LABEL ADDRESS: from SZ, within 30 s
  guest "for _ in {1..15}; do ! ip netns exec sz ping -nq -c 1 -W 2 -I 10.66.220.$1 $2 || exit 0; done; wg show; exit 1" | tail -n 40
  return "${PIPESTATUS[0]}"
}
reaches_not() { guest "! ip netns exec sz ping -nq -c 3 -i 0.3 -W 1 -I 10.66.220.$1 $2"; }

packets_take_their_exits() {
  neighbours
  reaches 224 203.0.113.6
  reaches 225 203.0.113.7
  reaches_not 224 203.0.113.7
  reaches_not 225 203.0.113.6
  reaches 224 10.66.220.200
  no_leak
}

# ---- wg-quick -------------------------------------------------------------------------------------------------------------------------------

identity() { guest 'for i in wg6 wg7 wgp; do wg show $i private-key | sha256sum; wg show $i listen-port; done'; }

reload_keeps_the_key() {
  local before
  before=$(identity)
  guest 'systemctl reload wg-quick@wgp wg-quick@wg6'
  same 'keys and ports' "$(identity)" "$before"
}
# Why there is a drop-in: without it, reload is `wg syncconf`, and the file has no key.
stock_reload_erases_it() {
  local before after
  before=$(identity)
  guest 'mv /etc/systemd/system/wg-quick@wgp.service.d /root/; systemctl daemon-reload; systemctl reload wg-quick@wgp'
  after=$(guest 'wg show wgp private-key')
  guest 'mv /root/wg-quick@wgp.service.d /etc/systemd/system/; systemctl daemon-reload; systemctl reload wg-quick@wgp'
  same 'after a stock reload the private key' "$after" '(none)'
  same 'keys and ports after our reload' "$(identity)" "$before"
}

# `ip route get` of a packet that comes in by an interface, marked as our table marks it.
way() { # NODE SOURCE IFACE: the device, or "unreachable"
  local mark
  mark=$(awk -v map="exit_of_$3" -v s="$2" '$1 == map && $2 == s { print $4 }' "$nodes/$1/etc/wgchain/elements")
  [[ $mark == 0x* ]] || { printf 'no mark for %s in map exit_of_%s\n' "$2" "$3"; return 1; }
  guest "ip route get 203.0.113.6 from $2 iif $3 mark $mark 2>&1 || true" | awk '
    / dev / && !found { for (i = 1; i < NF; i++) if ($i == "dev") print $(i + 1); found = 1 } /unreachable|No route to host/ && !found { print "unreachable"; found = 1 }'
}

rules() { guest 'ip -4 rule' | sed 's/ \[detached\]//'; }
way_out_stopped() { # HK: wg6, the exit's
  local rules routes
  rules=$(rules) routes=$(guest 'ip -4 route show table all | sort')
  same 'before' "$(way hk 10.66.220.224 wgp)" wg6
  guest 'systemctl stop wg-quick@wg6'
  same 'rules while it is stopped' "$(rules)" "$rules"
  same 'the way while it is stopped' "$(way hk 10.66.220.224 wgp)" unreachable
  reaches_not 224 203.0.113.6
  reaches 225 203.0.113.7
  no_leak
  guest 'systemctl start wg-quick@wg6'
  same 'routes after the start' "$(guest 'ip -4 route show table all | sort')" "$routes"
  same 'the way after the start' "$(way hk 10.66.220.224 wgp)" wg6
  reaches 224 203.0.113.6
  stands
}
way_in_stopped() { # NODE, what else has a way there; wgp is in all tables
  local routes rules
  routes=$(guest 'ip -4 route show table all | sort') rules=$(rules)
  guest 'systemctl stop wg-quick@wgp'
  same 'rules while it is stopped' "$(rules)" "$rules"
  if [[ $1 == sz ]]; then same 'a client'"'"'s way while it is stopped' "$(way sz 10.66.224.2 wgs)" unreachable
  else same 'the way back while it is stopped' "$(guest 'ip route get 10.66.220.224 from 203.0.113.6 iif wg6 2>&1 || true' | head -n 1)" 'RTNETLINK answers: No route to host'; fi
  guest 'systemctl start wg-quick@wgp'
  same 'routes after the start' "$(guest 'ip -4 route show table all | sort')" "$routes"
  if [[ $1 == sz ]]; then same 'a client'"'"'s way after the start' "$(way sz 10.66.224.2 wgs)" wgp; fi
  stands
}
restart_keeps_all() {
  local routes
  routes=$(guest 'ip -4 route show table all | sort')
  guest 'systemctl restart wg-quick@wgp wg-quick@wg6 wg-quick@wg7'
  same 'routes' "$(guest 'ip -4 route show table all | sort')" "$routes"
  stands
}

# ---- others that change the network ---------------------------------------------------------------------------------------------------------

# What systemd does to a unit because of another is not waited for by systemctl.
settled() { guest 'for _ in {1..300}; do [[ -n $(systemctl list-jobs --no-legend) ]] || exit 0; sleep 0.1; done; systemctl list-jobs; exit 1'; }
nftables_service() { # VERBS
  local verb
  for verb in "$@"; do
    guest "systemctl $verb nftables"
    settled
  done
  guest 'nft list table inet machine >/dev/null; systemctl is-active wgchain.service'
  stands
  guest "$(watch)"
  reaches 224 203.0.113.6
  no_leak
}
# Between a flush and the table's return nothing may leave, marks or not.
flushed_leaks_nothing() {
  guest 'nft flush ruleset'
  guest "$(watch)"
  reaches_not 224 203.0.113.6
  reaches_not 225 203.0.113.7
  no_leak
  guest 'systemctl restart nftables'
  settled
  stands
}
# That no leak was seen means something only if one would be.
watch_sees_leaks() {
  local seen=0
  guest 'ip -4 rule flush protocol 119; nft delete table ip wgchain'
  guest "$(watch)"
  reaches_not 224 203.0.113.6
  no_leak || seen=1
  guest 'systemctl restart wgchain'
  ((seen)) || { echo 'packets left by ens3, and the watch saw none'; return 1; }
  stands
}
networkd_leaves_ours() {
  local before
  before=$(guest 'ip -4 rule; ip -4 route show table all proto 119 | sort')
  for command in 'networkctl reload' 'networkctl reconfigure ens3' 'systemctl restart systemd-networkd'; do
    guest "$command; /lib/systemd/systemd-networkd-wait-online --ipv4 --any --timeout=60"
    same "after $command" "$(guest 'ip -4 rule; ip -4 route show table all proto 119 | sort')" "$before"
  done
  stands
}
# Why there is a file for networkd.
networkd_would_remove_ours() {
  guest 'mv /etc/systemd/networkd.conf.d/wgchain.conf /root/; systemctl restart systemd-networkd; /lib/systemd/systemd-networkd-wait-online --ipv4 --any --timeout=60'
  local left
  left=$(guest 'ip -4 rule | grep -c "proto 119" || true')
  guest 'mv /root/wgchain.conf /etc/systemd/networkd.conf.d/; systemctl restart systemd-networkd; systemctl restart wgchain'
  same 'rules that networkd leaves without it' "$left" 0
  guest '/lib/systemd/systemd-networkd-wait-online --ipv4 --any --timeout=60'
  stands
}

# ---- boot -----------------------------------------------------------------------------------------------------------------------------------

reboots() { vm_reboot; }

monotonic() { guest "systemctl show --value -p $2TimestampMonotonic $1"; } # UNIT EVENT: microseconds since the kernel started
stood_before() { # UNITS
  local stood unit begun
  stood=$(monotonic wgchain.service ActiveEnter)
  [[ $stood -gt 0 ]]
  for unit in "$@"; do
    begun=$(monotonic "$unit" ExecMainStart)
    printf 'wgchain stood at %s, %s began at %s\n' "$stood" "$unit" "$begun"
    ((begun > stood))
  done
}
# The network comes up when our rules and table stand: until then the forwarding that systemd-sysctl switches on has nowhere to forward.
network_waited() {
  stood_before systemd-networkd.service
  guest 'journalctl -b -o short-monotonic --no-pager -u wgchain -u systemd-sysctl -u nftables -u systemd-networkd'
}
no_ordering_cycle() { guest '! journalctl -b --no-pager | grep -i "ordering cycle"'; }
reverse_path_filters() { # INTERFACES
  guest "
    cd /proc/sys/net/ipv4/conf
    for i in all $*; do echo \$i \$(<\$i/rp_filter); test \$(<\$i/rp_filter) = 0; done
    for i in ens3 lo; do echo \$i \$(<\$i/rp_filter); test \$(<\$i/rp_filter) = 2; done"
}
# udev runs systemd-sysctl for every new interface; ours must keep 0 after it, on every start.
udev_leaves_ours() {
  guest 'for _ in 1 2 3; do systemctl restart wg-quick@wg7; udevadm settle; test $(</proc/sys/net/ipv4/conf/wg7/rp_filter) = 0; done
    udevadm trigger --settle --action=add /sys/class/net/wg7; udevadm settle; test $(</proc/sys/net/ipv4/conf/wg7/rp_filter) = 0'
}

user_data_taken() {
  guest 'cloud-init status --long | tee /dev/stderr | grep -q "^status: done"
    id wgchain; runuser -u wgchain -- sudo -n true; grep -q . /home/wgchain/.ssh/authorized_keys'
}

# ---- a change that nobody confirms -----------------------------------------------------------------------------------------------------------

# ADD on the machine, as a deploy's first session does it, with one rule more than what is deployed; then its end, as a kill makes it.
change_begun() { # ID LEASE
  guest 'rm -rf /root/change; mkdir /root/change; cp -r --parents /etc/wgchain /etc/wireguard /etc/sysctl.d/90-wgchain.conf /etc/systemd/networkd.conf.d/wgchain.conf \
      /etc/systemd/system/wgchain.service /etc/systemd/system/wg-quick@*.d /usr/local/lib/wgchain /root/change
    cd /root/change; rm -rf etc/wgchain/keys etc/systemd/system/*.wants; find etc/wireguard etc/sysctl.d -type f ! -path "*wg*" -delete
    echo "pref 11999 from 10.66.220.9 iif wgp lookup 7700 protocol 119" >>etc/wgchain/rules
    generation=$(LC_ALL=C; export LC_ALL; find . -type f ! -path "./etc/wgchain/keys/*" | sort | xargs sha256sum | sha256sum | cut -d" " -f1)
    (printf "prepare\nadd\n"; exec sleep 300) 2>/dev/null </dev/null | bash usr/local/lib/wgchain/wgchain-host deploy /root/change $generation '"$1 $2"' >/root/said 2>&1 &
    for i in $(seq 90); do ! grep -q "^wgchain: added" /root/said || break; sleep 1; done
    cat /root/said; grep -q "^wgchain: added" /root/said
    rules=$(ip rule); grep ^11999: <<<"$rules"'
}
reverted_by_the_watch() {
  change_begun beef01 20
  # No `grep -q` behind a pipe: it leaves early, and pipefail takes the writer's SIGPIPE for a failure.
  guest 'watch() { systemctl list-units --all --no-legend --plain "wgchain-revert-*"; journalctl -q --no-pager -n 30 -u "wgchain-revert-*"; }
    trap watch ERR
    units=$(systemctl list-units --no-legend --plain "wgchain-revert-*"); grep wgchain-revert-beef01.service <<<"$units"
    pkill -9 -f "wgchain-host deploy /root/change" || true
    for i in $(seq 120); do rules=$(ip rule); grep ^11999: <<<"$rules" >/dev/null || break; sleep 1; done
    ! grep ^11999: <<<"$rules" || { watch; exit 1; }
    for i in $(seq 60); do [ -e /var/lib/wgchain/pending ] || break; sleep 1; done
    outcome=$(/usr/local/lib/wgchain/wgchain-host outcome beef01); grep "was not heard of for 20 s" <<<"$outcome"'
}
begun_before_the_reboot() {
  change_begun beef02 600
}
gone_after_the_reboot() {
  guest '! ip rule | grep ^11999:; ! grep 11999 /etc/wgchain/rules; test ! -e /var/lib/wgchain/pending
    outcome=$(/usr/local/lib/wgchain/wgchain-host outcome beef02); grep "restarted before the deploy was confirmed" <<<"$outcome"'
}

# Where what closes the host does not stand, no interface comes up, whoever starts it.
stays_down_where_open() {
  guest 'systemctl stop wg-quick@wgp; nft delete table ip wgchain
    ! systemctl start wg-quick@wgp
    ! ip link show wgp 2>/dev/null
    systemctl reset-failed wg-quick@wgp; systemctl restart wgchain.service; systemctl start wg-quick@wgp'
}

# ---- the end --------------------------------------------------------------------------------------------------------------------------------

as_found() {
  dump >"$work/now"
  diff "$work/found" "$work/now"
}

checks() {
  dump >"$work/found"

  begin 'deploy'
  check 'cloud-init has made the user of main.ts, from the user-data of its Google VM' user_data_taken
  check 'HK: deploy, by that user' delivered hk wgchain
  check 'the kernel'"'"'s WireGuard is used, no wireguard-go' kernel_wireguard "${HK[@]}"
  check 'units are active and enabled' units "${HK[@]}"
  check 'systemd-analyze verify has nothing to say' units_verified "${HK[@]}"
  check 'status: interfaces, rules, routes, table and forwarding as wanted' stands
  check 'rp_filter: 0 on ours and on all, as before on others' reverse_path_filters "${HK[@]}"
  check 'a deploy again changes nothing' delivered_again hk root
  check 'packets: each label leaves at its exit and at no other' packets_take_their_exits

  begin 'wg-quick'
  check 'reload keeps private key and port' reload_keeps_the_key
  check 'without our drop-in reload would erase the private key' stock_reload_erases_it
  check 'restart brings all routes back' restart_keeps_all
  check 'wg6 (to the exit) stopped: fails closed; started: as before' way_out_stopped
  check 'wgp (to the entry) stopped: fails closed; started: as before' way_in_stopped hk

  begin 'nftables.service'
  check 'restart: our table is back' nftables_service restart
  check 'reload: our table is back' nftables_service reload
  check 'stop and start: our table is back' nftables_service stop start
  check 'a flushed ruleset: nothing gets through, nothing leaks' flushed_leaks_nothing

  check 'and without our rules it would leak (a control)' watch_sees_leaks

  begin 'what nobody confirms'
  check 'an interface stays down where nothing closes the host' stays_down_where_open
  check 'a change whose deploy is killed goes back by itself, watched by systemd' reverted_by_the_watch

  begin 'systemd-networkd and udev'
  check 'reload, reconfigure and restart leave our rules and routes' networkd_leaves_ours
  check 'without our file networkd would remove them' networkd_would_remove_ours
  check 'udev'"'"'s sysctl run leaves our rp_filter' udev_leaves_ours

  begin 'reboot'
  check 'a change is added and not confirmed' begun_before_the_reboot
  check 'reboots' reboots
  check 'the change is gone' gone_after_the_reboot
  check 'all is back: status' stands
  check 'all is back: units' units "${HK[@]}"
  check 'no ordering cycle' no_ordering_cycle
  check 'rules and table stood before any wg-quick@ began' stood_before "${HK[@]/#/wg-quick@}"
  check 'rules and table stood before the network came up' network_waited
  check 'rp_filter: 0 on ours and on all, as before on others' reverse_path_filters "${HK[@]}"
  check 'packets: each label leaves at its exit and at no other' packets_take_their_exits
  check 'a deploy again changes nothing' delivered_again hk root

  failover_checks

  begin 'destroy'
  check 'the neighbours are gone' no_neighbours
  check 'HK: destroy' destroys hk root
  check 'the host is as it was found' as_found
  check 'reboots' reboots
  check 'it still is' as_found

  begin 'SZ, by a user with sudo -n'
  check 'SZ: deploy' delivered sz op
  check 'again changes nothing' delivered_again sz op
  check 'status' stands
  check 'units' units "${SZ[@]}"
  check 'wgp (to the exits) stopped: fails closed; started: as before' way_in_stopped sz
  check 'SZ: destroy' destroys sz op
  check 'the host is as it was found' as_found
}
