import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Machine, type Result } from "./machine";

/**
 * Speaks the protocol of docs/internals.md as the host program does, changes nothing, and misbehaves on demand: what `NODE.STEP` in /run/stand-in says it
 * does at that step. Which host it is it knows from the port that sshd listens on. It writes down what it was told, with the time.
 */
const STAND_IN = String.raw`#!/usr/bin/env bash
set -u
trap '' PIPE
dir=/run/stand-in
port=$(printf '%s' "$SSH_CONNECTION" | cut -d' ' -f4)
node=$(sed -n "s/^$port //p" $dir/ports)
log() { printf '%s %s %s\n' "$(date +%s%3N)" "$node" "$*" >>$dir/log; }
event() { echo "wgchain: $*" 2>/dev/null; }
cut_off() { # as a network that is gone: nobody tells us
  local pid=$$ command
  while [[ $pid -gt 1 ]]; do
    read -r pid command < <(ps -o ppid= -o comm= -p $pid)
    if [[ $(ps -o comm= -p $pid) == sshd* ]]; then kill -9 $pid; return; fi
  done
}
back() {
  if [[ -e $dir/$node.pending ]]; then
    rm $dir/$node.pending
    echo "$id reverted to the old: $1" >$dir/$node.outcome
    log reverted
    event "reverted to the old: $1"
  fi
}
step() {
  local how=''
  [[ ! -e $dir/$node.$1 ]] || how=$(<$dir/$node.$1)
  case $how in
    slow) sleep 0.4 ;;
    fail) echo "wgchain-host: $node cannot do '$1'"; [[ $2 == confirm ]] || back "$1 failed"; exit 1 ;;
    hang) while IFS= read -r line && [[ $line != revert ]]; do :; done; log "$(sed "s/^$/EOF/" <<<"$line")"; back 'the deploy failed'; exit 1 ;;
    cut) cut_off; [[ $2 != confirm ]] || exit 1 ;;
    dead) pkill -f "sshd.* -p $port " ; cut_off ;;
    late) (sleep 0.5; back 'the lease was over') & ;;
  esac
}
verb_deploy() {
  local line
  id=$3
  echo "$4" >$dir/$node.lease
  first=${"${5-}"}
  while { line=$first first=''; [[ -n $line ]]; } || IFS= read -r line; do
    case $line in
      beat) echo beat >>$dir/$node.beats; continue ;;
      'key '* | 'psk '*) log "$(cut -d' ' -f1,2 <<<"$line")"; printf '%s\n' "$line" >>$dir/$node.secrets; continue ;;
    esac
    log "$line"
    case $line in
      prepare) step prepare deploy; event prepared ;;
      add) echo "$id" >$dir/$node.pending; step add deploy; log added; event added ;;
      switch) step switch deploy; event switched ;;
      revert) back 'the deploy failed'; exit 1 ;;
      bye) exit 0 ;;
    esac
  done
  log EOF
  back 'the session ended'
  exit 1
}
verb_confirm() {
  local line
  id=$2
  log check
  step check confirm
  event checked
  [[ ! -e $dir/$node.checked ]] || { cut_off; exit 1; }
  while IFS= read -r line; do
    case $line in
      beat) ;;
      commit) log commit; [[ -e $dir/$node.pending ]] || exit 1
        step commit confirm
        rm $dir/$node.pending; echo "$id committed" >$dir/$node.outcome; log committed
        [[ ! -e $dir/$node.committed ]] || cut_off
        event committed ;;
      bye) exit 0 ;;
    esac
  done
  exit 1
}
verb_outcome() {
  log outcome
  if [[ -e $dir/$node.pending ]]; then echo pending
  elif grep -q "^$1 " $dir/$node.outcome 2>/dev/null; then cut -d' ' -f2- <$dir/$node.outcome
  else echo unknown; fi
}
verb_destroy() { log destroy; }
verb=$1
shift
"verb_$verb" "$@"
`;

export interface StandIn {
  readonly name: string;
  readonly rank: number;
  readonly more?: string;
}

/** A machine that is the operator's and all the hosts', one sshd each; and a stack's directory as synthesis leaves it. */
export class DeployMachine {
  private constructor(
    readonly machine: Machine,
    readonly stack: string,
    private readonly hosts: readonly StandIn[],
  ) {}

  static async start(name: string, directory: string, hosts: readonly StandIn[]): Promise<DeployMachine> {
    const stack = join(directory, "stack");
    const m = new DeployMachine(await Machine.start(`wgct-${process.pid}-${name}`), stack, hosts);
    mkdirSync(join(directory, "tmp"));
    m.machine.ok(`
      printf '%s\\n' 'ListenAddress 198.51.100.20' 'PasswordAuthentication no' 'UsePAM no' 'StrictModes no' 'PidFile none' 'MaxStartups 100' >/run/sshd.conf
      ssh-keygen -q -t ed25519 -N '' -f /run/host_key
      rm -f /root/.bashrc # bash reads it at every login over SSH, and this machine's may be slow
      mkdir -p /root/.ssh; rm -f /root/.ssh/config; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 <<<y >/dev/null
      cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
      cp /bin/bash /run/terraform`);
    const key = m.machine.ok("cut -d' ' -f1,2 /run/host_key.pub").trim();
    writeFileSync(join(directory, "known_hosts"), hosts.map((host) => `wgchain-${host.name} ${key}\n`).join(""));
    return m;
  }

