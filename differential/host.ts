import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/*
 * A namespace host without a name anywhere: network, mounts and processes of its own, held by its first process, which dies with this one
 * (setpriv). So runs can't collide, and nothing is left of one, however it ends.
 */
const setup = `set -e
hostname "$1"
mount -t tmpfs tmpfs /mnt
for d in etc var/lib usr/local; do
  mkdir -p "/mnt/$d/up" "/mnt/$d/work"
  mount -t overlay overlay -o "lowerdir=/$d,upperdir=/mnt/$d/up,workdir=/mnt/$d/work" "/$d"
done
# What the machine itself has of WireGuard is nobody's here.
for d in /etc/wireguard /etc/wgchain /var/lib/wgchain /usr/local/lib/wgchain; do
  mkdir -p "$d"; mount -t tmpfs -o mode=0700 tmpfs "$d"
done
mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp; mount -t sysfs sysfs /sys
cd /proc/sys/net
echo 1 >ipv6/conf/all/disable_ipv6; echo 1 >ipv6/conf/default/disable_ipv6
echo 0 >ipv4/icmp_ratelimit; echo 0 >ipv4/icmp_ratemask
# As the kernel's WireGuard sets it, and wireguard-go does not: a redirect uses up what a source may be told of the unreachable.
echo 0 >ipv4/conf/all/send_redirects; echo 0 >ipv4/conf/default/send_redirects
# As on Ubuntu and Debian 13, the harder case.
echo 2 >ipv4/conf/default/rp_filter; echo 0 >ipv4/conf/all/rp_filter
echo "$2" >ipv4/ip_forward
ip link set lo up
cd /; echo ready; exec sleep infinity`;

// SHLVL: as in lab/host.ts.
const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root", LANG: "C.UTF-8", SHLVL: "1" };

export interface Result {
  readonly status: number;
  /** Standard output and error together. */
  readonly output: string;
}

export class Host {
  private constructor(
    readonly name: string,
    private readonly holder: ChildProcess,
    readonly pid: number,
  ) {}

  static async start(name: string, forwarding = false): Promise<Host> {
    const unshare = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const argv = ["--pdeathsig", "KILL", ...unshare, "bash", "-c", setup, "setup", name, forwarding ? "1" : "0"];
    const holder = spawn("setpriv", argv, { stdio: ["ignore", "pipe", "pipe"], cwd: "/", env: environment });
    let errors = "";
    holder.stderr.on("data", (data: Buffer) => (errors += data.toString()));
    await new Promise<void>((resolve, reject) => {
      holder.once("error", reject);
      holder.stdout.once("data", () => resolve());
      holder.once("exit", (code) => reject(new Error(`host ${name} did not start (status ${String(code)}): ${errors.trim()}`)));
    });
    const children = readFileSync(`/proc/${String(holder.pid)}/task/${String(holder.pid)}/children`, "utf8");
    return new Host(name, holder, Number(children.trim()));
  }

  /** Starts a program in the host; `net` alone leaves it the machine's files. */
  spawn(argv: readonly string[], stdio: ("ignore" | "pipe")[], net = false): ChildProcess {
    const enter = net ? ["-n"] : ["-m", "-n", "-u", "-p"];
    return spawn("nsenter", ["-t", String(this.pid), ...enter, "--", ...argv], { stdio, cwd: "/", env: environment });
  }

  /** Runs a shell script there, with text on its standard input; never throws because of its status. */
  async run(script: string, input = ""): Promise<Result> {
    const child = this.spawn(["bash", "-c", `exec 2>&1; ${script}`], ["pipe", "pipe", "ignore"]);
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stdin?.on("error", () => undefined); // it may end without reading
    child.stdin?.end(input);
    const [status] = (await once(child, "close")) as [number | null];
    return { status: status ?? -1, output };
  }

  /** As run; a status other than 0 is an error. */
  async must(script: string, input = ""): Promise<string> {
    const { status, output } = await this.run(`set -euo pipefail; ${script}`, input);
    if (status !== 0) throw new Error(`${this.name}: ended with ${status}: ${script}\n${output.trim()}`);
    return output;
  }

  /** `ip -batch`, from outside, so that another host can be named by its `pid`. */
  async ip(lines: readonly string[]): Promise<void> {
    const child = this.spawn(["ip", "-batch", "-"], ["pipe", "ignore", "pipe"], true);
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.stdin?.end(`${lines.join("\n")}\n`);
    const [status] = (await once(child, "close")) as [number | null];
    if (status !== 0) throw new Error(`${this.name}: ip -batch: ${errors.trim()}`);
  }

  /** A file of the host, as this process sees it. */
  path(file: string): string {
    return `/proc/${this.pid}/root${file}`;
  }

  async stop(): Promise<void> {
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return;
    const ended = once(this.holder, "exit");
    this.holder.kill("SIGKILL");
    await ended;
  }
}
