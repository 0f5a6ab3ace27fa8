#!/usr/bin/env node
import type { Command } from "commander";
import { CliError } from "../app/error";
import { watchEnds } from "./ends";
import { makeProgram } from "./program";
import { report } from "./report";
import { Verb } from "./verb";

async function main(argv: readonly string[]): Promise<void> {
  const words = argv.slice(2);
  watchEnds(words);
  try {
    await makeProgram(await labCommand(words)).parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error, words);
  }
}

/** The lab needs packages that the constructs do not: it is loaded only when asked for, and says what to install when it cannot be. */
async function labCommand(words: readonly string[]): Promise<Command> {
  const unloaded = new Verb("lab").description("rehearse an app on this machine, with real Terraform, SSH and packets");
  if (words[0] !== "lab" && !(words[0] === "help" && words[1] === "lab")) return unloaded;
  try {
    return (await import("./lab.js")).labCommand();
  } catch (error) {
    const missing = /Cannot find (?:module|package) '((?:@[^/']+\/)?[^./'][^/']*)/.exec(
      error instanceof Error ? error.message : "",
    )?.[1];
    if (missing === undefined) throw error;
    const needed = "npm install --save-dev @grpc/grpc-js @grpc/proto-loader @msgpack/msgpack";
    return unloaded
      .helpOption(false)
      .allowUnknownOption()
      .argument("[verb...]")
      .action(() => {
        throw new CliError(
          `the lab needs the package ${missing}, which the constructs do not; install what it stands on: ${needed}`,
        );
      });
  }
}

void main(process.argv);
