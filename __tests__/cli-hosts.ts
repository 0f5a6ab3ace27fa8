import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withoutProgress } from "./support/progress";

const repository = join(__dirname, "..");

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const sh = (script: string): string => {
  const { status, stdout, stderr } = spawnSync("bash", ["-euc", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${script}\n${stdout}${stderr}`);
  return stdout;
};

/** Copies on write of what may be changed, so that the machine is not touched. */
const overlays = (...directories: string[]): string =>
  `mount -t tmpfs tmpfs /mnt
   for d in ${directories.join(" ")}; do
     mkdir -p /mnt$d/up /mnt$d/work
     mount -t overlay overlay -o "lowerdir=$d,upperdir=/mnt$d/up,workdir=/mnt$d/work" $d
   done`;

/** A real sshd with an /etc and /usr/bin of its own, in the operator's network. Ends with the test. */
export class SshHost {
  private process: ChildProcess | undefined;

  constructor(
    readonly name: string,
    readonly address: string,
    private readonly operator: Operator,
    private readonly prepare: string,
  ) {}

  private get folder(): string {
    return join(this.operator.folder, "hosts", this.name);
  }

  async start(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    this.newHostKey();
    await this.launch();
  }

  newHostKey(): void {
    sh(
      `cd ${this.folder}; rm -f key key.pub rsa rsa.pub; ssh-keygen -q -t ed25519 -N '' -C '' -f key; ssh-keygen -q -t rsa -b 2048 -N '' -C '' -f rsa`,
    );
  }

  get fingerprint(): string {
    return sh(`ssh-keygen -lf ${this.folder}/key.pub`).split(" ")[1] ?? "";
  }

  /** A host with another key answers at the same address, with the same disk gone. */
  async reinstall(): Promise<void> {
    await this.stop();
    this.newHostKey();
    await this.launch();
  }

  async stop(): Promise<void> {
    if (this.process === undefined || this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await ended;
  }

  /** A shell script in the host. */
  run(script: string): string {
    return sh(`nsenter -t ${this.process?.pid} -m -n bash -euc '${script}'`);
  }

  private async launch(): Promise<void> {
    const { folder } = this;
    writeFileSync(
      join(folder, "sshd_config"),
      `ListenAddress ${this.address}\nHostKey ${folder}/key\nHostKey ${folder}/rsa\nAuthorizedKeysFile /etc/authorized_key
PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\nLogLevel DEBUG1\n`,
    );
    // The machine's own shell profiles are no part of a host: one of them may wait for a lock that a killed session left.
    const setup = `set -e; ${overlays("/etc", "/usr/bin", "/var/lib", "/usr/local", "/root")}
      rm -f /root/.bashrc /root/.profile /root/.bash_profile /root/.bash_login
      mount -t tmpfs tmpfs /run; mkdir /run/sshd; usermod -p "*" root; install -m 0644 ${this.operator.folder}/id.pub /etc/authorized_key; ${this.prepare}
      exec /usr/sbin/sshd -D -e -f ${folder}/sshd_config 2>${folder}/log`;
    const command = [
      "nsenter",
      "-t",
      String(this.operator.pid),
      "-n",
      "unshare",
      "-m",
      "--propagation",
      "private",
      "bash",
      "-c",
      setup,
    ];
    this.process = spawn("setpriv", ["--pdeathsig", "KILL", ...command], { stdio: ["ignore", "inherit", "inherit"] });
    const log = (): string => sh(`cat ${folder}/log 2>/dev/null || :`);
    while (!log().includes("Server listening")) {
      if (this.process.exitCode !== null) throw new Error(`sshd of ${this.name} ended:\n${log()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Where the command line runs: a network with nothing but lo, and a ~/.ssh of its own. */
export class Operator {
  readonly folder = mkdtempSync(join(tmpdir(), "wgchain-cli-"));
  readonly app = join(this.folder, "app");
  readonly directory = join(this.app, "wgchain");
  private readonly hosts: SshHost[] = [];
  private process: ChildProcess | undefined;

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  static async start(sshConfig: string): Promise<Operator> {
    const operator = new Operator();
    const { folder } = operator;
    sh(`ssh-keygen -q -t ed25519 -N '' -C '' -f ${folder}/id`);
    writeFileSync(
      join(folder, "config"),
      `${sshConfig}\nHost *\n  IdentityFile ${folder}/id\n  IdentitiesOnly yes\n  StrictHostKeyChecking accept-new\n`,
    );
    const setup = `set -e; ${overlays("/root")}; ip link set lo up
      rm -rf /root/.ssh; mkdir -m 0700 /root/.ssh; cp ${folder}/config /root/.ssh/config; echo ready; exec sleep infinity`;
    const child = spawn(
      "setpriv",
      ["--pdeathsig", "KILL", "unshare", "-m", "-n", "--propagation", "private", "bash", "-c", setup],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    operator.process = child;
    await once(child.stdout, "data");
    return operator;
  }

  async host(name: string, address: string, prepare = ""): Promise<SshHost> {
    const host = new SshHost(name, address, this, prepare);
    this.hosts.push(host);
    await host.start();
    return host;
  }

  async end(): Promise<void> {
    for (const host of this.hosts) await host.stop();
    // All that runs in this network, which nothing else does: a wireguard-go that a host started outlives its sshd.
    sh(
      `net=$(readlink /proc/${this.pid}/ns/net)
       for p in /proc/[0-9]*; do [[ $(readlink $p/ns/net 2>/dev/null) != "$net" ]] || kill -KILL \${p#/proc/} 2>/dev/null || :; done`,
    );
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An app in a directory of its own; `body` is the constructor of its stack. */
  writeApp(body: string): void {
    rmSync(this.app, { recursive: true, force: true });
    mkdirSync(this.app, { recursive: true });
    symlinkSync(join(repository, "node_modules"), join(this.app, "node_modules"));
    writeFileSync(
      join(this.app, "cdktf.json"),
      JSON.stringify({ language: "typescript", app: "node --import tsx main.ts", context: {} }),
    );
    writeFileSync(
      join(this.app, "main.ts"),
      `import { App, TerraformStack } from "cdktf";
       import { Host, SourcePolicy, SnatLabel, WgNode, WgTunnel } from ${JSON.stringify(join(repository, "constructs"))};
       class Network extends TerraformStack { constructor(scope: App) { super(scope, "network"); ${body} } }
       const app = new App(); new Network(app); app.synth();`,
    );
  }

  /** An app that is a program of another kind, for what depends on the inventory alone. */
  writeInventory(inventory: object): void {
    rmSync(this.app, { recursive: true, force: true });
    mkdirSync(this.app, { recursive: true });
    writeFileSync(join(this.app, "cdktf.json"), JSON.stringify({ app: 'cp inventory.json "$WGCHAIN_INVENTORY"; exit 1' }));
    const whole = {
      version: 1,
      stack: "network",
      directory: this.directory,
      nodes: [],
      clients: [],
      allocations: {},
      problems: [],
      ...inventory,
    };
    writeFileSync(join(this.app, "inventory.json"), JSON.stringify(whole));
  }

  read(file: string): string {
    return readFileSync(join(this.directory, file), "utf8");
  }

  /** Puts a known_hosts line in place, as a person would by hand. */
  pin(...hosts: SshHost[]): void {
    mkdirSync(this.directory, { recursive: true });
    const line = ({ name }: SshHost): string =>
      `wgchain-${name} ${readFileSync(join(this.folder, "hosts", name, "key.pub"), "utf8").trim()}\n`;
    writeFileSync(join(this.directory, "known_hosts"), hosts.map(line).join(""));
  }

  async wgchain(...args: string[]): Promise<Result> {
    return withoutProgress(await this.told(...args));
  }

  /** With the lines of how the work goes on. */
  told(...args: string[]): Promise<Result> {
    return this.command([process.execPath, "--import", "tsx", join(repository, "cli/wgchain.ts"), ...args, "--app", this.app]);
  }

  /** At a terminal, with this typed. */
  wgchainTyping(typed: string, ...args: string[]): Promise<Result> {
    const command = [process.execPath, "--import", "tsx", join(repository, "cli/wgchain.ts"), ...args, "--app", this.app].join(
      " ",
    );
    return this.command(["script", "-qec", command, "/dev/null"], typed);
  }

  async command(argv: readonly string[], input = ""): Promise<Result> {
    const child = spawn("nsenter", ["-t", String(this.pid), "-m", "-n", "--wd=" + repository, ...argv], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], HOME: "/root", TERM: "dumb" },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [status] = (await once(child, "close")) as [number | null];
    return { status, stdout, stderr };
  }
}

/** The arguments and environment of every process on this machine, read again and again until stopped. */
export class ProcessWatch {
  private readonly child = spawn(
    "bash",
    ["-c", "while :; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; echo; done"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  private readonly seen = new Set<string>();

  constructor() {
    let rest = "";
    this.child.stdout.setEncoding("latin1").on("data", (text: string) => {
      const words = (rest + text).split(/[\0\n]/);
      rest = words.pop() ?? "";
      for (const word of words) this.seen.add(word);
    });
  }

  async stop(): Promise<readonly string[]> {
    this.child.kill("SIGKILL");
    await once(this.child, "close");
    return [...this.seen];
  }
}
