import type { Bench } from "./bench";
import type { Row } from "./row";
import { startTraffic } from "./traffic";
import { watchWires } from "./wires";

export interface Outcome {
  readonly passed: boolean;
  /** What was seen, or why it failed. */
  readonly text: string;
  readonly leaked: number;
  readonly seconds: number;
  /** It did not come so far as to try anything: its failure proves nothing. */
  readonly untried?: true;
}

/** One row with traffic from everybody and all wires watched, from a sound network back to it. */
export async function runRow(bench: Bench, row: Row): Promise<Outcome> {
  const start = Date.now();
  const seconds = (): number => (Date.now() - start) / 1000;
  const failed = (error: unknown, leaked: number): Outcome => {
    bench.distrust();
    return { passed: false, text: messageOf(error), leaked, seconds: seconds() };
  };
  try {
    await bench.ensure();
  } catch (error) {
    return { ...failed(error, 0), untried: true };
  }
  try {
    const { result, leaks } = await watchWires(bench.lab, () => underTraffic(bench, row));
    if ("error" in result) return failed(result.error, leaks.length);
    if (leaks.length !== (row.leaks ?? 0)) return failed(`${result.text}; leaked: ${summary(leaks)}`, leaks.length);
    return { passed: true, text: result.text, leaked: leaks.length, seconds: seconds() };
  } catch (error) {
    // the watch or the traffic did not start
    return { ...failed(error, 0), untried: true };
  }
}

/** Does not throw, so that what was seen on the wires is not lost. */
async function underTraffic(bench: Bench, row: Row): Promise<{ text: string } | { error: unknown }> {
  const stop = await startTraffic(bench.lab);
  try {
    const text = await row.run(bench);
    await bench.restore();
    return { text };
  } catch (error) {
    return { error };
  } finally {
    await stop();
  }
}

/** The same with the row's protection taken out of the product. */
export async function runWithout(bench: Bench, row: Row): Promise<Outcome> {
  if (row.protection === undefined) throw new Error(`${row.name} has no protection to take out`);
  try {
    bench.product.damage(row.protection.edits);
    bench.distrust();
    return await runRow(bench, row);
  } catch (error) {
    return { passed: false, text: messageOf(error), leaked: 0, seconds: 0, untried: true };
  } finally {
    bench.product.mend();
    bench.distrust();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The kinds of packets that leaked, each once, with how many. */
function summary(leaks: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const leak of leaks) counts.set(leak, (counts.get(leak) ?? 0) + 1);
  return [...counts]
    .map(([leak, count]) => `${count} ${leak}`)
    .slice(0, 5)
    .join("; ");
}
