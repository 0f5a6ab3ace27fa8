import { kill, processes } from "../processes";
import { newClient, nodes, rich, viaHkt, type Node } from "../reference";
import { require, withoutProof, type Edit, type Row } from "../row";
import { Steps } from "../steps";
import { count } from "../traffic";
import { until } from "../../lab";
import { revert } from "./killed";

export const stopSshd = 'kill "$(cat /run/sshd.pid)"; while [ -e /run/sshd.pid ]; do sleep 0.02; done';
export const startSshd = '"$(command -v sshd)" -f /etc/ssh/sshd_config -E /run/sshd.log';

const lastLines = (text = ""): string => text.split("\n").slice(-25).join("\n");

const sshdStopped: Row = {
  name: "host-unreachable",
  core: true,
  about:
    "sshd of hkt is stopped: a deploy that needs hkt fails, names it and changes nothing; hkt stays a peer of all others and loses no packet; a deploy that does not need it goes through.",
  protection: {
    what: "asking all hosts before the first change",
    edits: [["host/deploy", `"\${taken[@]}" || give_up prepare`, `"\${taken[@]}" || why=() failed=()`]],
  },
  async run(bench) {
    await bench.statesOf(rich);
    await bench.sh("hkt", stopSshd);
    try {
      const counted = count(bench.lab, viaHkt, 3000);
      await bench.deploy(newClient);
      await bench.deploy([]);
      const { error, seconds } = await bench.tryDeploy(rich);
      require(error !== undefined, "a deploy went well though hkt cannot be reached");
      require(/hkt: .*cannot be reached/.test(
        error.replace(/\s+/g, " "),
      ), `the error does not say that hkt cannot be reached:\n${lastLines(error)}`);
      require(error.includes("nothing was changed:"), `something was changed:\n${lastLines(error)}`);
      const settled = await bench.settle(rich);
      require(!settled.includes("new"), `not all are as they were: ${settled}`);
      const { lost, sent } = await counted;
      require(lost === 0, `${lost} of ${sent} packets by way of hkt were lost`);
      return `failed after ${seconds.toFixed(0)} s naming hkt, ${settled}; 0 of ${sent} packets by way of hkt lost; a deploy to sz alone went through`;
    } finally {
      await bench.sh("hkt", startSshd);
    }
  },
};

const cablePulled: Row = {
  name: "cable-pulled",
  about: "The uplink of hkt goes down amid its ADD: hkt goes back by itself when the lease is over, the others at once.",
  protection: revert,
  async run(bench) {
    await bench.statesOf(rich);
    const steps = new Steps(bench.host("hkt"));
    await steps.arm(6);
    const plug = "ip link set to-hkt up; ip route replace 198.51.100.30/32 dev to-hkt src 192.0.2.1";
    try {
      const deploying = bench.tryDeploy(rich);
      require(await steps.stopped(deploying), "the deploy did not come to hkt's sixth step");
      await bench.sh("internet", "ip link set to-hkt down");
      await steps.disarm();
      const { error, seconds } = await deploying;
      require(error !== undefined, "a deploy went well without hkt");
      require(/\bhkt\b/.test(error), `the error does not name hkt:\n${lastLines(error)}`);
      const settled = await bench.settle(rich);
      require(!settled.includes("new"), `not all are as they were: ${settled}`);
      await bench.sh("internet", plug);
      return `failed after ${seconds.toFixed(0)} s naming hkt; ${settled}`;
    } finally {
      await bench.sh("internet", plug);
      await steps.disarm();
    }
  },
};

