import { spawn } from "node:child_process";
import { nothingChanged } from "../../lab";
import type { Bench } from "../bench";
import { nodes, rich } from "../reference";
import { require, type Row } from "../row";
import { taint } from "../tfstate";

const inodes = "find /etc /var/lib /usr/local -xdev -printf '%p %i %C@\\n' 2>/dev/null | sort";
const logins = "grep -c 'Accepted publickey' /run/sshd.log || true";

/** Runs something, and requires that on no host a file changed and no kernel event came. Returns how many SSH sessions were opened. */
async function touchesNothing(bench: Bench, action: () => Promise<void>): Promise<number> {
  const read = async (script: string): Promise<string[]> =>
    Promise.all(nodes.map(async (node) => (await bench.sh(node, script)).stdout));
  const monitors = nodes.map((node) => {
    const script = "nft monitor & ip monitor link address route rule & echo ready; read -r _; kill $(jobs -p)";
    const [file = "", ...args] = bench.host(node).command(["bash", "-c", script]);
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "ignore"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
    return { node, child, events: () => text.replace("ready\n", "").trim() };
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const [before, loginsBefore] = [await read(inodes), await read(logins)];
  try {
    await action();
    const [after, loginsAfter] = [await read(inodes), await read(logins)];
    for (const [index, node] of nodes.entries()) {
      const old = new Set(before[index]?.split("\n"));
      const changed = (after[index] ?? "").split("\n").filter((line) => !old.has(line));
      require(changed.length === 0, `files were touched on ${node}:\n${changed.slice(0, 10).join("\n")}`);
    }
    for (const { node, events } of monitors) require(events() === "", `kernel events on ${node}:\n${events()}`);
    return loginsAfter.reduce((sum, text, index) => sum + Number(text) - Number(loginsBefore[index]), 0);
  } finally {
    for (const { child } of monitors) child.stdin.end("\n");
  }
}

const noChange: Row = {
  name: "no-change",
  core: true,
  about:
    "A deploy without a change opens no SSH session; a forced one (the resource is tainted) asks all hosts; neither touches anything (inodes, ip monitor, nft monitor).",
  protection: {
    what: "asking first whether a deploy would change the host",
    edits: [["host/program/80-deploy.bash", "if ! would_change; then return 0; fi", ""]],
  },
  async run(bench) {
    const silent = await touchesNothing(bench, async () =>
      require(nothingChanged(await bench.deploy([])), "there was something to change"),
    );
    require(silent === 0, `${silent} SSH sessions were opened by a deploy without a change`);
    const forced = await touchesNothing(bench, async () => {
      taint(bench.lab.paths.tfstate, "deploy");
      await bench.deploy([]);
    });
    require(forced > 0, "the forced deploy asked no host");
    return `no change: 0 SSH sessions, nothing touched; forced: ${forced} sessions, nothing touched`;
  },
};

const makeForeign = `
  mkdir -p /etc/wireguard; umask 077
  [ -e /etc/wireguard/wgx.conf ] || printf '[Interface]\\nPrivateKey = %s\\nAddress = 10.99.0.1/24\\nListenPort = 51999\\nTable = off\\n[Peer]\\nPublicKey = %s\\nAllowedIPs = 10.99.0.2/32\\n' "$(wg genkey)" "$(wg genkey | wg pubkey)" >/etc/wireguard/wgx.conf
  wg-quick up wgx >/dev/null 2>&1
  ip rule add pref 100 from 10.99.0.0/24 lookup 999; ip rule add pref 10500 to 10.99.9.0/24 lookup 999; ip rule add pref 25000 fwmark 0x77 lookup 999
  ip route add 10.99.9.0/24 dev wgx table 999; ip route add unreachable 10.99.10.0/24 table 999
  nft -f - <<'END'
table inet foreign {
  set banned { type ipv4_addr; flags interval; elements = { 203.0.113.200/29 } }
  chain in {
    type filter hook input priority 10; policy accept
    ip saddr @banned counter drop
    tcp dport 9999 accept
  }
}
END`;
const removeForeign = `
  set +e +o pipefail # some of it may be gone
  nft delete table inet foreign; ip route flush table 999
  for pref in 100 10500 25000; do ip rule del pref $pref; done
  wg-quick down wgx >/dev/null 2>&1; rm -f /etc/wireguard/wgx.conf`;
/** All of it, as it is. */
const dumpForeign = `
  set +e +o pipefail
  nft -a list table inet foreign; ip rule | grep -E '^(100|10500|25000):'; ip route show table 999
  wg showconf wgx; ip -d addr show dev wgx; stat -c '%i %z %a' /etc/wireguard/wgx.conf; sha256sum /etc/wireguard/wgx.conf`;

const foreign: Row = {
  name: "foreign-things",
  core: true,
  about:
    "A foreign nft table, foreign ip rules and routes and a foreign WireGuard interface survive deploy, change, repair and destroy byte for byte.",
  protection: {
    what: "telling our rules from others by their protocol",
    edits: [
      [
        "host/program/10-rules-and-routes.bash",
        'if (own != "" && proto != own) next',
        'if (own != "" && proto != own && (pref + 0 < 50 || pref + 0 > 30000)) next',
      ],
      [
        "host/program/10-rules-and-routes.bash",
        `"\${args[@]}" protocol $PROTOCOL\n  done <"$3"`,
        `"\${args[@]}" $([[ $2 == del ]] || echo protocol $PROTOCOL)\n  done <"$3"`,
      ],
    ],
  },
  async run(bench) {
    const hosts = ["sz", "hk"] as const;
    for (const node of hosts) await bench.sh(node, makeForeign);
    try {
      const before = await Promise.all(hosts.map(async (node) => (await bench.sh(node, dumpForeign)).stdout));
      const same = async (when: string): Promise<void> => {
        for (const [index, node] of hosts.entries()) {
          const { stdout } = await bench.sh(node, dumpForeign);
          require(stdout ===
            before[index], `foreign things on ${node} are others after ${when}:\n${before[index]}\n---\n${stdout}`);
        }
      };
      await bench.deploy(rich);
      await same("a change");
      taint(bench.lab.paths.tfstate, "deploy");
      await bench.deploy([]);
      await same("the change back");
      for (const node of hosts) await bench.ssh(node, "/usr/local/lib/wgchain/wgchain-host repair");
      await same("a repair");
      await bench.lab.destroy();
      await same("destroy");
      await bench.deploy([]);
      await same("a first deploy");
      return `${before.join("").split("\n").length} lines the same after change, repair, destroy and first deploy`;
    } finally {
      for (const node of hosts) await bench.sh(node, removeForeign);
    }
  },
};

export const untouched: readonly Row[] = [noChange, foreign];
