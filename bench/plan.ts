import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemporaryDirectories } from "../__tests__/support/directory";
import { withProviders } from "../lab/provider/run";
import { spend, type Spent } from "./child";
import { ratioOf, sample, type Part, type Row } from "./part";
import { largeApps, projectWith, synthesize } from "./synthesis";

/*
 * The real Terraform over what was synthesized, one client more than its state has. The state is made by an apply without the provisioners, which would
 * deploy to hosts; what is planned has them.
 */
interface Stack {
  readonly terraform: { backend: { local: { path: string } } };
  readonly resource: { null_resource: Record<string, { provisioner?: unknown }> };
}

const environment = { TF_INPUT: "0", TF_IN_AUTOMATION: "1" };

interface Prepared {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

async function prepare(project: string, clients: number, reattached: Readonly<Record<string, string>>): Promise<Prepared> {
  const directory = join(project, `plan-${clients}`);
  const env = { ...environment, ...reattached };
  mkdirSync(directory);
  const file = join(directory, "cdk.tf.json");
  const read = async (count: number): Promise<Stack> => {
    const out = join(directory, "out", String(count));
    await synthesize(project, `large-${count}.ts`, out);
    const stack = JSON.parse(readFileSync(join(out, "stacks/large/cdk.tf.json"), "utf8")) as Stack;
    stack.terraform.backend.local.path = join(directory, "terraform.tfstate");
    return stack;
  };
  const before = await read(clients);
  for (const one of Object.values(before.resource.null_resource)) delete one.provisioner;
  writeFileSync(file, JSON.stringify(before));
  await spend(["terraform", "init", "-no-color"], { cwd: directory, env });
  await spend(["terraform", "apply", "-auto-approve", "-no-color"], { cwd: directory, env });
  writeFileSync(file, JSON.stringify(await read(clients + 1)));
  return { directory, env };
}

export const planning: Part = {
  name: "planning",
  about: "`terraform plan` of one client added to few and to many",
  run: async ({ quick, say }) => {
    const [few, many] = quick ? [100, 10000] : [100, 10_000];
    const rounds = quick ? 2 : 7;
    const project = projectWith(largeApps([few, few + 1, many, many + 1]));
    const found = new Map<number, Spent[]>([
      [few, []],
      [many, []],
    ]);
    try {
      const backend = { changed: (): Promise<void> => Promise.resolve() };
      await withProviders({ dir: join(project, "cloud"), backend, providers: ["null"] }, async (reattached) => {
        const prepared = new Map<number, Prepared>();
        for (const clients of found.keys()) {
          prepared.set(clients, await prepare(project, clients, reattached));
          say(`${clients} clients: applied`);
        }
        for (let round = 0; round < rounds; round += 1) {
          for (const [clients, { directory, env }] of prepared)
            found.get(clients)?.push(await spend(["terraform", "plan", "-no-color", "-out=plan"], { cwd: directory, env }));
          say(`round ${round + 1} of ${rounds}`);
        }
        return 0;
      });
    } finally {
      rmSync(project, { recursive: true, force: true });
      removeTemporaryDirectories();
    }
    const of = (clients: number, kind: keyof Spent) =>
      sample(
        (found.get(clients) ?? []).map((one) => (kind === "seconds" ? one.seconds * 1000 : one.mebibytes)),
        kind === "seconds" ? "ms" : "MiB",
      );
    const row = (kind: keyof Spent, reach: (ours: readonly number[], ratio: number) => NonNullable<Row["reach"]>): Row => {
      const [ours, peer] = [of(many, kind), of(few, kind)];
      const ratio = ratioOf(ours, peer);
      const what = `${kind === "seconds" ? "time" : "memory"}, one client added to ${many}`;
      return { what, ours, peer, against: `added to ${few}`, ratio, reach: reach(ours.values, ratio) };
    };
    return {
      rows: [
        row("seconds", (_, ratio) => ({ text: "at most 1.5", holds: ratio <= 1.5 })),
        row("mebibytes", (values) => ({ text: "under 512 MiB", holds: Math.max(...values) < 512 })),
      ],
      plots: [],
      notes: [
        "The provider is the lab's stand-in for hashicorp/null, in the bench's own process: its time is in the figures, its memory is not.",
      ],
    };
  },
};
