# ---- packages ----------------------------------------------------------------------------------------------------------------------------------

wait_for_cloud_init() {
  command -v cloud-init >/dev/null || return 0
  case $(cloud-init status 2>/dev/null || true) in
    *running* | *'not run'* | *'not started'*) 
      say "[#] cloud-init status --wait"
      timeout 900 cloud-init status --wait >/dev/null </dev/null 9>&- || say "cloud-init did not end well (cloud-init status --long); going on" ;;
  esac
}

kernel_has_wireguard() {
  [[ -d /sys/module/wireguard ]] || modprobe -q wireguard 2>/dev/null && return 0
  ip link add wgchain-probe type wireguard 2>/dev/null || return 1
  ip link del wgchain-probe
}

install_packages() {
  local name missing wanted=()
  command -v dpkg-query >/dev/null || die "this host has no dpkg; Debian 12/13 and Ubuntu 22.04/24.04 are supported"
  file_or_none "$TREE/etc/wgchain/packages"
  while read -r name; do
    if [[ $name =~ ^[a-z0-9][a-z0-9.+-]+$ && $name != wireguard-go ]]; then wanted+=("$name"); fi
  done <"$FILE"
  kernel_has_wireguard || command -v wireguard-go >/dev/null || wanted+=(wireguard-go)
  # shellcheck disable=SC2016
  missing=$({ dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true; } |
    awk -v wanted="${wanted[*]}" '$1 == "installed" { has[$2] } END { n = split(wanted, name, " "); for (i = 1; i <= n; i++) if (!(name[i] in has)) print name[i] }')
  [[ -n $missing ]] || return 0
  cmd apt-get -q -o DPkg::Lock::Timeout=300 update </dev/null
  # shellcheck disable=SC2086
  cmd env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install $missing </dev/null
}
