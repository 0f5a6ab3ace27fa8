import type { Bench } from "../bench";
import { kill } from "../processes";
import { rich, type Change, type Node } from "../reference";
import { Broken, require, type Protection, type Row } from "../row";
import { Steps, type At } from "../steps";

const host = /wgchain-host (deploy|confirm)/;

/** Who is killed, by SIGKILL, while the host stands still at a step. Returns how many processes that were. */
export const victims = {
  deploy: (bench: Bench) => kill(bench.host("operator"), /wgchain\/(deploy|deliver)( |$)/, { tree: true }),
  terraform: (bench: Bench) => kill(bench.host("operator"), /^\S*terraform /, { tree: false }),
  ssh: (bench: Bench) => kill(bench.host("operator"), /^ssh /, { tree: false }),
  // who watches over the lease is no part of it: detached here, a unit of its own under systemd
  program: (bench: Bench, node: Node) => kill(bench.host(node), host, { tree: true, spare: /program watch / }),
} as const;
export type Victim = keyof typeof victims;

/** What goes back when nobody confirms: at the end of the session, and when the lease is over. */
export const revert: Protection = {
  what: "the revert",
  edits: [
    ["host/program/82-session.bash", `if ! is_pending "$ID" || [[ $LEASE == 0 ]]; then return 0; fi`, "return 0"],
    ["host/program/75-transaction.bash", `while is_pending "$1" && [[ $(pending_lease) != 0 ]]; do`, "while false; do"],
  ],
};

/**
 * Kills at a step of a deploy and deploys again. Undefined when the deploy came to its end without taking that step. Every host must be
 * in its old or its new state before the second deploy, and in the new one after it.
 */
export async function killAt(bench: Bench, to: Change, node: Node, at: At, victim: Victim): Promise<string | undefined> {
  const steps = new Steps(bench.host(node));
  await steps.arm(at);
  try {
    const deploying = bench.tryDeploy(to);
    if (!(await steps.stopped(deploying))) return undefined;
    const step = typeof at === "number" ? `step ${at} (${short((await steps.taken())[at - 1])})` : at;
    const killed = await victims[victim](bench, node);
    require(killed > 0, `no ${victim} runs at ${step}`);
    await steps.disarm();
    const { error } = await deploying;
    const settled = await bench.settle(to, to === rich ? [] : rich);
    await bench.requireSsh();
    await bench.deploy(to);
    await bench.requireStates(
      to === rich ? await bench.statesOf(rich) : bench.old,
      `after ${victim} was killed on ${node} at ${step}`,
    );
    const { stdout: begun } = await bench.sh(
      node,
      "find /etc /var/lib/wgchain /usr/local -name '*.wgchain-new' 2>/dev/null || true",
    );
    require(begun === "", `the next deploy left what the one that was killed had begun:\n${begun}`);
    return `${victim} at ${step} on ${node}: ${error === undefined ? "deployed all the same" : "failed"}, ${settled}, deployed again`;
  } finally {
    await steps.disarm();
  }
}

const short = (step = "?"): string => step.replace(/\/\S*\//g, "").slice(0, 40);

/** How many steps the deploy to `rich` and the one back take on each host. */
async function countSteps(bench: Bench, counted: readonly Node[]): Promise<Map<Node, number>> {
  const steps = counted.map((node) => [node, new Steps(bench.host(node))] as const);
  for (const [, one] of steps) await one.arm(0);
  try {
    await bench.deploy(rich);
    return new Map(await Promise.all(steps.map(async ([node, one]) => [node, (await one.taken()).length] as const)));
  } finally {
    for (const [, one] of steps) await one.disarm();
    await bench.deploy([]);
  }
}

/** Of sz, which are the same every time. */
const known = new WeakMap<Bench, number>();

const outcome = "every host is in its old or its new state, and the next deploy brings the new one";

/** Two moments each: amid ADD on the entry, and amid COMMIT. */
const killedRow = (victim: Victim, core: boolean, what: string): Row => ({
  name: `killed-${victim}`,
  ...(core ? { core } : {}),
  about: `SIGKILL to ${what} amid ADD, at CHECK and amid COMMIT: ${outcome}.`,
  protection: revert,
  async run(bench) {
    await bench.statesOf(rich);
    const last = known.get(bench) ?? (await countSteps(bench, ["sz"])).get("sz") ?? 0;
    known.set(bench, last);
    const seen: (string | undefined)[] = [];
    const moments: At[] = [Math.round(last * 0.4), "check", last - 2];
    for (const [index, at] of moments.entries()) seen.push(await killAt(bench, index % 2 === 0 ? rich : [], "sz", at, victim));
    const done = seen.filter((text) => text !== undefined);
    require(done.length >= 2, `only ${done.length} of ${moments.length} moments came: ${done.join("; ")}`);
    return done.join("; ");
  },
});

/** Every step of a host, whom to kill by turns. */
const everyStep = (node: Node): Row => ({
  name: `killed-every-step-${node}`,
  about: `At every step on ${node} one of deploy, Terraform, ssh and the host program is killed, by turns: ${outcome}.`,
  protection: revert,
  async run(bench) {
    await bench.statesOf(rich);
    const turns = Object.keys(victims) as Victim[];
    const last = (await countSteps(bench, [node])).get(node) ?? 0;
    const moments: At[] = ["prepare", "check", ...Array.from({ length: last }, (_, index) => index + 1)];
    const seen: string[] = [];
    for (const [index, at] of moments.entries()) {
      const text = await killAt(bench, index % 2 === 0 ? rich : [], node, at, turns[index % turns.length] ?? "deploy").catch(
        (error: Error) => {
          throw new Broken(`after ${seen.length} of ${moments.length} kills, at ${at}: ${error.message}`);
        },
      );
      if (text !== undefined) seen.push(text);
    }
    const ended = (word: string): number => seen.filter((text) => text.includes(word)).length;
    return `${seen.length} kills: ${ended("failed")} deploys failed, ${ended(" new")} times a host was already new; all deployed again`;
  },
});

export const killed: readonly Row[] = [
  killedRow("deploy", true, "host/deploy and all that it started"),
  killedRow("terraform", false, "Terraform alone"),
  killedRow("ssh", false, "all ssh clients"),
  killedRow("program", false, "the host program and all that it started"),
  ...(["sz", "hk", "hkt"] as const).map(everyStep),
];
