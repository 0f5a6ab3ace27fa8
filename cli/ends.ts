import { constants } from "node:os";
import { coloursOf } from "./colour";
import { stopLive } from "./live-line";
import { printDocument, report } from "./report";

/**
 * How a command ends before its time. A reader that goes away (`wgchain prove | head`) ends nothing: what would be read is dropped, and work that was begun
 * is done. A signal ends it with 128 and its number, at once: what it would leave behind is removed at exit.
 */
export function watchEnds(words: readonly string[]): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupted(signal, words));
  process.on("uncaughtException", (error) => process.exit(report(error, words)));
}

let isTold = false;

function interrupted(signal: "SIGINT" | "SIGTERM" | "SIGHUP", words: readonly string[]): void {
  const status = 128 + constants.signals[signal];
  const isOthers = process.listenerCount(signal) > 1;
  if (!isTold) {
    isTold = true;
    stopLive();
    if (!isOthers) process.stderr.write(`\n${coloursOf(process.stderr).red("error:")} interrupted by ${signal}\n`);
    printDocument({ kind: "interrupted", message: `interrupted by ${signal}`, status }, words);
  }
  // Who else listens has something to end first, or leaves the signal to the program that runs in a host.
  if (!isOthers) process.exit(status);
}