  get directory(): string {
    return join(this.stack, "..");
  }

  /** All as new: no misbehaviour, no log, every sshd up. `edit` changes host/deploy. */
  reset(edit: (text: string) => string = (text) => text): void {
    const programs = join(__dirname, "../../host");
    rmSync(this.stack, { recursive: true, force: true });
    mkdirSync(join(this.stack, "wgchain"), { recursive: true });
    copyFileSync(join(programs, "deliver"), join(this.stack, "wgchain/deliver"));
    writeFileSync(join(this.stack, "wgchain/deploy"), edit(readFileSync(join(programs, "deploy"), "utf8")));
    writeFileSync(join(this.stack, "wgchain/wgchain-host"), STAND_IN);
    for (const { name } of this.hosts) {
      const tree = join(this.stack, "wgchain/nodes", name);
      mkdirSync(join(tree, "etc/wgchain"), { recursive: true });
      mkdirSync(join(tree, "usr/local/lib/wgchain"), { recursive: true });
      writeFileSync(join(tree, "etc/wgchain/interfaces"), "");
      writeFileSync(join(tree, "usr/local/lib/wgchain/wgchain-host"), STAND_IN);
    }
    const ports = this.hosts.map(({ name }, index) => `${2201 + index} ${name}`).join("\n");
    this.machine.ok(`
      rm -rf /run/stand-in; mkdir /run/stand-in; : >/run/stand-in/log; echo '${ports}' >/run/stand-in/ports
      while read -r port _; do
        ss -Hltn "sport = :$port" | grep -q . || /usr/sbin/sshd -f /run/sshd.conf -h /run/host_key -p $port -o PidFile=none
      done </run/stand-in/ports`);
  }

  /** What HOST does at STEP: slow, fail, hang, cut, dead, late. */
  misbehave(name: string, step: string, how: string): void {
    this.machine.ok(`echo ${how} >/run/stand-in/${name}.${step}`);
  }

  env(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const lines = this.hosts.map(
      ({ name, rank, more: words = "" }, index) =>
        `node=${name} id=1${index} rank=${rank} destination=198.51.100.20 alias=wgchain-${name} user=root port=${2201 + index} seconds=2 ${words}`,
    );
    return {
      TMPDIR: join(this.directory, "tmp"),
      WGCHAIN_HOSTS: lines.join("\n"),
      WGCHAIN_VALUES: "",
      WGCHAIN_DIR: this.directory,
      WGCHAIN_REVERT_SECONDS: "60",
      ...more,
    };
  }

  apply(more: NodeJS.ProcessEnv = {}): Result {
    return this.run("bash wgchain/deploy apply", more);
  }

  /** Below a process that is called terraform. */
  run(script: string, more: NodeJS.ProcessEnv = {}): Result {
    return this.machine.run(`cd '${this.stack}'; /run/terraform -c '${script}; exit $?'`, this.env(more));
  }

  /** As `apply`, but goes on beside; its output and status are in /run/out and /run/status, its pid in /run/pid, that of the Terraform in /run/tf. */
  begin(more: NodeJS.ProcessEnv = {}): void {
    this.machine.ok("rm -f /run/out /run/status /run/pid /run/tf");
    this.machine.spawn(
      `cd '${this.stack}'; exec /run/terraform -c 'echo $$ >/run/tf; bash -c "echo \\$\\$ >/run/pid; exec bash wgchain/deploy apply" >/run/out 2>&1; echo $? >/run/status'`,
      this.env(more),
    );
  }

  /** What the hosts were told and did: lines `NODE WHAT`. */
  log(): string[] {
    return this.timed().map(({ node, what }) => `${node} ${what}`);
  }

  timed(): { at: number; node: string; what: string }[] {
    return this.machine
      .ok("cat /run/stand-in/log")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [at, node = "", ...what] = line.split(" ");
        return { at: Number(at), node, what: what.join(" ") };
      });
  }

  async until(what: string, met: () => boolean, seconds = 10): Promise<number> {
    const start = Date.now();
    while (!met()) {
      if (Date.now() - start > seconds * 1000) {
        throw new Error(
          `not within ${seconds} s: ${what}\n${this.left()}\n${this.log().join("\n")}\n${this.machine.run("cat /run/out").out}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return Date.now() - start;
  }

  /** Nothing of a deploy is left: no process, no file of its own. */
  left(): string {
    return this.machine.run(
      `ps -eo args | grep -E 'wgchain/(deploy|deliver)|ssh -T|wgchain-host' | grep -v grep; ls -A '${join(this.directory, "tmp")}'; ls -d /run/wgchain.* 2>/dev/null`,
    ).out;
  }
}
