import { createInterface } from "node:readline/promises";

/** Asks at the terminal; `otherwise`: what to do where there is none. Ctrl-C and Ctrl-D are a no. */
export async function confirm(question: string, otherwise: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    process.stderr.write(`error: no terminal to confirm at; ${otherwise}\n`);
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
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
