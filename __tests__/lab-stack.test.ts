import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Inventory } from "../lib/inventory";
import { checkStack, nodeOfInstance, requireLabBackend, stateValue, withLocalBackend } from "../lab/stack";

let out: string;
beforeEach(() => (out = mkdtempSync(join(tmpdir(), "lab-stack-"))));
afterEach(() => rmSync(out, { recursive: true }));

const inventory = { stack: "s", nodes: [] } as unknown as Inventory;

function synthesized(stack: unknown): void {
  mkdirSync(join(out, "stacks/s"), { recursive: true });
  writeFileSync(join(out, "manifest.json"), JSON.stringify({ stacks: { s: { synthesizedStackPath: "stacks/s/cdk.tf.json" } } }));
  writeFileSync(join(out, "stacks/s/cdk.tf.json"), JSON.stringify(stack));
}

test("what the stand-ins serve passes", () => {
  synthesized({
    "//": {},
    provider: { google: [{}] },
    terraform: {
      backend: { gcs: { bucket: "real" } },
      required_providers: { google: { source: "hashicorp/google" }, null: { source: "null" } },
    },
    resource: { google_compute_network: { n: {} }, null_resource: { r: {} } },
    output: {},
  });
  expect(() => checkStack(out, inventory)).not.toThrow();
});

test("all else is refused by name, together", () => {
  synthesized({
    terraform: { required_providers: { aws: { source: "hashicorp/aws" } } },
    resource: { google_sql_database: { db: {} } },
    data: { terraform_remote_state: { other: {} }, google_compute_image: { i: {} } },
    module: { m: {} },
  });
  let message = "";
  try {
    checkStack(out, inventory);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message.split("\n").slice(1)).toEqual([
    "  provider 'hashicorp/aws' (the lab serves hashicorp/google and hashicorp/null)",
    "  resource type 'google_sql_database' (db)",
    "  data terraform_remote_state: it reads another stack's real state",
    "  data source 'google_compute_image'",
    "  block 'module'",
  ]);
});

test.each([
  ["a backend", { backend: { gcs: { bucket: "real" } } }],
  ["Terraform Cloud", { cloud: { organization: "real" } }],
  ["the implicit local one", {}],
])("the lab's backend replaces %s", (_what, terraform) => {
  const text = withLocalBackend(JSON.stringify({ terraform: { ...terraform, required_version: ">= 1.9" } }), "/lab/state");
  expect(JSON.parse(text)).toEqual({ terraform: { required_version: ">= 1.9", backend: { local: { path: "/lab/state" } } } });
});

test("no run without the lab's backend", () => {
  synthesized({ terraform: { backend: { gcs: { bucket: "real" } } } });
  expect(() => requireLabBackend(out, "s", "/lab/state")).toThrow(
    `the stack's backend is not the lab's but {"gcs":{"bucket":"real"}}`,
  );
});

test("a VM is the node whose resource has its name", () => {
  synthesized({ resource: { google_compute_instance: { x_1: { name: "vm-1" }, x_2: { name: "vm-2" } } } });
  const nodes = ["x_1", "x_2"].map((id, n) => ({
    name: `n${n}`,
    host: { kind: "gce", instance: `google_compute_instance.${id}` },
  }));
  expect(nodeOfInstance(out, { ...inventory, nodes } as unknown as Inventory, "vm-2")).toBe("n1");
});

test("a value that only apply knows is read from the state", () => {
  const file = join(out, "state");
  const instances = [{ attributes: { address: "203.0.113.10", nic: [{ ip: "10.0.0.2" }] } }];
  writeFileSync(file, JSON.stringify({ resources: [{ mode: "managed", type: "google_compute_address", name: "a", instances }] }));
  expect(stateValue(file, "google_compute_address.a.address")).toBe("203.0.113.10");
  expect(stateValue(file, "google_compute_address.a.nic[0].ip")).toBe("10.0.0.2");
  expect(stateValue(file, "google_compute_address.b.address")).toBeUndefined();
});
