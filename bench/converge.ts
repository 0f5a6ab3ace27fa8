import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { largeIntent } from "../__tests__/support/large";
import { hostProgram } from "../app/host-program";
import { Host } from "../differential/host";
import { keyPair } from "../differential/keys";
import { compile } from "../lib/compile";
import { median, ratioOf, sample, secondsOf, type Part, type Row } from "./part";

/*
 * What a deploy costs on the entry itself: the host program's two sessions, from their first order to their last word, in a namespace host with
 * wireguard-go. What lies between operator and host is not in it.
 */
type Change = "one client added" | "nothing changed";

interface Entry {
  readonly host: Host;
  readonly trees: { readonly before: string; readonly after: string };
}

async function start(clients: number): Promise<Entry> {
  const host = await Host.start(`e${clients}`);
  await host.must(
    "ip link add eth0 type veth peer name eth0p; ip addr add 198.51.100.1/24 dev eth0; ip link set eth0 up; ip link set eth0p up; ip route add default via 198.51.100.254",
  );
  await host.must("install -d -m 0700 /etc/wgchain/keys");
  for (const name of ["clients", "t0"])
    await host.must(`umask 077; cat >/etc/wgchain/keys/${name}.key`, `${keyPair(`bench ${name}`).privateKey}\n`);
  const trees = { before: "/tmp/before", after: "/tmp/after" };
  write(host, trees.before, clients);
  write(host, trees.after, clients + 1);
  await deploy(host, trees.before);
  return { host, trees };
}

function write(host: Host, tree: string, clients: number): void {
  const intent = largeIntent(clients);
  const key = (name: string) => ({ text: keyPair(`bench ${name}`).publicKey, source: name });
  const { hosts, problems } = compile({
    ...intent,
    clientInterfaces: intent.clientInterfaces.map((one) => ({ ...one, key: key("clients") })),
    tunnels: intent.tunnels.map((one) => (one.name === "t0" ? { ...one, client: { ...one.client, key: key("t0") } } : one)),
  });
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join("\n"));
  const files = hosts.find(({ node }) => node === "e")?.files ?? {};
  // The other end of its tunnel is not there: a deploy would wait for its answer.
  const all = { ...files, "etc/wgchain/probes": "", "usr/local/lib/wgchain/wgchain-host": hostProgram() };
  for (const [name, text] of Object.entries(all)) {
    const path = host.path(`${tree}/${name}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

let deploys = 0;
/** Seconds. */
async function deploy(host: Host, tree: string): Promise<number> {
  const program = `${tree}/usr/local/lib/wgchain/wgchain-host`;
  const generation = (
    await host.must(
      `cd ${tree} && find . -type f ! -path './etc/wgchain/keys/*' | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1`,
    )
  ).trim();
  // As in a deploy, each has an id of its own, and the sessions' input stays open until their end.
  const id = `b${(deploys += 1)}`;
  const session = (args: string, orders: string): Promise<string> =>
    host.must(
      `coproc S { bash ${program} ${args}; }; pid=$S_PID; printf '${orders}bye\\n' >&"\${S[1]}"; cat <&"\${S[0]}" >/dev/null; wait $pid`,
    );
  return secondsOf(async () => {
    await session(`deploy ${tree} ${generation} ${id} 0`, "prepare\\nadd\\nswitch\\n");
    await session(`confirm ${generation} ${id}`, "commit\\n");
  });
}

export const converge: Part = {
  name: "converge",
  about: "a deploy's work on the entry, of one client more or of nothing, among few clients and among many",
  run: async ({ quick, say }) => {
    const [few, many] = quick ? [10, 1000] : [10, 10_000];
    const rounds = quick ? 3 : 7;
    const entries = new Map<number, Entry>();
    const found = new Map<string, number[]>();
    const read = { nft: [] as number[], wg: [] as number[] };
    const note = (change: Change, clients: number, seconds: number): void =>
      void found.set(`${change} ${clients}`, [...(found.get(`${change} ${clients}`) ?? []), seconds * 1000]);
    try {
      for (const clients of [few, many]) {
        entries.set(clients, await start(clients));
        say(`${clients} clients: deployed`);
      }
      for (let round = 0; round < rounds; round += 1) {
        for (const [clients, { host, trees }] of entries) {
          note("one client added", clients, await deploy(host, trees.after));
          note("nothing changed", clients, await deploy(host, trees.after));
          await deploy(host, trees.before);
          if (clients < many) continue;
          read.nft.push(1000 * (await secondsOf(() => host.must("nft -s list table ip wgchain >/dev/null"))));
          read.wg.push(1000 * (await secondsOf(() => host.must("wg show clients dump >/dev/null"))));
        }
        say(`round ${round + 1} of ${rounds}`);
      }
    } finally {
      await Promise.all([...entries.values()].map(({ host }) => host.stop()));
    }
    const rows = (["one client added", "nothing changed"] as const).map((change): Row => {
      const [ours, peer] = [
        sample(found.get(`${change} ${many}`) ?? [], "ms"),
        sample(found.get(`${change} ${few}`) ?? [], "ms"),
      ];
      const ratio = ratioOf(ours, peer);
      const reach = change === "one client added" ? { reach: { text: "at most 1.5", holds: ratio <= 1.5 } } : {};
      return { what: `${change}, ${many} clients`, ours, peer, against: `the same with ${few}`, ratio, ...reach };
    });
    const alone = median(found.get(`one client added ${few}`) ?? []);
    const withReading = (alone + median(read.nft) + median(read.wg)) / alone;
    return {
      rows,
      plots: [],
      notes: [
        "Both of a deploy's sessions on the host, orders given at once; an SSH connection's own time is in the part `deploying`.",
        `Most of what ${many} clients cost beyond ${few} is looking at what stands, so that a deploy also mends what somebody changed by hand: here nft needs ${Math.round(median(read.nft))} ms to list their elements, wg ${Math.round(median(read.wg))} ms for wireguard-go's peers, and neither can be asked what changed. The rest: the files' sums (twice), and the new elements among the old ones. With nothing but these two readings added, the deploy among ${few} would be at ${withReading.toFixed(2)} of itself already.`,
        "By Terraform a deploy of nothing opens no session at all. Here the host program is asked by hand and looks at everything, in a dry run and again in its check.",
      ],
    };
  },
};
