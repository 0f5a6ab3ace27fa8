import { createInterface } from "node:readline/promises";
import type { Output } from "./output";

/**
 * Asks at the terminal; `otherwise`: what to do where there is none, or where a program reads (--json). Ctrl-C and Ctrl-D are a no. The question goes to
 * standard error: it is no result.
 */
export async function confirm(question: string, otherwise: string, out: Output): Promise<boolean> {
  out.still();
  if (out.json || !process.stdin.isTTY) {
    out.error(`no terminal to confirm at; ${otherwise}`);
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  terminal.once("close", () => stop.abort());
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal: stop.signal })).trim());
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}
