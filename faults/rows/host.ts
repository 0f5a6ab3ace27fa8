import type { Bench } from "../bench";
import { bystander, rich, type Change, type Node } from "../reference";
import { require, type Row } from "../row";
import { Steps } from "../steps";
import { count } from "../traffic";
import { revert } from "./killed";
import { taint } from "../tfstate";

/** A file system of its own with the same content, and how it is filled, emptied again and taken away. */
const disk = (directory: string): Record<"mount" | "fill" | "free" | "unmount", string> => ({
  mount: `
    mkdir -p ${directory}; cp -a ${directory} /tmp/faults-copy
    mount -t tmpfs -o size=$(($(du -s --apparent-size -k ${directory} | cut -f1) + 8192))k faults ${directory}
    cp -a /tmp/faults-copy/. ${directory}/; rm -rf /tmp/faults-copy`,
  fill: `cat /dev/zero >${directory}/faults-fill 2>/dev/null || true`,
  free: `rm -f ${directory}/faults-fill`,
  unmount: `
    rm -f ${directory}/faults-fill; cp -a ${directory} /tmp/faults-copy; umount ${directory}
    find ${directory} -mindepth 1 -delete; cp -a /tmp/faults-copy/. ${directory}/; rm -rf /tmp/faults-copy`,
});

async function full(bench: Bench, node: Node, directory: string): Promise<string> {
  const { mount, fill, free, unmount } = disk(directory);
  await bench.sh(node, `${mount}; ${fill}`);
  try {
    const { error } = await bench.tryDeploy(rich);
    require(error !== undefined, `the deploy went well with a full ${directory}`);
    require(error.includes("nothing was changed:"), `room was not looked for before the first change:\n${error}`);
    const settled = await bench.settle(rich);
    const said = error.replace(/\s+/g, " ");
    require(new RegExp(`\\[${node}\\] .*(space|room|full)`, "i").test(
      said,
    ), `the error does not say what is full on ${node}:\n${error}`);
    await bench.sh(node, free);
    await bench.deploy(rich);
    await bench.deploy([]);
    return `${directory}: failed, ${settled}, with room again deployed`;
  } finally {
    await bench.sh(node, unmount);
  }
}

const diskFull = (name: string, core: boolean, directories: readonly string[]): Row => ({
  name,
  ...(core ? { core } : {}),
  about: `No room in ${directories.join(" or ")} of sz: the deploy fails before the first change and says so, every host is as it was, and with room again it goes through.`,
  protection: {
    what: "looking for room first",
    edits: [["host/program/60-preflight.bash", "  check_space\n  check_keys\n", "  check_keys\n"]],
  },
  async run(bench) {
    await bench.statesOf(rich);
    const seen: string[] = [];
    for (const directory of directories) seen.push(await full(bench, "sz", directory));
    return seen.join("; ");
  },
});

const diskFills: Row = {
  name: "disk-fills-amid-add",
  about:
    "The room in /etc/wgchain of sz runs out amid ADD: when there is room again, with nobody doing anything else, every host is as it was.",
  protection: revert,
  async run(bench) {
    await bench.statesOf(rich);
    const { mount, fill, free, unmount } = disk("/etc/wgchain");
    const steps = new Steps(bench.host("sz"));
    await bench.sh("sz", mount);
    try {
      await steps.arm(8);
      const deploying = bench.tryDeploy(rich);
      require(await steps.stopped(deploying), "the deploy did not come to sz's eighth step");
      await bench.sh("sz", fill);
      await steps.disarm();
      const { error } = await deploying;
      await bench.sh("sz", free);
      require(error !== undefined, "the deploy went well without room");
      return `failed, ${await bench.settle(rich)}`;
    } finally {
      await steps.disarm();
      await bench.sh("sz", unmount);
    }
  },
};

const stateLost: Row = {
  name: "host-state-lost",
  about:
    "What hk knows is removed, first /etc/wgchain (keys aside) and /run/wgchain, then /var/lib/wgchain too: repaired; then deployed by the next forced deploy; no packet is lost.",
  protection: {
    what: "knowing a file of ours by its first line",
    edits: [["host/program/00-base.bash", "[[ $first == '# made by wgchain'* ]]", "false"]],
  },
  async run(bench) {
    const lose = "find /etc/wgchain -type f ! -path '*/keys/*' -delete; rm -rf /run/wgchain";
    let counting = true;
    const counted = count(bench.lab, bystander, 6000).finally(() => (counting = false));
    counted.catch(() => undefined);
    await bench.sh("hk", lose);
    const repair = await bench.cli("doctor", "--repair", "hk");
    require(repair.status === 0, `the repair ends with ${repair.status}:\n${repair.stdout}${repair.stderr}`);
    await bench.requireStates(bench.old, "after the repair");
    await bench.sh("hk", `${lose}; rm -rf /var/lib/wgchain`);
    taint(bench.lab.paths.tfstate, "deploy");
    const { error } = await bench.tryDeploy([]);
    require(error === undefined, `the deploy failed: ${error}`);
    require(counting, "it took longer than the packets that were counted");
    const { lost, sent } = await counted;
    require(lost === 0, `${lost} of ${sent} packets of the bystander were lost`);
    return `/etc/wgchain: repaired; /var/lib/wgchain: deployed; 0 of ${sent} packets lost`;
  },
};

/** A deploy in which one step fails once: the next one does what is missing, though files are right already. */
async function failsOnce(bench: Bench, node: Node, to: Change, step: RegExp): Promise<string> {
  const steps = new Steps(bench.host(node));
  await steps.arm(0);
  await bench.deploy(to);
  const taken = await steps.taken();
  await steps.disarm();
  await bench.deploy([]);
  const at = taken.findIndex((text) => step.test(text)) + 1;
  require(at > 0, `no step like ${step.source} among ${taken.length}`);
  await steps.arm(at, "fail");
  const { error } = await bench.tryDeploy(to);
  await steps.disarm();
  require(error !== undefined, `the deploy went well though '${taken[at - 1]}' failed`);
  const settled = await bench.settle(to);
  await bench.deploy(to);
  await bench.requireStates(await bench.statesOf(to), "after the second try");
  return `${(taken[at - 1] ?? "").slice(0, 30)} failed: ${settled}, the next deploy did it`;
}

const failedStep: Row = {
  name: "step-failed-once",
  about:
    "A rule, then the nft transaction cannot be added once: the deploy fails, every host is old, and the next deploy does it.",
  protection: revert,
  async run(bench) {
    await bench.statesOf(rich);
    const rule = await failsOnce(bench, "sz", rich, /^ip .*rule add/);
    await bench.deploy([]);
    const nft = await failsOnce(bench, "sz", rich, /^nft -f/);
    return `${rule}; ${nft}`;
  },
};

export const onHosts: readonly Row[] = [
  diskFull("disk-full", false, ["/var/lib/wgchain"]),
  diskFull("disk-full-elsewhere", false, ["/etc/wgchain", "/run/wgchain"]),
  diskFills,
  stateLost,
  failedStep,
];
