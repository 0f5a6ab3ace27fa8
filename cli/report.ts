import { CommanderError } from "commander";
import { CliError, errorCode, messageOf } from "../app/error";
import { ParseError } from "../lib/problem";
import { coloursOf } from "./colour";
import { exitStatus } from "./exit-status";
import { stopLive } from "./live-line";
import { hasPrintedDocument } from "./output";

/** What --json prints in place of a verb's document. */
export interface ErrorDocument {
  readonly error: {
    /** usage: the command line; failed: see the message; interrupted: by a signal; internal: a fault of wgchain's own. */
    readonly kind: "usage" | "failed" | "interrupted" | "internal";
    readonly message: string;
    /** The exit status. */
    readonly status: number;
  };
}

/** Whether the command line asks for JSON, also where it is wrong otherwise. What stands behind a host of the lab is another program's. */
export function asksForJson(words: readonly string[]): boolean {
  if (words[0] === "lab" && words[1] === "shell") return false;
  const end = words.indexOf("--");
  return words.slice(0, end < 0 ? undefined : end).includes("--json");
}

/** Tells what ended the verb, as a line for a person and as a document for a program; a stack is for what we did not foresee. Returns the exit status. */
export function report(error: unknown, words: readonly string[]): number {
  const { error: told, stack } = explained(error);
  if (told === undefined) return exitStatus.done;
  stopLive();
  const label = coloursOf(process.stderr).red("error:");
  // The parser has told of its own.
  if (!(error instanceof CommanderError)) process.stderr.write(`${label} ${told.message}\n${stack ?? ""}`);
  printDocument(told, words);
  return told.status;
}

/** As the verb's document, where it has printed none. */
export function printDocument(error: ErrorDocument["error"], words: readonly string[]): void {
  if (!asksForJson(words) || hasPrintedDocument()) return;
  process.stdout.write(`${JSON.stringify({ error } satisfies ErrorDocument, null, 2)}\n`);
}

function explained(error: unknown): { readonly error?: ErrorDocument["error"]; readonly stack?: string } {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return {};
    const message = error.message === "(outputHelp)" ? "no command was named" : error.message.replace(/^error: /, "");
    return { error: { kind: "usage", message, status: exitStatus.usage } };
  }
  const message = messageOf(error);
  if (error instanceof CliError || error instanceof ParseError || isOfTheSystem(error))
    return { error: { kind: "failed", message, status: exitStatus.failed } };
  const fault = `a fault of wgchain's own: ${message}`;
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return {
    error: { kind: "internal", message: fault, status: exitStatus.failed },
    stack: `please report it to who maintains wgchain, with what you ran, 'wgchain --version', Node ${process.version}, and this:\n${stack}\n`,
  };
}

/** A file that may not be written, a disk that is full: its message names the file, and the person can mend it. */
function isOfTheSystem(error: unknown): boolean {
  const { syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return error instanceof Error && errorCode(error) !== undefined && syscall !== undefined;
}
