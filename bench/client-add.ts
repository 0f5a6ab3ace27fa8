import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { callersAddress, Lab, type Host } from "../lab";
import { client, writeClientApp } from "./client-app";
import { kept } from "./kept";
import { ratioOf, sample, type Part, type Result, type Row } from "./part";

/*
 * One client more on a network that runs: by `wgchain client add` and a deploy; and by hand, with the orders that somebody types over SSH where the
 * entry keeps its clients in nftables maps already.
 */
const exit = "198.51.100.40";
/** Of the clients' network, and nobody's. */
const handAddress = "10.77.0.250";

type What = "add" | "deploy" | "nothing" | "answer" | "whole" | "hand orders" | "hand answer" | "hand whole";

const secondsSince = (began: number): number => (performance.now() - began) / 1000;

/** Stock wg-quick takes the file, and asks who it is until it is told. */
async function firstAnswer(host: Host, name: string, config: string, address: string): Promise<number> {
  const began = performance.now();
  await host.sh(
    `install -d -m 0700 /etc/wireguard; (umask 077; cat >/etc/wireguard/${name}.conf)
     wg-quick up ${name} >/run/up.log 2>&1 || { cat /run/up.log >&2; exit 1; }`,
    { input: config, timeoutMs: 30_000 },
  );
  for (let tries = 0; tries < 30; tries += 1) {
    const seen = await callersAddress(host, address, 1);
    if (seen === exit) return secondsSince(began);
    if (seen !== null) throw new Error(`${host.name} leaves as ${seen}, not at ${exit}`);
  }
  throw new Error(`${host.name}: no answer`);
}

class ClientBench {
  readonly found = new Map<What, number[]>();
  private readonly stages = new Map<string, number>();
  readonly lab: Lab;

  constructor(
    instance: string,
    private readonly app: string,
  ) {
    this.lab = new Lab({ instance, onStage: (stage) => void this.stages.set(stage, performance.now()) });
  }

  private note(what: What, seconds: number): void {
    this.found.set(what, [...(this.found.get(what) ?? []), seconds]);
  }

  /** Of `cdktf deploy` itself, in seconds: the lab's own part beside it (a machine for the new client) is nobody's cost. */
  async deploy(): Promise<number> {
    await this.lab.up({ app: this.app });
    return ((this.stages.get("deployed") ?? NaN) - (this.stages.get("deploy") ?? NaN)) / 1000;
  }

  async ours(name: string): Promise<string> {
    const began = performance.now();
    const config = client(this.app, this.lab.paths.directory, "add", name, "--exit", "tokyo");
    const add = secondsSince(began);
    const deploy = await this.deploy();
    const address = /^Address = (.*)\/32$/m.exec(config)?.[1] ?? "";
    const answer = await firstAnswer(this.lab.host(name), "wgchain", config, address);
    this.note("add", add);
    this.note("deploy", deploy);
    this.note("answer", answer);
    this.note("whole", add + deploy + answer);
    return config;
  }

  async nothing(): Promise<void> {
    this.note("nothing", await this.deploy());
  }

  /** In the likeness of a client that is there, on a machine of its own. */
  async byHand(likeness: string): Promise<void> {
    const address = /^Address = (.*)\/32$/m.exec(likeness)?.[1] ?? "";
    const [operator, spare] = [this.lab.host("operator"), this.lab.host("spare")];
    const ssh = (order: string): Promise<{ stdout: string }> =>
      operator.exec(["ssh", "198.51.100.10", order], { timeoutMs: 30_000 });
    const maps = (await this.elementsOf(address)).map(([map, value]) => ({ map, element: `${handAddress} : ${value}` }));
    await spare.sh("wg-quick down wg0 >/dev/null 2>&1");
    let key = "";
    try {
      const began = performance.now();
      const [secret = "", open = ""] = (await spare.sh("key=$(wg genkey); echo $key; echo $key | wg pubkey")).stdout.split("\n");
      key = open;
      await ssh(`wg set wgs peer ${key} allowed-ips ${handAddress}/32`);
      for (const { map, element } of maps) await ssh(`nft 'add element ip wgchain ${map} { ${element} }'`);
      const orders = secondsSince(began);
      const config = likeness.replace(/^PrivateKey = .*$/m, `PrivateKey = ${secret}`).replaceAll(address, handAddress);
      const answer = await firstAnswer(spare, "hand", config, handAddress);
      this.note("hand orders", orders);
      this.note("hand answer", answer);
      this.note("hand whole", orders + answer);
    } finally {
      await spare.sh("wg-quick down hand >/dev/null 2>&1", { check: false });
      if (key !== "") await ssh(`wg set wgs peer ${key} remove`);
      for (const { map } of maps) await ssh(`nft 'delete element ip wgchain ${map} { ${handAddress} }' || true`);
    }
  }

  /** What the entry's maps hold of a client: map and value. */
  private async elementsOf(address: string): Promise<(readonly [string, string])[]> {
    const { stdout } = await this.lab.host("sz").sh("nft list table ip wgchain");
    return stdout.split(/^\tmap /m).flatMap((text) => {
      const value = new RegExp(`[{ \t]${address.replaceAll(".", "\\.")} : ([0-9a-fx.]+)`).exec(text)?.[1];
      return value === undefined ? [] : [[/^\S+/.exec(text)?.[0] ?? "", value] as const];
    });
  }
}

export const clientAdd: Part = {
  name: "client-add",
  about: "one client more on a network that runs, from `wgchain client add` to its first answer from the internet",
  run: async ({ quick, say }) => {
    const instance = `bench-add-${process.pid}`;
    const app = mkdtempSync(join(tmpdir(), "wgchain-bench-"));
    const remove = await kept([instance], [app]);
    try {
      writeClientApp(app);
      const bench = new ClientBench(instance, app);
      await bench.deploy();
      say("the app: deployed");
      const rounds = quick ? 2 : 4;
      for (let round = 1; round <= rounds; round += 1) {
        const config = await bench.ours(`phone${round}`);
        await bench.nothing();
        await bench.byHand(config);
        say(`round ${round} of ${rounds}`);
      }
      return resultOf(bench.found);
    } finally {
      await remove();
    }
  },
};

function resultOf(found: ReadonlyMap<What, readonly number[]>): Result {
  const row = (what: string, one: What, other: What, against: string): Row => {
    const [ours, peer] = [sample(found.get(one) ?? [], "s"), sample(found.get(other) ?? [], "s")];
    return { what: `${what} (less is better)`, ours, peer, against, ratio: ratioOf(ours, peer) };
  };
  const hand = "by hand over SSH";
  return {
    rows: [
      row("deploy of one client more", "deploy", "nothing", "cdktf deploy of no change in the same app"),
      row("from the deploy's end to the client's first answer", "answer", "hand answer", hand),
      row("`wgchain client add`, the app being run for it", "add", "hand orders", `${hand}: key, wg set, elements of the maps`),
      row("all of it: client add, deploy, first answer", "whole", "hand whole", hand),
    ],
    plots: [],
    notes: [
      "The deploy is Terraform's alone, without the synthesis before it. By hand, nothing is checked, nothing is written down for the next start, and no other host is asked.",
      "The first answer holds wg-quick's own start on the client's machine, a handshake, and an HTTP request through all hops.",
    ],
  };
}
