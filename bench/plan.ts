import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attachedEnvironment } from "../lab/provider/run";
import { serveProviders } from "../lab/provider/serve";
import type { Apps } from "./apps";
import { must } from "./child";

type Document = { resource?: Record<string, Record<string, { provisioner?: unknown }>> };

/** So that an apply runs nothing. */
function withoutProvisioners(text: string): string {
  const document = JSON.parse(text) as Document;
  for (const resources of Object.values(document.resource ?? {}))
    for (const resource of Object.values(resources)) delete resource.provisioner;
  return JSON.stringify(document);
}

interface Place {
  readonly stack: string;
  readonly env: Readonly<Record<string, string>>;
}

const terraform = ({ stack, env }: Place, ...args: string[]) => must(["terraform", ...args, "-no-color"], stack, env);

/** Applied with so many clients; what is to be planned has one more. */
async function prepare(apps: Apps, clients: number, env: Place["env"]): Promise<Place> {
  const synth = async (count: number, name: string): Promise<string> => {
    const { out } = await apps.run("large.ts", { BENCH_CLIENTS: String(count), BENCH_GOOGLE: "no" }, name);
    return join(out, "stacks", "net");
  };
  const before = { stack: await synth(clients, `before-${clients}`), env };
  const file = join(before.stack, "cdk.tf.json");
  writeFileSync(file, withoutProvisioners(readFileSync(file, "utf8")));
  await terraform(before, "init");
  await terraform(before, "apply", "-auto-approve");
  copyFileSync(join(await synth(clients + 1, `after-${clients}`), "cdk.tf.json"), file);
  return before;
}

/** Time and memory of `terraform plan`, turn by turn, by "plan CLIENTS time" and "plan CLIENTS memory". */
export async function planOneMore(
  apps: Apps,
  sizes: readonly number[],
  rounds: number,
  say: (line: string) => void,
): Promise<(readonly [string, number])[]> {
  const backend = { changed: () => Promise.resolve() };
  // Its sockets go with the apps' directory, also when an interrupt ends this.
  const before = process.env.TMPDIR;
  process.env.TMPDIR = apps.directory;
  const served = await serveProviders({ dir: join(apps.directory, "cloud"), backend, providers: ["null"] }).finally(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const env = { ...attachedEnvironment(served.reattach), TF_CLI_CONFIG_FILE: "/dev/null", TF_IN_AUTOMATION: "1" };
  const found: (readonly [string, number])[] = [];
  try {
    const places: (readonly [number, Place])[] = [];
    for (const clients of sizes) {
      places.push([clients, await prepare(apps, clients, env)]);
      say(`${clients} clients: applied`);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const [clients, place] of places) {
        const { seconds, mebibytes, output } = await terraform(place, "plan");
        // The entry's config, and the deploy that hangs on it.
        if (!/Plan: 2 to add, 0 to change, 2 to destroy/.test(output))
          throw new Error(`not what a client more is:\n${output.slice(-2000)}`);
        found.push([`plan ${clients} time`, seconds], [`plan ${clients} memory`, mebibytes]);
      }
      say(`plan: round ${round + 1} of ${rounds}`);
    }
  } finally {
    await served.close();
  }
  return found;
}
