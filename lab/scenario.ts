import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Inventory } from "../lib/inventory";
import { InterfaceAddress, Ipv4Prefix } from "../lib/address";
import type { Host } from "./host";
import { LabError } from "./run";

/**
 * What an app's rehearsal has beside the app: the default export of `scenario.ts` (or `.js`) in the app's directory. An app without one is probed
 * by what it promises each client alone.
 */
export interface Scenario {
  /** Addresses besides 192.0.2.1 at which the lab's internet answers: pings, HTTP with the caller's address on every TCP port, an echo on every UDP port. */
  readonly internet?: readonly string[];
  /** Machines that the app does not manage. */
  readonly machines?: readonly Machine[];
  /** After each deploy, before the probes: what others do, e.g. on a host that the app does not manage. A second time must do no harm. */
  start?(lab: ScenarioLab): Promise<void>;
  /** What real packets must show, besides what is probed for every client anyway. */
  readonly probes?: readonly Probe[];
  /** Edits of main.ts that each take out what it shows: the app still synthesizes, and then at least one probe fails. */
  readonly without?: readonly Edit[];
}

/** It answers as the scenario's internet does, on every port. */
export interface Machine {
  /** Name of its host in the lab. */
  readonly name: string;
  /**
   * On a LAN behind a node, which routes for it, e.g. `{ node: "gw", address: "192.168.1.2/24", gateway: "192.168.1.1" }`. `gateway`: the node's
   * own address there, by default the app's, where it declares that LAN.
   */
  readonly lan?: { readonly node: string; readonly address: string; readonly gateway?: string };
  /** Or directly on the internet, e.g. "203.0.113.7". @default an address that the app leaves free */
  readonly address?: string;
  /** After each deploy, before the probes: a second time must do no harm. */
  start?(lab: ScenarioLab): Promise<void>;
}

export interface Probe {
  /** What must be so, in words. */
  readonly name: string;
  /** Undefined when it is so; else what was seen instead. */
  run(lab: ScenarioLab): Promise<string | undefined>;
}

export interface Edit {
  /** What is gone, in words. */
  readonly what: string;
  /** Text that stands in main.ts exactly once. */
  readonly replace: string;
  readonly by: string;
}

/** The running lab. */
export interface ScenarioLab {
  readonly inventory: Inventory;
  /** A node, a client, a machine, "internet" or "operator". */
  host(name: string): Host;
}

/** The scenario of an app's directory, read and checked; undefined: it has none. */
export function readScenario(appDir: string): Scenario | undefined {
  const file = ["scenario.ts", "scenario.js"].map((name) => join(appDir, name)).find(existsSync);
  if (file === undefined) return undefined;
  let scenario: unknown;
  try {
    // Loaded as the app is: by tsx where wgchain runs from source, by Node.js where it is compiled.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    scenario = (require(file) as { default?: unknown }).default;
  } catch (error) {
    throw new LabError(`${file} cannot be loaded: ${(error as Error).message}`);
  }
  return checked(scenario, file);
}

function checked(value: unknown, file: string): Scenario {
  const refuse = (message: string): never => {
    throw new LabError(`${file}: ${message}`);
  };
  if (typeof value !== "object" || value === null) refuse("its default export must be a scenario, { probes: [...] }");
  const scenario = value as Scenario;
  const parse = (what: string, work: () => unknown): void => {
    try {
      work();
    } catch (error) {
      refuse(`${what}: ${(error as Error).message}`);
    }
  };
  for (const address of scenario.internet ?? []) parse("internet", () => hostAddress(address));
  for (const { name, lan, address } of scenario.machines ?? []) {
    const what = `machine '${name}'`;
    if (!/^[a-z][a-z0-9-]{0,14}$/.test(name))
      refuse(`${what}: lower-case letters, digits and dashes, at most 15, a letter first`);
    if (lan !== undefined && address !== undefined) refuse(`${what} has both a lan and an address of its own; take one away`);
    if (lan !== undefined) parse(what, () => InterfaceAddress.parse(lan.address));
    if (lan?.gateway !== undefined) parse(`${what}'s gateway`, () => InterfaceAddress.parse(`${lan.gateway}/32`));
    if (address !== undefined) parse(what, () => hostAddress(address));
  }
  return scenario;
}

function hostAddress(text: string): Ipv4Prefix {
  const prefix = Ipv4Prefix.parseSource(text);
  if (!prefix.isHost) throw new Error(`'${text}' is a network; a single address is wanted`);
  return prefix;
}
