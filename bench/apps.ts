import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { publicDirectory, removeTemporaryDirectories } from "../__tests__/support/directory";
import { publicKeyText } from "../__tests__/support/keys";
import { must, type Ran } from "./child";

const repository = join(__dirname, "..");

/** What main.ts and constructs/ import of others, by the same files, and nothing of ours. */
const empty = `import { App, TerraformStack, Aspects, Lazy, TerraformResource, Token } from "cdktf";
import { addCustomSynthesis } from "cdktf/lib/synthesize/synthesizer";
import { ComputeAddress } from "@cdktf/provider-google/lib/compute-address";
import { ComputeFirewall } from "@cdktf/provider-google/lib/compute-firewall";
import { ComputeInstance } from "@cdktf/provider-google/lib/compute-instance";
import { ComputeNetwork } from "@cdktf/provider-google/lib/compute-network";
import { ComputeSubnetwork } from "@cdktf/provider-google/lib/compute-subnetwork";
import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import { NullProvider } from "@cdktf/provider-null/lib/provider";
import { Resource } from "@cdktf/provider-null/lib/resource";
// Named, or the compiler would leave them out.
void [Aspects, Lazy, TerraformResource, Token, addCustomSynthesis, ComputeAddress, ComputeFirewall, ComputeInstance, ComputeNetwork, ComputeSubnetwork, Resource];
const app = new App();
const stack = new TerraformStack(app, "net");
new GoogleProvider(stack, "google", { project: "p", region: "asia-east2", zone: "asia-east2-a" });
new NullProvider(stack, "null");
app.synth();
`;

const large = `import { App, TerraformStack } from "cdktf";
import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import { largeStack } from "./__tests__/support/large";
const app = new App();
const stack = new TerraformStack(app, "net");
if (process.env.BENCH_GOOGLE !== "no") new GoogleProvider(stack, "google", { project: "p", region: "asia-east2", zone: "asia-east2-a" });
largeStack(Number(process.env.BENCH_CLIENTS))(stack);
app.synth();
`;

/** Apps in a directory of their own, run as cdktf runs one by cdktf.json; within this checkout, since to make a file in /tmp may take twenty times as long. */
export class Apps {
  readonly directory = mkdtempSync(join(repository, ".bench-"));
  private readonly public = publicDirectory({ "keys/e.clients.pub": `${publicKeyText("clients")}\n` });

  constructor() {
    for (const name of ["node_modules", "constructs", "lib", "host", "__tests__", "main.ts", "package.json", "tsconfig.json"])
      symlinkSync(join(repository, name), join(this.directory, name));
    this.write("empty.ts", empty);
    this.write("large.ts", large);
    // What Node.js and the translation of TypeScript take by themselves.
    this.write("nothing.ts", "export {};\n");
    this.install();
  }

  /** main.ts in a project that has wgchain from npm: as compiled, by its own name. */
  private install(): void {
    execFileSync(join(repository, "tools/build"));
    const wgchain = join(this.directory, "packed/node_modules/wgchain");
    cpSync(join(repository, "dist"), join(wgchain, "dist"), { recursive: true });
    cpSync(join(repository, "package.json"), join(wgchain, "package.json"));
    const main = readFileSync(join(repository, "main.ts"), "utf8");
    if (!main.includes(`"./constructs"`)) throw new Error("main.ts does not import ./constructs");
    this.write("packed/package.json", "{}\n");
    this.write("packed/main.ts", main.replace(`"./constructs"`, `"wgchain"`));
  }

  /** Gives where it wrote to, too. */
  async run(file: string, more: Readonly<Record<string, string>> = {}, out = "out"): Promise<Ran & { readonly out: string }> {
    const outdir = join(this.directory, out);
    const env = { CDKTF_OUTDIR: outdir, WGCHAIN_DIR: this.public, ...more };
    return { ...(await must([process.execPath, "--import", "tsx", file], this.directory, env)), out: outdir };
  }

  /** Into an empty directory, which goes afterwards. */
  async runAnew(file: string, more: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const ran = await this.run(file, more, "anew");
    rmSync(ran.out, { recursive: true, force: true });
    return ran;
  }

  /** Where the profile of a run lies. */
  async profile(file: string, more: Readonly<Record<string, string>>): Promise<string> {
    const directory = join(this.directory, "profile");
    const env = { CDKTF_OUTDIR: join(this.directory, "profiled"), WGCHAIN_DIR: this.public, ...more };
    await must([process.execPath, "--cpu-prof", `--cpu-prof-dir=${directory}`, "--import", "tsx", file], this.directory, env);
    return directory;
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.directory, name)), { recursive: true });
    writeFileSync(join(this.directory, name), text);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
    removeTemporaryDirectories();
  }
}
