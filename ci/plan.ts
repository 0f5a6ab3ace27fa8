import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError, messageOf } from "../app/error";
import { countPlan, knownAddresses, renderPlan, requirePlan, summarizePlan } from "../lib/plan-summary";

const usage = `usage: plan.ts STACKS OUT

Shortens what 'cdktf diff' planned to what matters: OUT/plan.txt for people, and OUT/addresses.json, which public addresses stand in the state. STACKS
is cdktf's output directory with its stacks, e.g. cdktf.out/stacks; each stack's plan is removed, since it holds the state. Runs 'terraform show'.`;

async function main([stacks, out, ...more]: readonly string[]): Promise<number> {
  if (stacks === undefined || out === undefined || more.length > 0) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const names = readdirSync(stacks).filter((name) => readdirSync(join(stacks, name)).includes("plan"));
  if (names.length === 0) throw new CliError(`no stack in ${stacks} has a plan; run 'cdktf diff' first`);
  const texts: string[] = [];
  const addresses: Record<string, object> = {};
  for (const name of names.sort()) {
    const directory = join(stacks, name);
    try {
      const plan = await showPlan(directory);
      const summary = summarizePlan(plan);
      texts.push(`@@ ${name}: ${countPlan(summary)} @@\n${renderPlan(summary)}`);
      addresses[name] = knownAddresses(requirePlan(plan));
    } finally {
      rmSync(join(directory, "plan"));
    }
  }
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "plan.txt"), texts.join("\n"));
  writeFileSync(join(out, "addresses.json"), `${JSON.stringify(addresses, null, 2)}\n`);
  process.stdout.write(texts.join("\n"));
  return 0;
}

/** In memory only: the plan's JSON has sensitive values in the clear. */
async function showPlan(directory: string): Promise<unknown> {
  const terraform = process.env["TERRAFORM_BINARY_NAME"] ?? "terraform";
  const child = spawn(terraform, ["show", "-json", "plan"], { cwd: directory, stdio: ["ignore", "pipe", "inherit"] });
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new CliError(`terraform show -json plan ended with status ${String(status)} in ${directory}`);
  return JSON.parse(Buffer.concat(parts).toString("utf8"));
}

main(process.argv.slice(2))
  .then((status) => void (process.exitCode = status))
  .catch((error: unknown) => {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 1;
  });
