# shellcheck shell=bash
# The virtual machine of machine/run: QEMU, emulated in software, and an SSH connection to it. Sourced; wants $work (a directory), gives $port.
# Its network is QEMU's own, closed to the outside (restrict=on): only our SSH comes in, nothing goes out. Its disk is a copy on write, in memory or
# $TMPDIR, and ends with it.

vm_pid='' port='' known_hosts=''
: "${work:?a directory of this run}"

vm_start() { # IMAGE: a directory of machine/image
  local attempt
  touch "$work/serial.log"
  for attempt in {1..20}; do
    port=$((20000 + RANDOM % 12000)) # below the ports that the kernel itself gives out
    # It ends with this process, however that ends. Network and disk before the boot: a port in use ends QEMU at once.
    setpriv --pdeathsig KILL qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -m 1024 -nodefaults -nographic -no-user-config \
      -serial "file:$work/serial.log" -monitor none -device virtio-rng-pci \
      -kernel "$1/vmlinuz" -initrd "$1/initrd" -append 'root=/dev/vda rw console=ttyS0 quiet loglevel=5 mitigations=off systemd.show_status=no' \
      -drive "file=$1/root.ext4,format=raw,if=virtio,snapshot=on" -drive "file=$work/keys.tar,format=raw,if=virtio,readonly=on" \
      -netdev "user,id=uplink,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=uplink \
      >"$work/qemu.log" 2>&1 </dev/null &
    vm_pid=$!
    for _ in {1..50}; do # the kernel's first line, or an end
      if [[ -s $work/serial.log ]] || ! kill -0 "$vm_pid" 2>/dev/null; then break; fi
      sleep 0.1
    done
    ! kill -0 "$vm_pid" 2>/dev/null || return 0
    wait "$vm_pid" || true
    vm_pid=''
    grep -q 'host forwarding rule' "$work/qemu.log" || break
  done
  printf 'QEMU does not start (attempt %s): %s\n' "$attempt" "$(<"$work/qemu.log")" >&2
  return 1
}

vm_stop() {
  [[ -z $vm_pid ]] || { kill "$vm_pid" 2>/dev/null || true; wait "$vm_pid" 2>/dev/null || true; }
  vm_pid=''
}

# A keypair for us, a host key for it, and the pinned name: what the second disk carries and the operator knows.
vm_keys() { # DIRECTORY OF PUBLIC THINGS, NAMES to pin
  local directory=$1 name
  shift
  mkdir -p "$work/disk/etc/ssh" "$work/disk/root/.ssh" "$work/disk/home/op/.ssh"
  ssh-keygen -q -t ed25519 -N '' -C wgchain-machine -f "$work/id"
  ssh-keygen -q -t ed25519 -N '' -C wgchain-machine -f "$work/disk/etc/ssh/ssh_host_ed25519_key"
  cp "$work/id.pub" "$work/disk/root/.ssh/authorized_keys"
  cp "$work/id.pub" "$work/disk/home/op/.ssh/authorized_keys"
  cp "$work/id.pub" "$directory/authorized_keys"
  chmod 0700 "$work/disk/root/.ssh"
  chmod 0755 "$work/disk/home/op/.ssh" "$work/disk/home/op" "$work/disk/root"
  chmod 0644 "$work"/disk/{root,home/op}/.ssh/authorized_keys
  # Of root, which op's sshd accepts. Only what is ours is in it: no directory of the system changes its mode.
  (cd "$work/disk" && tar --owner=0 --group=0 --mode='u+rwX,go-w' -cf "$work/keys.tar" etc/ssh/ssh_host_ed25519_key{,.pub} root/.ssh home/op/.ssh)
  for name in "$@" machine; do
    printf '%s %s\n' "$name" "$(cut -d' ' -f1,2 "$work/disk/etc/ssh/ssh_host_ed25519_key.pub")"
  done >"$directory/known_hosts"
  known_hosts=$directory/known_hosts
}

# What Google's metadata server would give cloud-init; here its NoCloud source does.
vm_user_data() { # FILE
  local seed=var/lib/cloud/seed/nocloud
  mkdir -p "$work/disk/$seed"
  cp -- "$1" "$work/disk/$seed/user-data"
  printf 'instance-id: machine\n' >"$work/disk/$seed/meta-data"
  (cd "$work/disk" && tar --owner=0 --group=0 --mode='u+rwX,go-w' -rf "$work/keys.tar" "$seed")
}

# One connection for all looks; host/deliver opens its own.
vm_ssh() {
  ssh -F none -i "$work/id" -p "$port" -l root -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o StrictHostKeyChecking=yes \
    -o "UserKnownHostsFile=\"$known_hosts\"" -o GlobalKnownHostsFile=/dev/null -o HostKeyAlias=machine -o CheckHostIP=no -o LogLevel=ERROR \
    -o ControlMaster=auto -o "ControlPath=$work/control" -o ControlPersist=yes -o ServerAliveInterval=5 -o ServerAliveCountMax=6 \
    -o ConnectTimeout=10 "$@"
}
vm_disconnect() { [[ -z $port ]] || vm_ssh -O exit 127.0.0.1 >/dev/null 2>&1 || true; }

# Runs a script as root in the machine.
guest() { vm_ssh 127.0.0.1 'exec bash -euo pipefail -s' <<<"$1"; }

vm_boot_id() { guest 'cat /proc/sys/kernel/random/boot_id'; }

# Until sshd lets us in and the boot is over, in another boot than the given one.
vm_wait() { # [BOOT ID]
  local id deadline=$((SECONDS + 300))
  while kill -0 "$vm_pid" 2>/dev/null && ((SECONDS < deadline)); do
    if id=$(vm_boot_id 2>"$work/ssh.log") && [[ -n $id && $id != "${1-}" ]]; then
      guest 'systemctl is-system-running --wait || { systemctl --failed --no-legend; grep -hE "WARNING|ERROR" /var/log/cloud-init.log 2>/dev/null; exit 1; }'
      return
    fi
    vm_disconnect
    sleep 0.5
  done
  printf 'the machine cannot be reached by SSH: %s\n' "$(tail -n 1 "$work/ssh.log")" >&2
  tail -n 30 "$work/serial.log" >&2
  return 1
}

vm_reboot() {
  local id
  id=$(vm_boot_id)
  guest 'systemctl reboot' || true # the connection may end before the answer
  vm_disconnect
  vm_wait "$id"
}