const transferCut: Row = {
  name: "transfer-cut",
  about:
    "All SSH connections are cut while the payload is on its way: nothing has changed on any host, and nothing is left of it.",
  protection: {
    what: "the far end's own clearing up",
    edits: [["host/deliver", "trap end EXIT; ", ""]],
  },
  async run(bench) {
    const operator = bench.host("operator");
    const fast = "tc qdisc del dev eth0 root";
    const arrived = async (): Promise<string[]> => {
      const { stdout } = await bench.sh("sz", 'find /run -maxdepth 1 -name "wgchain.??????????"');
      return stdout.split("\n").filter((name) => name !== "" && !before.has(name));
    };
    const before = new Set<string>();
    for (const name of await arrived()) before.add(name);
    await operator.sh("tc qdisc add dev eth0 root tbf rate 100kbit burst 10kb latency 500ms");
    try {
      const deploying = bench.tryDeploy(rich);
      await until("a transfer", 60, async () => ((await arrived()).length > 0 ? true : undefined));
      const begun = (await processes(bench.host("sz"))).some(({ args }) => args.includes("wgchain-host deploy"));
      require(!begun, "the payload had arrived before the connections could be cut");
      require((await kill(operator, /^ssh /, { tree: false })) > 0, "no ssh was running");
      const { error } = await deploying;
      require(error !== undefined, "the deploy went well");
      await operator.sh(fast); // the end of a connection comes behind what was sent before it
      await bench.requireStates(bench.old, "after the transfer was cut");
      await until("sz to remove what arrived", 15, async () => ((await arrived()).length > 0 ? undefined : true));
      return "failed, all hosts old, nothing of the payload left";
    } finally {
      await operator.sh(`${fast} 2>/dev/null || true`);
    }
  },
};

/** Configurations that a host takes, and that shut the operator out: by a chain more, or by a rule more. */
const dropsNew: Edit = [
  "lib/render/nftables.ts",
  "const chains: readonly Chain[] = [\n",
  `const chains: readonly Chain[] = [\n  { name: "lockout", hook: "filter hook input priority filter", constant: ["tcp dport 22 ct state new drop"] },\n`,
];
const dropsAll: Edit = [
  "lib/render/nftables.ts",
  `iifname != "lo" drop'],\n    of: spoofRules`,
  `iifname != "lo" drop', 'tcp dport 22 drop'],\n    of: spoofRules`,
];

const lockedOut = (name: string, core: boolean, what: string, edit: Edit): Row => ({
  name,
  ...(core ? { core } : {}),
  about: `A configuration that converges but drops ${what} on every host: all go back, and SSH is there again.`,
  protection: revert,
  async run(bench) {
    const mend = bench.product.damage([withoutProof, edit]);
    const { error, seconds } = await bench.tryDeploy([]);
    mend();
    require(error !== undefined, "the deploy went well");
    // else it failed before any host took it
    require(/reverted to generation|could not be asked/.test(
      error.replace(/\s+/g, " "),
    ), `nobody was locked out:\n${lastLines(error)}`);
    const settled = await bench.settle([], [], bench.product.revertSeconds + 30);
    await bench.requireStates(bench.old, "after the way back");
    await bench.requireSsh();
    return `failed after ${seconds.toFixed(0)} s; ${settled}, SSH is there`;
  },
});

const frozen: Row = {
  name: "deploy-frozen",
  about:
    "The deploy stands still (SIGSTOP) amid ADD for longer than its lease: every host goes back, and the deploy fails when it goes on.",
  protection: revert,
  async run(bench) {
    await bench.statesOf(rich);
    const steps = new Steps(bench.host("sz"));
    await steps.arm(12);
    const operator = bench.host("operator");
    const each = (signal: string): Promise<unknown> =>
      operator.sh(
        `for p in $(ps -eo pid=,args= | awk '/wgchain\\/(deploy|deliver)|[0-9] ssh / { print $1 }'); do kill -${signal} "$p" || true; done`,
      );
    try {
      const deploying = bench.tryDeploy(rich);
      require(await steps.stopped(deploying), "the deploy did not come to sz's twelfth step");
      await each("STOP");
      await steps.disarm();
      await until("the way back", bench.product.revertSeconds + 25, async () => {
        const pending = await Promise.all(
          nodes.map((node: Node) => bench.host(node).exec(["test", "-e", "/var/lib/wgchain/pending"], { check: false })),
        );
        return pending.every(({ status }) => status !== 0) ? true : undefined;
      });
      await bench.requireStates(bench.old, "while the deploy stands still");
      await each("CONT");
      const { error } = await deploying;
      require(error !== undefined, "the deploy went well after all hosts had gone back");
      return "all went back while it stood still, then it failed";
    } finally {
      await each("CONT");
      await steps.disarm();
    }
  },
};

export const unreachable: readonly Row[] = [
  sshdStopped,
  cablePulled,
  transferCut,
  lockedOut("new-ssh-dropped", false, "new SSH connections", dropsNew),
  lockedOut("all-ssh-dropped", true, "all of SSH, the deploy's own too", dropsAll),
  frozen,
];
