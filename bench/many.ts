import { cpus } from "node:os";
import { DeployLab } from "./deploy-lab";
import { Found } from "./found";
import { ratioOf, sample, type Options, type Row } from "./part";

/** Hosts that a node is the next one for, at most: what one host has to do does not grow with the network. */
const branches = 6;
export const treeOf = `Networks of many hosts are trees: each node has tunnels to ${branches} others at most, all but the entry are exits. All hosts share this machine's cores.`;

/** One of n hosts; `mtuBytes` is the setting that is changed on all. */
function network(hosts: number, mtuBytes: number): string {
  const names = Array.from({ length: hosts }, (_, index) => `n${index}`);
  const wayTo = (index: number): string[] =>
    index === 0 ? [] : [...wayTo(Math.floor((index - 1) / branches)), names[index] ?? ""];
  const exits = names.slice(1).map(
    (name, index) =>
      `    ${name}: { through: [${wayTo(index + 1)
        .map((one) => `nodes.${one}`)
        .join(", ")}] },`,
  );
  return `import { App, TerraformStack } from "cdktf";
import { ExitNetwork, Host, WgNode, type ExitProps } from "./constructs";
const app = new App();
const stack = new TerraformStack(app, "many");
const node = (name: string, index: number) =>
  new WgNode(stack, name, { host: Host.ssh({ address: \`198.51.100.\${index + 1}\` }), exit: index > 0, mtuBytes: ${mtuBytes} });
const names = ${JSON.stringify(names)};
const nodes = Object.fromEntries(names.map((name, index) => [name, node(name, index)])) as Record<string, WgNode>;
new ExitNetwork(stack, "net", {
  entry: nodes.n0,
  exits: {
${exits.join("\n")}
  } as Record<string, ExitProps>,
  clients: { phone: { exit: "n1" } },
});
app.synth();
`;
}

export interface Many {
  of(key: string): readonly number[];
  readonly notes: readonly string[];
}

/** Seconds that this machine's cores have worked since its start. */
const worked = (): number => cpus().reduce((sum, { times }) => sum + times.user + times.sys + times.irq, 0) / 1000;

/** "all new N", "a setting of all N", the whole of it, and "floor N"; one network after the other. */
export async function measureMany(sizes: readonly number[], { quick, say }: Options): Promise<Many> {
  const found = new Found();
  const notes: string[] = [];
  const rounds = quick ? 1 : 3;
  for (const size of sizes) {
    const lab = new DeployLab(`bench-${process.pid}`);
    let [steps, work] = ["", 0];
    try {
      await lab.start(network(size, 1500));
      say(`${size} hosts run`);
      const versions = ["a", "b"] as const;
      for (const [index, version] of versions.entries()) await lab.synthesize(version, network(size, 1500 - 20 * index));
      await lab.deploy("a", "ours");
      const measure = async (change: string, version: string): Promise<void> => {
        const before = await lab.sessions();
        const start = worked();
        const ours = await lab.deploy(version, "ours");
        work = worked() - start;
        const after = await lab.sessions();
        const odd = [...after].filter(([node, count]) => count - (before.get(node) ?? 0) !== 2);
        if (odd.length > 0) throw new Error(`${change}: SSH sessions other than two to ${odd.map(([node]) => node).join(" ")}`);
        found.add(`${change} ${size}`, ours.seconds);
        found.add(`floor ${size}`, await lab.floor(version, ours.nodes));
        const busy = Math.round((100 * work) / (ours.seconds * cpus().length));
        steps = `${ours.steps}; the machine's cores were busy for ${busy} % of the time`;
      };
      for (let round = 0; round < rounds; round += 1) {
        await measure("a setting of all", versions[(round + 1) % 2] ?? "a");
        say(`${size} hosts: a setting of all, ${steps}`);
      }
      for (let round = 0; round < rounds; round += 1) {
        await lab.wipe();
        await measure("all new", "a");
        say(`${size} hosts: all new, ${steps}`);
      }
      notes.push(`${size} hosts, all new, in the last run: ${steps}.`);
    } finally {
      await lab.stop();
    }
  }
  return { of: (key) => found.of(key), notes };
}

/** How it grows, and how far from the floor it is. */
export function grown(sizes: readonly number[], many: Many): Row[] {
  const s = (key: string) => sample(many.of(key), "s");
  return (["all new", "a setting of all"] as const).flatMap((change) => [
    ...sizes.slice(1).map((size, index): Row => {
      const less = sizes[index] ?? 0;
      const ratio = ratioOf(s(`${change} ${size}`), s(`${change} ${less}`));
      const text = `less than ${size / less}`;
      return {
        what: `${change}, ${size} hosts, in 2 SSH sessions a host`,
        ours: s(`${change} ${size}`),
        peer: s(`${change} ${less}`),
        against: `the same with ${less} hosts`,
        ratio,
        reach: { text, holds: ratio < size / less },
      };
    }),
    ...sizes.map((size): Row => {
      const [ours, peer] = [s(`${change} ${size}`), s(`floor ${size}`)];
      return {
        what: `${change}, ${size} hosts, with cdktf`,
        ours,
        peer,
        against: "a bare parallel ssh that writes the same",
        ratio: ratioOf(ours, peer),
      };
    }),
  ]);
}
