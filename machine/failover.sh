# shellcheck shell=bash
# What machine/run checks of failover: systemd keeps what measures alive, and it is back after a reboot. Sourced by checks.sh; HK is deployed, and its
# neighbours stand. The targets are addresses of which each exit has its own.
# shellcheck disable=SC2016 # the machine's
: "${work:?}" "${nodes=}" "${directory=}"

# main.ts, but what leaves at GCP fails over to HKT. Kept outside of the checkout.
synthesize_failover() {
  mkdir -p "$work/failover"
  ln -sfn "$PWD/node_modules" "$work/failover/node_modules"
  sed -e "s|\"./constructs\"|\"$PWD/constructs\"|" \
    -e 's|from: \[viaGcp\], via: wg6 }|from: [viaGcp], via: [wg6, wg7], failover: { targets: ["203.0.113.6", "203.0.113.7"], failures: 2, successes: 2, holdSeconds: 5 } }|' \
    main.ts >"$work/failover/main.ts"
  env -u NODE_OPTIONS CDKTF_OUTDIR="$work/failover/out" WGCHAIN_DIR="$directory" node --import tsx "$work/failover/main.ts"
  grep '^gcp:wg6,hkt:wg7 ' "$work/failover/out/stacks/reference/wgchain/nodes/hk/etc/wgchain/failover"
}
failover_delivered() { nodes=$work/failover/out/stacks/reference/wgchain/nodes delivered hk root; }

measures() {
  guest 'systemctl is-active wgchain-failover.service && systemctl is-enabled wgchain-failover.service || { systemctl status --no-pager wgchain-failover; exit 1; }'
}
takes() { # EXIT|closed, within 60 s: a machine without KVM is slow
  guest 'for _ in {1..60}; do
      taken=$(/usr/local/lib/wgchain/wgchain-host report | awk -F"\t" "\$1 == \"failover\" { print \$4 == \"closed\" ? \$4 : \$3 }")
      [[ $taken != '"$1"' ]] || exit 0; sleep 1; done
    journalctl --no-pager -n 40 -u wgchain-failover; /usr/local/lib/wgchain/wgchain-host report; exit 1'
}
exit_dies_and_returns() {
  takes gcp
  reaches 224 203.0.113.6
  guest 'ip -n gcp link set line down'
  takes hkt
  reaches 224 203.0.113.7
  reaches 225 203.0.113.7
  guest 'ip -n gcp link set line up; ip -n gcp route add 198.51.100.20 dev line 2>/dev/null || true'
  takes gcp
  reaches 224 203.0.113.6
  no_leak
}
killed_is_started_again() {
  guest 'before=$(systemctl show --value -p MainPID wgchain-failover)
    kill -9 $before
    for _ in {1..30}; do sleep 1; now=$(systemctl show --value -p MainPID wgchain-failover); [[ $now == 0 || $now == "$before" ]] || break; done
    test "$now" != 0 -a "$now" != "$before"'
  takes gcp
  reaches 224 203.0.113.6
}
# Nobody answers until the neighbours are back.
closed_after_a_reboot() {
  measures
  takes closed
  neighbours
  takes gcp
  reaches 224 203.0.113.6
  reaches 225 203.0.113.7
  no_leak
}
failover_leaves() {
  delivered hk root
  guest '! systemctl is-active wgchain-failover.service && test ! -e /etc/systemd/system/wgchain-failover.service -a ! -e /var/lib/wgchain/failover'
  reaches 224 203.0.113.6
  stands
}

failover_checks() {
  begin 'failover'
  check 'main.ts with a second exit for GCP'"'"'s clients' synthesize_failover
  check 'HK: deploy' failover_delivered
  check 'a unit measures' measures
  check 'status' stands
  check 'an exit dies: its label goes by the other; it returns' exit_dies_and_returns
  check 'what measures is killed: systemd starts it again, packets go on' killed_is_started_again
  check 'reboots' reboots
  check 'nobody answers: closed; they answer: as before' closed_after_a_reboot
  check 'deployed without: the unit is gone' failover_leaves
}
