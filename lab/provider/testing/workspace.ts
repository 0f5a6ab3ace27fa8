/** For tests: the real Terraform in a directory of its own, against the lab's providers, and a backend that remembers. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CloudObjects } from "../cloud";
import { attachedEnvironment } from "../run";
import { type Served, serveProviders } from "../serve";

/** The lab's side: remembers what it was last told, and fails on demand or when two changes overlap. */
export class Backend {
  calls = 0;
  objects: CloudObjects = { networks: [], subnetworks: [], addresses: [], firewalls: [], instances: [] };
  failure: string | undefined;
  private busy = false;

  async changed(objects: CloudObjects): Promise<void> {
    if (this.busy) throw new Error("two changes at once");
    this.busy = true;
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.busy = false;
    this.calls++;
    if (this.failure !== undefined) throw new Error(this.failure);
    this.objects = objects;
  }
}

/** The providers of one test file, their cloud, and a place for workspaces. */
export class Lab {
  private constructor(
    private readonly root: string,
    readonly cloudDir: string,
    readonly backend: Backend,
    readonly served: Served,
  ) {}

  static async start(): Promise<Lab> {
    const root = await mkdtemp(join(tmpdir(), "wgchain-provider-test-"));
    // A directory too deep for a unix socket: sockets must find a shorter one.
    const cloudDir = join(root, "deep".repeat(30));
    const backend = new Backend();
    const served = await serveProviders({ dir: cloudDir, backend, providers: ["google", "null"] });
    return new Lab(root, cloudDir, backend, served);
  }

  async workspace(name: string): Promise<Workspace> {
    const dir = join(this.root, name);
    await mkdir(dir);
    return new Workspace(dir, this.served.reattach);
  }

  get socketPaths(): readonly string[] {
    const attached = Object.values(JSON.parse(this.served.reattach) as Record<string, { Addr: { String: string } }>);
    return attached.map((one) => one.Addr.String);
  }

  async stop(): Promise<void> {
    await this.served.close();
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Accepted by the google provider's configuration; must turn up nowhere. */
export const secret = "/no/such/file-of-credentials";

export interface Ran {
  readonly code: number;
  /** Standard output and error, unwrapped: Terraform breaks lines in diagnostics. */
  readonly output: string;
}

export type Body = Record<string, unknown>;

export class Workspace {
  constructor(
    readonly dir: string,
    private readonly reattach: string,
  ) {}

  /** Writes the configuration and runs terraform; init is needed once, and only for terraform's own bookkeeping. */
  async run(resource: Body, ...args: string[]): Promise<Ran> {
    return this.runWith({ resource }, ...args);
  }

  async runWith(document: Body, ...args: string[]): Promise<Ran> {
    const provider = { google: { project: "p1", region: "asia-east2", zone: "asia-east2-a", credentials: secret } };
    const whole = { terraform: { required_providers: requiredProviders }, provider, ...document };
    await writeFile(join(this.dir, "main.tf.json"), JSON.stringify(whole));
    if (!existsSync(join(this.dir, ".terraform"))) await this.init();
    return this.terraform(...args);
  }

  apply = (resource: Body): Promise<Ran> => this.run(resource, "apply", "-auto-approve");
  /** Exit code 2 means changes, 0 none. */
  plan = (resource: Body): Promise<Ran> => this.run(resource, "plan", "-detailed-exitcode");
  destroy = (): Promise<Ran> => this.terraform("destroy", "-auto-approve");

  private async init(): Promise<void> {
    const { code, output } = await this.terraform("init");
    if (code !== 0) throw new Error(output);
  }

  terraform(...args: string[]): Promise<Ran> {
    const env = {
      ...process.env,
      ...attachedEnvironment(this.reattach),
      TF_CLI_CONFIG_FILE: "/dev/null",
      TF_IN_AUTOMATION: "1",
    };
    return new Promise((resolve) => {
      execFile("terraform", [...args, "-no-color"], { cwd: this.dir, env, maxBuffer: 1e8 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: unwrapped(stdout + stderr) });
      });
    });
  }
}

const requiredProviders = {
  google: { source: "hashicorp/google", version: "6.50.0" },
  null: { source: "hashicorp/null", version: "3.2.4" },
};
const unwrapped = (text: string): string => text.replace(/\n[│ ]*/g, " ").replace(/ +/g, " ");

export const network = (name: string, more: Body = {}): Body => ({ name, auto_create_subnetworks: false, mtu: 1460, ...more });

/** A whole VPC with one machine, everything referring to everything else. */
export function vpc(
  name: string,
  change: { network?: Body; subnetwork?: Body; firewall?: Body; instance?: Body; nic?: Body } = {},
): Body {
  return {
    google_compute_network: { n: network(name, change.network) },
    google_compute_subnetwork: {
      s: { name, network: "${google_compute_network.n.id}", ip_cidr_range: "10.170.0.0/24", ...change.subnetwork },
    },
    google_compute_address: { a: { name, labels: { of: "test" } } },
    google_compute_firewall: {
      f: {
        name,
        network: "${google_compute_network.n.name}",
        allow: [{ protocol: "udp", ports: ["51820"] }, { protocol: "icmp" }],
        source_ranges: ["198.51.100.20/32"],
        target_tags: ["wg"],
        ...change.firewall,
      },
    },
    google_compute_instance: {
      i: {
        name,
        machine_type: "e2-micro",
        tags: ["wg"],
        can_ip_forward: true,
        metadata: { "user-data": "#cloud-config\n" },
        boot_disk: { initialize_params: { image: "ubuntu-os-cloud/ubuntu-2404-lts-amd64" } },
        network_interface: {
          subnetwork: "${google_compute_subnetwork.s.self_link}",
          access_config: { nat_ip: "${google_compute_address.a.address}" },
          ...change.nic,
        },
        scheduling: { automatic_restart: true },
        shielded_instance_config: { enable_secure_boot: true },
        service_account: { scopes: ["logging-write"] },
        timeouts: { create: "5m" },
        ...change.instance,
      },
    },
  };
}

export const ofName = <T extends { readonly name: string }>(objects: readonly T[], name: string): T => {
  const found = objects.find((object) => object.name === name);
  if (found === undefined) throw new Error(`the backend knows no '${name}'`);
  return found;
};
