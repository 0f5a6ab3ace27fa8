import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publicDirectory, removeTemporaryDirectories } from "../__tests__/support/directory";
import { publicKeyText } from "../__tests__/support/keys";
import { spend, type Spent } from "./child";
import { ratioOf, sample, type Part, type Row } from "./part";

/* What `cdktf synth` runs, as it runs it: the app as a process of its own. */

const repository = join(__dirname, "..");

/** The providers and resources that constructs/ imports, by the same names of files, and nothing made of them. */
const emptyApp = `import { App, TerraformStack } from "cdktf";
import { ComputeAddress } from "@cdktf/provider-google/lib/compute-address";
import { ComputeFirewall } from "@cdktf/provider-google/lib/compute-firewall";
import { ComputeInstance } from "@cdktf/provider-google/lib/compute-instance";
import { ComputeNetwork } from "@cdktf/provider-google/lib/compute-network";
import { ComputeSubnetwork } from "@cdktf/provider-google/lib/compute-subnetwork";
import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { Resource } from "@cdktf/provider-null/lib/resource";

// Or they would not be loaded.
if ([ComputeAddress, ComputeFirewall, ComputeInstance, ComputeNetwork, ComputeSubnetwork, Resource].includes(undefined as never)) throw new Error();
const app = new App();
const stack = new TerraformStack(app, "empty");
new GoogleProvider(stack, "google", { project: "empty" });
new NullProvider(stack, "null");
app.synth();
`;

/** As many triggers as a network of so many clients has, and nothing else: what cdktf itself takes for that. */
const triggersApp = (clients: number): string => `import { App, TerraformStack } from "cdktf";
import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { Resource } from "@cdktf/provider-null/lib/resource";

const app = new App();
const stack = new TerraformStack(app, "triggers");
new GoogleProvider(stack, "google", { project: "empty" });
new NullProvider(stack, "null");
const triggers: Record<string, string> = {};
for (let i = 0; i < ${2 * clients}; i += 1) triggers["peer c" + i + " on clients"] = "key ${"x".repeat(44)} allowed-ips 10.64.0.1/32";
new Resource(stack, "config", { triggers });
app.synth();
`;

/** Of a network as its user writes it: clients over 3 exits. */
const largeApp = (clients: number): string => `import { App, TerraformStack } from "cdktf";
import { largeStack } from "./__tests__/support/large";

const app = new App();
const stack = new TerraformStack(app, "large");
largeStack(${clients})(stack);
app.synth();
`;

/** A project beside this one, with apps of its own. */
export function projectWith(apps: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "wgchain-bench-"));
  for (const name of ["__tests__", "constructs", "main.ts", "node_modules", "package.json", "tsconfig.json"])
    symlinkSync(join(repository, name), join(directory, name));
  for (const [name, text] of Object.entries(apps)) writeFileSync(join(directory, name), text);
  return directory;
}

export const largeApps = (sizes: readonly number[]): Record<string, string> =>
  Object.fromEntries(sizes.map((clients) => [`large-${clients}.ts`, largeApp(clients)]));

/** Synthesizes one of its apps below `out`. */
export function synthesize(project: string, app: string, out: string): Promise<Spent> {
  mkdirSync(out, { recursive: true });
  const keys = publicDirectory({ "keys/e.clients.pub": `${publicKeyText("clients")}\n` });
  return spend([process.execPath, "--import", "tsx", app], { cwd: project, env: { CDKTF_OUTDIR: out, WGCHAIN_DIR: keys } });
}

export const synthesis: Part = {
  name: "synthesis",
  about: "the app that `cdktf synth` runs: time and peak memory of its process",
  run: async ({ quick, say }) => {
    const many = quick ? 1000 : 10_000;
    const rounds = quick ? 2 : 9;
    const project = projectWith({ "empty.ts": emptyApp, "triggers.ts": triggersApp(many), ...largeApps([many]) });
    const apps = ["empty.ts", "main.ts", "triggers.ts", `large-${many}.ts`];
    const found = new Map<string, Spent[]>(apps.map((app) => [app, []]));
    try {
      // tsx keeps what it has compiled: the first run of each is not like the others.
      for (const app of apps) await synthesize(project, app, join(project, "out"));
      for (let round = 0; round < rounds; round += 1) {
        for (const app of apps) found.get(app)?.push(await synthesize(project, app, join(project, "out", `${round}`, app)));
        say(`round ${round + 1} of ${rounds}`);
      }
    } finally {
      rmSync(project, { recursive: true, force: true });
      removeTemporaryDirectories();
    }
    const row = (what: string, app: string, kind: keyof Spent, most?: number): Row => {
      const values = (of: string) =>
        sample(
          (found.get(of) ?? []).map((one) => (kind === "seconds" ? one.seconds * 1000 : one.mebibytes)),
          kind === "seconds" ? "ms" : "MiB",
        );
      const [ours, peer] = [values(app), values("empty.ts")];
      const ratio = ratioOf(ours, peer);
      const reach = most === undefined ? {} : { reach: { text: `at most ${most}`, holds: ratio <= most } };
      return { what, ours, peer, against: "an empty app", ratio, ...reach };
    };
    return {
      rows: [
        row("time of main.ts", "main.ts", "seconds", 1.3),
        row("memory of main.ts", "main.ts", "mebibytes", 1.3),
        row(`time of ${many} clients`, `large-${many}.ts`, "seconds", 3),
        row(`memory of ${many} clients`, `large-${many}.ts`, "mebibytes", 3),
        row(`time of cdktf alone with the triggers of ${many} clients`, "triggers.ts", "seconds"),
      ],
      plots: [],
      notes: [
        "The empty app imports the same files of the providers, and makes the two providers. All include their proof and the writing of every host's files.",
      ],
    };
  },
};
