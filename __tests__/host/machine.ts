import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export interface Result {
  readonly status: number;
  /** Standard output and error together. */
  readonly out: string;
}

export const TOOLS = [
  "wg",
  "wg-quick",
  "wireguard-go",
  "nft",
  "conntrack",
  "ip",
  "ss",
  "sshd",
  "ssh",
  "sudo",
  "unshare",
  "nsenter",
  "setpriv",
  "ps",
];

/**
 * A host of its own: network, mounts, processes. Its /etc, /var/lib, /usr/local, /root and /home are copies on write, its /run is empty.
 * It ends with this process (setpriv), and all that runs in it ends with it (its first process is the process namespace's init).
 */
export class Machine {
  private constructor(
    private readonly holder: ChildProcess,
    private readonly pid: number,
  ) {}

  static async start(name: string): Promise<Machine> {
    const missing = TOOLS.filter((tool) => spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin:/sbin command -v ${tool}`]).status !== 0);
    if (missing.length > 0)
      throw new Error(
        `these tests need ${missing.join(", ")}; install wireguard-tools wireguard-go nftables conntrack openssh-server sudo`,
      );
    const setup = `set -e
      hostname ${name}
      upper=/mnt; mount -t tmpfs tmpfs "$upper"
      for d in etc var/lib usr/local root home; do
        mkdir -p "$upper/$d/up" "$upper/$d/work"
        mount -t overlay overlay -o "lowerdir=/$d,upperdir=$upper/$d/up,workdir=$upper/$d/work" "/$d"
      done
      rm -f /root/.bashrc # read by every bash that ssh starts, and by those whose input is a socket: whatever the developer has there
      mount -t tmpfs tmpfs /run; mount -t sysfs sysfs /sys; mkdir -p /run/sshd
      echo "127.0.0.1 ${name}" >>/etc/hosts # sudo asks for its host's name
      ip link set lo up
      ip link add eth0 type veth peer name eth0p; ip link add eth1 type veth peer name eth1p
      ip addr add 198.51.100.20/24 dev eth0; ip addr add 172.16.0.2/30 dev eth1
      for i in eth0 eth0p eth1 eth1p; do sysctl -qw net.ipv6.conf.$i.disable_ipv6=1; ip link set $i up; done
      ip route add default via 198.51.100.1
      echo ready; exec sleep infinity`;
    const holder = spawn(
      "setpriv",
      [
        "--pdeathsig",
        "KILL",
        "unshare",
        "--net",
        "--mount",
        "--uts",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "bash",
        "-c",
        setup,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let errors = "";
    holder.stderr.on("data", (data: Buffer) => (errors += data.toString()));
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("exit", (code) => reject(new Error(`the namespace host ended with ${code}: ${errors}`)));
    });
    const child = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8").trim();
    return new Machine(holder, Number(child));
  }

  get prefix(): string[] {
    return ["nsenter", "-t", String(this.pid), "-m", "-n", "-u", "-p"];
  }

  /** Runs a shell script in the host; never throws. */
  run(script: string, env: NodeJS.ProcessEnv = {}): Result {
    const [program, ...prefix] = this.prefix;
    const done = spawnSync(program!, [...prefix, "bash", "-c", `exec 2>&1; cd /; ${script}`], {
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", SHLVL: "1", ...env },
      maxBuffer: 1 << 28,
    });
    return { status: done.status ?? -1, out: done.stdout };
  }

  /** As run, but a failure is an error. */
  ok(script: string, env: NodeJS.ProcessEnv = {}): string {
    const done = this.run(script, env);
    if (done.status !== 0) throw new Error(`${script}\nended with ${done.status}:\n${done.out}`);
    return done.out;
  }

  spawn(script: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const [program, ...prefix] = this.prefix;
    return spawn(program!, [...prefix, "bash", "-c", script], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", SHLVL: "1", ...env },
      stdio: "ignore",
    });
  }

  /** The whole state that this program may touch, as text. */
  dump(): string {
    return this.ok(`
      ip -4 rule show; ip -4 route show table all | sort; ip -o link show | sed 's/^[0-9]*: //' | sort; ip -4 -o addr show | sed 's/^[0-9]*: //' | sort
      nft list ruleset; { wg show all public-key; wg show all listen-port; wg show all peers; } | sort
      cd /proc/sys/net/ipv4; grep . ip_forward conf/*/{rp_filter,forwarding,accept_redirects,src_valid_mark}
      find /etc /usr/local/lib /var/lib/wgchain \\( -path '*/node_modules' -o -path '/var/lib/wgchain/good*' \\) -prune -o \\( -type f -o -type d -o -type l \\) -printf '%p %m %u %y %l\\n' 2>/dev/null | sort
      find /etc/wireguard /etc/sysctl.d /etc/systemd -type f -exec sha256sum {} + | sort -k2
      ls /run`);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.holder.once("exit", resolve));
    process.kill(this.pid, "SIGKILL");
    await ended;
  }
}
