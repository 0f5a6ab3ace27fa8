import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Inventory } from "../lib/inventory";
import { servedTypes } from "./provider/serve";
import { LabError } from "./run";

interface StackJson {
  readonly [block: string]: unknown;
  readonly terraform?: {
    readonly [setting: string]: unknown;
    readonly required_providers?: Record<string, { source?: string; version?: string }>;
  };
  readonly resource?: Record<string, Record<string, { name?: string; provisioner?: unknown }>>;
  readonly data?: Record<string, unknown>;
}

interface Manifest {
  readonly stacks: Record<string, { readonly synthesizedStackPath: string }>;
}

/** The synthesized stack, cdk.tf.json. */
export function stackFile(out: string, stack: string): string {
  const manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")) as Manifest;
  const entry = manifest.stacks[stack];
  if (entry === undefined) throw new LabError(`the app's inventory is of stack '${stack}', which it did not synthesize`);
  return join(out, entry.synthesizedStackPath);
}

const readStack = (out: string, stack: string): StackJson => JSON.parse(readFileSync(stackFile(out, stack), "utf8")) as StackJson;

const sources = new Set(
  ["google", "null"].flatMap((name) => [name, `hashicorp/${name}`, `registry.terraform.io/hashicorp/${name}`]),
);
/** Blocks that reach nothing outside the stack. */
const harmless = new Set(["//", "terraform", "provider", "resource", "output", "locals", "variable", "moved", "removed"]);
const settings = new Set(["backend", "required_providers", "required_version", "cloud", "//"]);
/** Terraform's own, needs no provider. */
const builtIn = ["terraform_data"];

/** Refuses, by name, what the lab cannot serve, before anything is started. */
export function checkStack(out: string, inventory: Inventory): void {
  const stack = readStack(out, inventory.stack);
  const problems: string[] = [];
  for (const [name, { source = name }] of Object.entries(stack.terraform?.required_providers ?? {})) {
    if (!sources.has(source)) problems.push(`provider '${source}' (the lab serves hashicorp/google and hashicorp/null)`);
  }
  const served = new Set([...servedTypes.google, ...servedTypes.null, ...builtIn]);
  for (const [type, resources] of Object.entries(stack.resource ?? {})) {
    if (!served.has(type)) problems.push(`resource type '${type}' (${Object.keys(resources).join(", ")})`);
  }
  for (const type of Object.keys(stack.data ?? {})) {
    problems.push(
      type === "terraform_remote_state"
        ? "data terraform_remote_state: it reads another stack's real state"
        : `data source '${type}'`,
    );
  }
  for (const block of Object.keys(stack)) {
    if (!harmless.has(block) && block !== "data") problems.push(`block '${block}'`);
  }
  for (const setting of Object.keys(stack.terraform ?? {})) {
    if (!settings.has(setting)) problems.push(`terraform setting '${setting}'`);
  }
  if (problems.length > 0) {
    throw new LabError(
      ["the lab cannot rehearse this app, since it has no stand-in for:", ...problems.map((line) => `  ${line}`)].join("\n"),
    );
  }
}

/** The stack with the lab's backend in place of the app's; nothing of the app's stays. */
export function withLocalBackend(text: string, path: string): string {
  const stack = JSON.parse(text) as StackJson;
  const { cloud: _cloud, backend: _backend, ...rest } = stack.terraform ?? {};
  return `${JSON.stringify({ ...stack, terraform: { ...rest, backend: { local: { path } } } }, null, 2)}\n`;
}

/** Last look before Terraform starts: the backend is the lab's, and no override file could change that. */
export function requireLabBackend(out: string, stack: string, path: string): void {
  const backend = JSON.stringify(readStack(out, stack).terraform?.backend);
  if (backend !== JSON.stringify({ local: { path } })) throw new LabError(`the stack's backend is not the lab's but ${backend}`);
}

/** Which node is this VM: by the name that the resource of the inventory has. */
export function nodeOfInstance(out: string, inventory: Inventory, name: string): string | undefined {
  const instances = readStack(out, inventory.stack).resource?.google_compute_instance ?? {};
  for (const { name: node, host } of inventory.nodes) {
    if (host.kind !== "gce") continue;
    const id = host.instance.split(".")[1] ?? "";
    if (instances[id]?.name === name) return node;
  }
  return undefined;
}

/** Value of a Terraform address such as google_compute_address.x.address in the lab's state. */
export function stateValue(tfstate: string, address: string): string | undefined {
  if (!existsSync(tfstate)) return undefined;
  const [type, name, ...path] = address.split(".");
  const state = JSON.parse(readFileSync(tfstate, "utf8")) as {
    resources?: { mode: string; type: string; name: string; instances: { attributes: Record<string, unknown> }[] }[];
  };
  const found = state.resources?.find((one) => one.mode === "managed" && one.type === type && one.name === name);
  let value: unknown = found?.instances[0]?.attributes;
  for (const step of path.flatMap((part) => part.replaceAll("[", ".").replaceAll("]", "").split("."))) {
    value = (value as Record<string, unknown> | undefined)?.[step];
  }
  return typeof value === "string" ? value : undefined;
}

/** Version of the null provider that the stack asks for. */
export const nullVersion = (out: string, stack: string): string | undefined =>
  Object.entries(readStack(out, stack).terraform?.required_providers ?? {}).find(([name, { source = name }]) =>
    /(^|\/)null$/.test(source),
  )?.[1].version;
