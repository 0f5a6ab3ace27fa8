import type { Host } from "./host";

export interface SshdOptions {
  readonly rootLogin: boolean;
  /** Besides 22. */
  readonly port?: number;
}

/** Starts the host's own sshd with a host key of its own; returns the public key ("ssh-ed25519 AAAA…"). */
export async function startSshd(host: Host, options: SshdOptions): Promise<string> {
  const config = [
    "Port 22",
    ...(options.port === undefined ? [] : [`Port ${options.port}`]),
    "ListenAddress 0.0.0.0",
    "HostKey /etc/ssh/ssh_host_ed25519_key",
    `PermitRootLogin ${options.rootLogin ? "prohibit-password" : "no"}`,
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM no",
    "UseDNS no",
    "MaxStartups 100",
    "PidFile /run/sshd.pid",
    "AcceptEnv LANG LC_*",
    "Subsystem sftp internal-sftp",
  ];
  await host.sh(
    `mkdir -p /etc/ssh
     cat >/etc/ssh/sshd_config
     ssh-keygen -q -t ed25519 -N "" -C "root@$(cat /proc/sys/kernel/hostname)" -f /etc/ssh/ssh_host_ed25519_key
     "$(command -v sshd)" -f /etc/ssh/sshd_config -E /run/sshd.log
     end=$((SECONDS + 10))
     until [ -s /run/sshd.pid ]; do # written when it listens
       [ "$SECONDS" -lt "$end" ] || { cat /run/sshd.log >&2; exit 1; }
       sleep 0.02
     done`,
    { input: `${config.join("\n")}\n` },
  );
  const { stdout } = await host.exec(["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]);
  return stdout.trim().split(" ").slice(0, 2).join(" ");
}

export interface User {
  readonly name: string;
  readonly authorizedKeys: readonly string[];
  /** Lines for sudoers after the user's name, e.g. "ALL=(ALL) NOPASSWD:ALL". */
  readonly sudo: readonly string[];
  readonly shell?: string;
  readonly groups?: readonly string[];
}

/** Makes a user who may log in with a key, or gives an existing one (root too) the keys. */
export async function addUser(host: Host, user: User): Promise<void> {
  const env = {
    LAB_USER: user.name,
    LAB_SHELL: user.shell ?? "/bin/bash",
    LAB_KEYS: user.authorizedKeys.join("\n"),
    LAB_SUDO: user.sudo.map((rule) => `${user.name} ${rule}`).join("\n"),
    LAB_GROUPS: (user.groups ?? []).join(" "),
  };
  await host.sh(
    `id -u "$LAB_USER" >/dev/null 2>&1 || useradd --create-home --shell "$LAB_SHELL" "$LAB_USER"
     usermod --password '*' "$LAB_USER" # none, but not locked either: sshd bars locked accounts
     for group in $LAB_GROUPS; do
       getent group "$group" >/dev/null || groupadd "$group"
       usermod --append --groups "$group" "$LAB_USER"
     done
     home=$(getent passwd "$LAB_USER" | cut -d: -f6)
     install -d -m 0700 -o "$LAB_USER" -g "$(id -g "$LAB_USER")" "$home/.ssh"
     [ -z "$LAB_KEYS" ] || printf '%s\\n' "$LAB_KEYS" >>"$home/.ssh/authorized_keys"
     chown "$LAB_USER" "$home/.ssh/authorized_keys"
     chmod 0600 "$home/.ssh/authorized_keys"
     if [ -n "$LAB_SUDO" ]; then
       (umask 0227; printf '%s\\n' "$LAB_SUDO" >"/etc/sudoers.d/90-lab-$LAB_USER")
     fi`,
    { env },
  );
}
