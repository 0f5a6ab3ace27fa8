import { join } from "node:path";
import { CliError, messageOf } from "../app/error";
import { readInventory } from "../app/run-app";
import { noColours } from "./colour";
import { exitStatus } from "./exit-status";
import { failoverLines } from "./failover-report";
import { hostReport, type HostReport, type ReportedInterface } from "./host-report";
import { Output, type OutputOptions } from "./output";
import { askAll } from "./parallel";
import { managedNodes, selectNodes } from "./select";
import { isSshNode, type SshTarget } from "./ssh";
import { locate } from "./targets";
import { ago, bytes, columns, counted } from "./words";

export interface StatusOptions extends OutputOptions {
  readonly app: string;
}

/** What came of asking one node. */
export type Asked<T> =
  { readonly node: string; readonly target: SshTarget; readonly found: T } | { readonly node: string; readonly error: string };

export interface Question {
  readonly app: string;
  readonly names: readonly string[];
}

/** Asks nodes side by side; one that does not answer is named and leaves the others be. */
export async function ask<T>(
  { app, names }: Question,
  out: Output,
  work: (target: SshTarget, knownHosts: string) => Promise<T>,
): Promise<{ readonly knownHosts: string; readonly asked: readonly Asked<T>[] }> {
  out.stage("app", app);
  const inventory = await readInventory(app);
  const nodes = managedNodes(selectNodes(inventory, names), (text) => out.note(text));
  const knownHosts = join(inventory.directory, "known_hosts");
  if (!nodes.every(isSshNode)) out.stage("state", "asking Terraform where its VMs are");
  const located = await locate(app, inventory, nodes);
  if (located.length === 0) throw new CliError("the app has no node that carries anything, so there is nobody to ask");
  const asked = await askAll(out, located, async ({ name, target, reason }): Promise<Asked<T>> => {
    if (target === undefined) return { node: name, error: reason };
    try {
      return { node: name, target, found: await work(target, knownHosts) };
    } catch (error) {
      return { node: name, error: messageOf(error) };
    }
  });
  return { knownHosts, asked };
}

/** Shows what the hosts carry. Returns the exit status: 1 where one could not be asked. */
export async function status(names: readonly string[], options: StatusOptions): Promise<number> {
  const out = Output.of(options);
  const { asked } = await ask({ app: options.app, names }, out, (target, knownHosts) => hostReport(target, knownHosts, "report"));
  const nodes = asked.map((one) => ("error" in one ? one : { node: one.node, report: one.found }));
  const texts = asked.flatMap((one) => ("error" in one ? [] : [statusText(one.node, one.found, out.colours)]));
  out.result({ nodes }, () => texts.join("\n"));
  complain(asked, out);
  out.summary(answered(asked));
  return asked.some((one) => "error" in one) ? exitStatus.failed : exitStatus.done;
}

export function complain(asked: readonly Asked<unknown>[], out: Output): void {
  for (const one of asked) if ("error" in one) out.error(`${one.node}: ${one.error}`);
}

/** "3 of 4 hosts answered". */
export function answered(asked: readonly Asked<unknown>[]): string {
  const count = asked.filter((one) => !("error" in one)).length;
  return `${count} of ${counted(asked.length, "host")} answered`;
}

export function statusText(node: string, report: HostReport, { bold } = noColours): string {
  const lines = [`${bold(node)}: ${headline(report)}`];
  for (const one of report.interfaces) lines.push(...interfaceLines(one, report.clock).map((line) => `  ${line}`));
  lines.push(...failoverLines(report.failovers, report.clock).map((line) => `  ${line}`));
  for (const [table, routes] of Object.entries(report.tables)) {
    lines.push(`  table ${table}`, ...routes.map((route) => `    ${route}`));
  }
  if (report.rules.length > 0) lines.push(`  ${report.rules.length} rules, forwarding ${report.forwarding ? "on" : "OFF"}`);
  return lines.map((line) => `${line}\n`).join("");
}

function headline({ generation, pending, outcome }: HostReport): string {
  const parts = [generation === undefined ? "nothing deployed" : `generation ${generation.slice(0, 12)}`];
  if (pending !== undefined) {
    const back = pending.seconds === null ? "" : `, back to the last good configuration in ${pending.seconds} s`;
    parts.push(`deploy ${pending.id} is not confirmed${back}`);
  }
  if (outcome !== undefined) parts.push(`last deploy ${outcome.replace(/^\S+ /, "")}`);
  return parts.join("; ");
}

function interfaceLines(one: ReportedInterface, clock: number): string[] {
  const facts = [
    one.state === "up" ? "up" : one.state.toUpperCase(),
    ...(one.port === null ? [] : [`port ${one.port}`]),
    ...(one.mtuBytes === null ? [] : [`MTU ${one.mtuBytes}`]),
    ...(one.publicKey === null ? [] : [`public key ${one.publicKey}`]),
  ];
  const rows = one.peers.map((peer) => [
    peer.name === "(unknown)" ? `(unknown) ${peer.publicKey}` : peer.name,
    peer.endpoint ?? "-",
    ago(peer.handshake, clock),
    `${bytes(peer.receivedBytes)} received`,
    `${bytes(peer.sentBytes)} sent`,
  ]);
  return [`${one.name}  ${facts.join(", ")}`, ...columns(rows).map((line) => `  ${line}`)];
}
