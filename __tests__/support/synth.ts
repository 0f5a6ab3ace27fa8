import * as fs from "node:fs";
import * as path from "node:path";
import { App, TerraformStack, Testing } from "cdktf";
import { publicDirectory, temporaryDirectory } from "./directory";
import { reference, type Change, type Reference } from "./reference";

export interface Options {
  /** Written after the network: what a test adds. */
  readonly also?: (written: Reference) => void;
  /** Files of the public directory, as in `publicDirectory`. */
  readonly files?: Readonly<Record<string, string | undefined>>;
}

type Build = (stack: TerraformStack) => void;

const referenceWith =
  (change: Change, { also }: Options): Build =>
  (stack) => {
    const written = reference(stack, change);
    also?.(written);
  };

/** What `cdktf synth` says of the reference network with a change: a line a problem. */
export function problems(change: Change, options: Options = {}): string {
  return problemsOf(referenceWith(change, options), options.files);
}

/** The same of any network. Holds, too, that nothing is synthesized, with cdktf's validations or without. */
export function problemsOf(build: Build, files: Options["files"] = {}): string {
  const directory = publicDirectory(files);
  const error = failure(build, directory, (app) => app.synth());
  const [, ...lines] = (error.message.split("\n\nIf you wish to ignore")[0] ?? "").split("\n");
  const found = lines.map((line) => line.replace(/^ *\[net\/wgchain\] /, "").replaceAll(directory, "wgchain"));

  // Without validations the same problems end it: half-valid is never written.
  const unchecked = failure(build, directory, (_app, stack) => Testing.synth(stack));
  for (const line of found) {
    if (!unchecked.message.replaceAll(directory, "wgchain").includes(line))
      throw new Error(`unchecked synth does not say: ${line}`);
  }
  return found.join("\n");
}

/** The whole of the error that ends a synth, as text: message, stack and all that hangs on it. */
export function wholeError(change: Change, options: Options = {}): string {
  const error = failure(referenceWith(change, options), publicDirectory(options.files), (app) => app.synth());
  const hidden = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)));
  return [String(error), ...hidden, JSON.stringify(error)].join("\n");
}

function failure(build: Build, directory: string, run: (app: App, stack: TerraformStack) => unknown): Error {
  const { app, stack, outdir } = write(build, directory);
  try {
    run(app, stack);
  } catch (error) {
    const written = fs
      .readdirSync(outdir, { recursive: true, encoding: "utf8" })
      .filter((file) => !fs.statSync(path.join(outdir, file)).isDirectory());
    if (written.length > 0) throw new Error(`half-valid and yet written: ${written.join(", ")}`, { cause: error });
    return error as Error;
  }
  throw new Error("synthesized, though a problem was expected");
}

function write(build: Build, directory: string) {
  delete process.env["WGCHAIN_DIR"];
  const outdir = temporaryDirectory();
  const app = new App({ outdir, context: { "wgchain:directory": directory } });
  const stack = new TerraformStack(app, "net");
  build(stack);
  return { app, stack, outdir };
}

export type Resources = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;

export interface Synthesized {
  readonly resource: Resources;
  /** Files below the stack's `wgchain/nodes/`. */
  readonly files: Readonly<Record<string, string>>;
  /** The whole of cdk.tf.json. */
  readonly text: string;
}

/** A valid network, through the real synth with validations. */
export function synthesize(change: Change = {}, options: Options = {}): Synthesized {
  return synthesizeOf(referenceWith(change, options), options.files);
}

export function synthesizeOf(build: Build, files: Options["files"] = {}): Synthesized {
  const { app, outdir } = write(build, publicDirectory(files));
  app.synth();
  return readSynthesized(path.join(outdir, "stacks", "net"));
}

export function readSynthesized(stackDirectory: string): Synthesized {
  const text = fs.readFileSync(path.join(stackDirectory, "cdk.tf.json"), "utf8");
  const root = path.join(stackDirectory, "wgchain", "nodes");
  const names = fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => fs.statSync(path.join(root, name)).isFile());
  const { resource } = JSON.parse(text) as { resource: Resources };
  return {
    resource,
    text,
    files: Object.fromEntries(names.sort().map((name) => [name, fs.readFileSync(path.join(root, name), "utf8")])),
  };
}
