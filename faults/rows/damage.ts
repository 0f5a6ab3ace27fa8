import { viaHkt, type Node } from "../reference";
import { require, withoutProof, type Edit, type Protection, type Row } from "../row";
import { count } from "../traffic";

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Damage by hand on hosts: traffic goes on for a while, the doctor sees it, its repair mends it. */
const byHand = (
  name: string,
  core: boolean,
  hosts: readonly Node[],
  does: string,
  script: string,
  protection?: Protection,
): Row => ({
  name,
  ...(core ? { core } : {}),
  about: `${does} on ${hosts.join(", ")}: nothing leaks, the doctor says so, and its repair brings back what was.`,
  ...(protection === undefined ? {} : { protection }),
  async run(bench) {
    for (const node of hosts) await bench.sh(node, script);
    await pause(3);
    const sick = await bench.cli("doctor", ...hosts);
    require(sick.status === 3, `the doctor ends with ${sick.status}, not 3:\n${sick.stdout}${sick.stderr}`);
    const repair = await bench.cli("doctor", "--repair", ...hosts);
    require(repair.status === 0, `the repair ends with ${repair.status}, not 0:\n${repair.stdout}${repair.stderr}`);
    const steps = repair.stdout.split("\n").filter((line) => line.includes(": repair: ")).length;
    await bench.requireStates(bench.old, "after the repair");
    await bench.requireSound();
    return `the doctor saw it on ${hosts.join(", ")} and repaired it in ${steps} steps`;
  },
});

/** Its own table at the internet host: nothing passes between hk and hkt. */
const cut = `nft -f - <<'END'
table inet faults {
  chain cut { type filter hook forward priority -10; policy accept
    ip saddr { 198.51.100.20, 198.51.100.30 } ip daddr { 198.51.100.20, 198.51.100.30 } drop
  }
}
END`;

const tunnelDown = (name: string, seconds: number, core: boolean): Row => ({
  name,
  ...(core ? { core } : {}),
  about: `Nothing passes between hk and hkt for ${seconds} s: nothing leaks, and afterwards all is well with nobody doing anything.`,
  async run(bench) {
    await bench.sh("internet", cut);
    try {
      await pause(seconds);
      const { lost, sent } = await count(bench.lab, viaHkt, 20);
      require(lost === sent, "packets came through a tunnel that is down");
    } finally {
      await bench.sh("internet", "nft delete table inet faults");
    }
    const start = Date.now();
    await bench.requireSound();
    await bench.requireStates(bench.old, "after the tunnel came back");
    return `down for ${seconds} s: nothing passed; sound ${((Date.now() - start) / 1000).toFixed(0)} s after`;
  },
});

const lastLine: Edit = ["lib/render/nftables.ts", `      'ip saddr @networks oifname != @own oifname != "lo" drop',\n`, ""];
const belowSelection: Edit = [
  "lib/plan/plan.ts",
  "    { priority: priorities.failClosed, iif: name, table: directTable },\n",
  "",
];
const endOfTables: Edit = [
  "lib/plan/plan.ts",
  "return [...interfaces.map(({ name, network }) => ({ table, to: network, dev: name })), { table }];",
  "return interfaces.map(({ name, network }) => ({ table, to: network, dev: name }));",
];
/** Each of these alone closes the host when an interface is gone. */
const allLayers: Protection = {
  what: "all three layers that close a host",
  edits: [withoutProof, lastLine, belowSelection, endOfTables],
};

export const damage: readonly Row[] = [
  byHand(
    "wg-killed",
    true,
    ["sz", "hkt"],
    "The WireGuard process of a tunnel gets SIGKILL",
    `
    for pid in $(ps -eo pid=,args= | awk '/wireguard-go (wgp|wg7)$/ { print $1 }'); do kill -KILL "$pid"; done`,
    allLayers,
  ),
  byHand("interface-deleted", false, ["sz", "hk"], "The tunnel's interface is deleted", "ip link del wgp", allLayers),
  byHand(
    "rules-flushed",
    true,
    ["sz", "hk", "hkt"],
    "All ip rules but the kernel's are flushed",
    "ip rule flush; ip rule add pref 32766 lookup main; ip rule add pref 32767 lookup default",
    { what: "the last line of nftables", edits: [withoutProof, lastLine] },
  ),
  byHand("nft-flushed", true, ["sz", "hk", "hkt"], "A foreign `nft flush ruleset`", "nft flush ruleset", {
    what: "the rules below the selection",
    edits: [withoutProof, belowSelection],
  }),
  byHand("peer-removed", false, ["hk"], "A peer is removed", `wg set wg7 peer "$(wg show wg7 peers)" remove`, {
    what: "looking for peers that a live interface lacks",
    edits: [["host/program/40-interfaces.bash", "key = order[i]; if (key in seen) continue", "continue"]],
  }),
  byHand("routes-flushed", false, ["sz", "hk"], "All routes of ours are flushed", "ip route flush table all proto 119", {
    what: "the last line of nftables",
    edits: [withoutProof, lastLine],
  }),
  byHand(
    "files-changed",
    false,
    ["sz"],
    "Files of ours are changed and removed",
    "echo '# by hand' >>/etc/wireguard/wgp.conf; rm /etc/wgchain/rules /etc/sysctl.d/90-wgchain.conf",
    {
      what: "comparing files by what is in them",
      edits: [["host/program/50-files.bash", `if [[ \${sum[$path]-} != "\${want[$path]}" ||`, `if [[ ! -f /$path ]] && [[`]],
    },
  ),
  tunnelDown("tunnel-down", 10, false),
  tunnelDown("tunnel-down-minute", 60, false),
];
