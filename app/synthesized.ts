import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SynthesizedStack, Wiring } from "../lib/trace";
import { CliError, errorCode, messageOf } from "./error";

/** Whether cdktf has synthesized into this directory. */
export const isSynthesized = (directory: string): boolean =>
  ["manifest.json", "stacks"].some((name) => existsSync(join(directory, name)));

/** What a synthesis wrote of one network: cdktf's output directory, or what is left of it without Terraform's own files. */
export function readSynthesized(outputDirectory: string, stack?: string): SynthesizedStack {
  const name = chooseStack(outputDirectory, stack);
  const own = join(outputDirectory, "stacks", name, "wgchain");
  const wiring = readWiring(join(own, "network.json"));
  const files = new Map(namesIn(join(own, "nodes")).map((node) => [node, readTree(join(own, "nodes", node))]));
  for (const node of wiring.nodes) {
    if (!files.has(node.name)) throw new CliError(`${join(own, "nodes")} has no files of '${node.name}'; synthesize again`);
  }
  return { stack: name, wiring, files: Object.fromEntries(files) };
}

function chooseStack(outputDirectory: string, wanted: string | undefined): string {
  if (!existsSync(outputDirectory)) throw new CliError(`${outputDirectory} is not there; synthesize first: npx cdktf synth`);
  const root = join(outputDirectory, "stacks");
  const all = namesIn(root);
  const networks = all.filter((name) => existsSync(join(root, name, "wgchain", "network.json")));
  const list = (names: readonly string[]): string => names.join(", ") || "none";
  if (wanted !== undefined) {
    if (networks.includes(wanted)) return wanted;
    throw new CliError(`${outputDirectory} has no stack '${wanted}' with a network; it has ${list(networks)}`);
  }
  const [only, ...more] = networks;
  if (only === undefined) {
    const older = all.some((name) => existsSync(join(root, name, "wgchain")));
    throw new CliError(
      older
        ? `${root} was synthesized by a wgchain that wrote no network.json yet; synthesize it again with this one`
        : `${outputDirectory} holds no synthesized network (stacks: ${list(all)}); name cdktf's output directory, e.g. cdktf.out`,
    );
  }
  if (more.length > 0) throw new CliError(`${outputDirectory} has several networks; choose one with --stack: ${list(networks)}`);
  return only;
}

/** Sorted; none where there is no such directory. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw new CliError(`${directory} cannot be read: ${messageOf(error)}`);
  }
}

function readTree(root: string): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(root, name)).isFile());
  return Object.fromEntries(names.sort().map((name) => [name.replaceAll("\\", "/"), readFileSync(join(root, name), "utf8")]));
}

type Shape = "string" | "number" | "boolean";

const nodeShape: Readonly<Record<string, Shape>> = {
  name: "string",
  address: "string",
  uplinkMtuBytes: "number",
  exit: "boolean",
  kind: "string",
};
const clientShape: Readonly<Record<string, Shape>> = {
  ...{ name: "string", node: "string", interface: "string", publicKey: "string" },
  mtuBytes: "number",
};
const declaredShape: Readonly<Record<string, Shape>> = { node: "string", interface: "string", source: "string", exit: "string" };

/** It may come from somebody's pull request, so nothing about it is taken for granted. */
function readWiring(file: string): Wiring {
  const wrong = (what: string): CliError => new CliError(`${file}${what}; synthesize again`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw wrong(` cannot be read (${messageOf(error)})`);
  }
  if (!isObject(json)) throw wrong(" holds no object");
  const { version, nodes, clients, declared } = json;
  if (version !== 1)
    throw new CliError(
      `${file} has version ${JSON.stringify(version)}, this command reads 1; synthesize with the wgchain that reads it`,
    );
  const check = (what: string, list: unknown, shape: Readonly<Record<string, Shape>>): void => {
    if (!Array.isArray(list)) throw wrong(` has no list of ${what}`);
    list.forEach((one: unknown, index) => {
      const bad = Object.entries(shape).find(([key, type]) => !isObject(one) || typeof one[key] !== type);
      if (bad !== undefined) throw wrong(`: ${what}[${index}].${bad[0]} is no ${bad[1]}`);
    });
  };
  check("nodes", nodes, nodeShape);
  check("clients", clients, clientShape);
  check("declared", declared, declaredShape);
  const wiring = json as unknown as Wiring;
  for (const { name, deferred, privateLink } of wiring.nodes) {
    const links =
      privateLink === undefined ||
      (isObject(privateLink) && typeof privateLink.address === "string" && typeof privateLink.mtuBytes === "number");
    if (!links || !["string", "undefined"].includes(typeof deferred))
      throw wrong(`: node '${name}' has an address or a private link that is none`);
  }
  for (const { name, addresses } of wiring.clients) {
    const isList = Array.isArray(addresses) && addresses.every((one: unknown) => typeof one === "string");
    if (!isList) throw wrong(`: client '${name}' has no list of addresses`);
  }
  return wiring;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
