import { until, type Host } from "../lab";

/** A step by its number, from 1; or the first thing at all that is run in PREPARE, or in CHECK, which change nothing. */
export type At = number | "prepare" | "check";

/*
 * A step of converge is a program that it runs to change something. In a host with steps armed these programs are stood in for, first on the
 * PATH, by a wrapper which counts such calls (reading does not count) and stops at one of them, until released, or lets it fail. So the
 * product itself runs unchanged.
 */
const programs = ["ip", "nft", "wg", "wg-quick", "mv", "cp", "rm", "ln", "install", "mkdir", "conntrack", "sysctl", "sha256sum"];

const wrapper = String.raw`#!/bin/bash
# wgchain faults: counts, stops at or breaks one step
name=${"${0##*/}"} all=" $* " dir=/run/faults
real=$(PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin command -v "$name")
changes() {
  case $name in
  ip) [[ $all =~ \ (add|del|delete|replace|change|set|flush)\  ]] && [[ ! $all =~ \ wgchain-probe\  ]] ;;
  nft) [[ $all =~ \ (-f|add|delete|flush)\  && ! $all =~ \ -c\  ]] ;;
  wg) [[ $all =~ ^\ (set|setconf|syncconf|addconf)\  ]] ;;
  mv | cp | rm | ln | install | mkdir) [[ $all =~ \ (/etc|/usr/local|/var/lib)/ ]] ;;
  conntrack) [[ $all =~ \ -D\  ]] ;;
  sysctl) [[ $all =~ = ]] ;;
  sha256sum) false ;;
  *) true ;;
  esac
}
stop() {
  : >"$dir/stopped"
  while [[ -e $dir/stopped && -e $dir/at ]]; do sleep 0.02; done
}
if [[ -e $dir/at ]]; then read -r at how <"$dir/at"; fi
verb=$(tr '\0' ' ' <"/proc/$PPID/cmdline")
case ${"${at-}"} in
prepare) [[ ! $verb =~ wgchain-host\ deploy || -e $dir/was ]] || { : >"$dir/was"; stop; } ;;
check) [[ ! $verb =~ wgchain-host\ confirm || -e $dir/was ]] || { : >"$dir/was"; stop; } ;;
esac
if [[ -e $dir/at ]] && changes; then
  n=$(flock "$dir/lock" bash -c 'echo "$1" >>"$0/steps"; wc -l <"$0/steps"' "$dir" "$name $*")
  if [[ $n == "$at" ]]; then
    if [[ $how == fail ]]; then echo "$name: made to fail by the faults" >&2; exit 1; fi
    stop
  fi
fi
exec "$real" "$@"
`;

export class Steps {
  constructor(private readonly host: Host) {}

  /** Counts from now on; `at` is the step that stops or fails, 0 for none. */
  async arm(at: At, how: "stop" | "fail" = "stop"): Promise<void> {
    await this.host.sh(
      `mkdir -p /run/faults /usr/local/sbin; rm -f /run/faults/*
       cat >/run/faults/wrapper; chmod 0755 /run/faults/wrapper
       for name in ${programs.join(" ")}; do install -m 0755 /run/faults/wrapper "/usr/local/sbin/$name"; done
       : >/run/faults/steps; echo '${at} ${how}' >/run/faults/at`,
      { input: wrapper },
    );
  }

  /** The steps so far, as they were called. */
  async taken(): Promise<string[]> {
    const { stdout } = await this.host.sh("cat /run/faults/steps 2>/dev/null || true");
    return stdout.split("\n").filter(Boolean);
  }

  /** Waits until the armed step is reached; false when `ended` comes first. */
  async stopped(ended: Promise<unknown>, seconds = 60): Promise<boolean> {
    let over = false;
    void ended.finally(() => (over = true)).catch(() => undefined);
    return until(`the step of ${this.host.name}`, seconds, async () => {
      const { status } = await this.host.exec(["test", "-e", "/run/faults/stopped"], { check: false });
      if (status === 0) return true;
      return over ? false : undefined;
    });
  }

  /** Lets it go on, and counts no more. The wrappers stay: a bash that runs has learned where they are. */
  async disarm(): Promise<void> {
    await this.host.exec(["/bin/rm", "-f", "/run/faults/at", "/run/faults/stopped"]);
  }

  /** Takes the wrappers away, where nothing runs that could look for them. */
  static async remove(host: Host): Promise<void> {
    const wrappers = programs.map((name) => `/usr/local/sbin/${name}`);
    await host.exec(["/bin/rm", "-rf", "/run/faults", ...wrappers]);
  }
}
