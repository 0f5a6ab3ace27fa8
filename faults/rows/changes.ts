import type { Bench } from "../bench";
import { bystander, moved, newClient, withoutHkt, type Change, type Node } from "../reference";
import { require, type Protection, type Row } from "../row";
import { count } from "../traffic";

const packets = 3100;

/** Deploys one after the other while the bystander's packets are counted; all of them must end within the count. */
export async function losesNothing(bench: Bench, changes: readonly Change[]): Promise<string> {
  let counting = true;
  const counted = count(bench.lab, bystander, packets).finally(() => (counting = false));
  await Promise.race([counted, new Promise((resolve) => setTimeout(resolve, 1500))]);
  for (const change of changes) await bench.deploy(change);
  require(counting, "the deploys took longer than the packets that were counted");
  const { sent, lost } = await counted;
  require(sent >= 3000 && lost === 0, `${lost} of ${sent} packets of an unconcerned client were lost`);
  return `0 of ${sent} packets lost`;
}

/** As the article does it. */
export const noRestart: Protection = {
  what: "changing interfaces by their difference (restarted instead)",
  edits: [
    [
      "host/program/40-interfaces.bash",
      `    reconcile "$iface" "\${2-switch}"\n`,
      `    cmd wg-quick down "$iface" </dev/null; cmd wg-quick up "$iface" </dev/null\n`,
    ],
  ],
};

const unconcerned = "while an unconcerned client sends 100 packets a second: 0 of at least 3,000 lost";

export const changes: readonly Row[] = [
  {
    name: "client-added",
    core: true,
    about: `A client is added, and removed again, ${unconcerned}.`,
    protection: noRestart,
    async run(bench) {
      return `added and removed: ${await losesNothing(bench, [newClient, []])}`;
    },
  },
  {
    name: "exit-changed",
    core: true,
    about: `A client goes to another exit, and back, ${unconcerned}.`,
    protection: noRestart,
    async run(bench) {
      return `there and back: ${await losesNothing(bench, [moved, []])}`;
    },
  },
  {
    name: "exit-removed",
    core: true,
    about: `An exit leaves the network by RemovedNode, ${unconcerned}; it is clean, keys aside.`,
    protection: noRestart,
    async run(bench) {
      const seen = await losesNothing(bench, [withoutHkt]);
      await requireClean(bench, "hkt");
      return `removed: ${seen}, and hkt holds nothing but its key`;
    },
  },
  {
    name: "exit-added",
    about: `An exit joins the network, ${unconcerned}.`,
    protection: noRestart,
    async run(bench) {
      await bench.deploy(withoutHkt);
      return `added: ${await losesNothing(bench, [[]])}`;
    },
  },
];

/** All that is or was ours on a host. */
const leftovers = `set +e +o pipefail
ip rule | grep -v -e 'lookup local' -e 'lookup main$' -e 'lookup default'; ip route show table all proto 119
find /etc /var/lib /usr/local /run/wgchain -path '*wgchain*' -type f ! -name '*.lock' ! -path /run/wgchain/lock 2>/dev/null | sort
wg show interfaces | grep .; nft list tables; true`;

/** Keys stay, also those of interfaces that other rows have made. */
export async function requireClean(bench: Bench, node: Node): Promise<void> {
  const { stdout } = await bench.sh(node, leftovers);
  const left = stdout.split("\n").filter((line) => line !== "" && !/^\/etc\/wgchain\/keys\/\w+\.key$/.test(line));
  require(left.length === 0, `left on ${node}:\n${left.join("\n")}`);
}
