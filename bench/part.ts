/** What every part of the bench gives, and what the page in docs/ is made of. */

export interface Sample {
  /** One value a run. */
  readonly values: readonly number[];
  readonly unit: string;
}

export interface Row {
  readonly what: string;
  readonly ours: Sample;
  /** Measured in the same run, turn by turn. */
  readonly peer: Sample;
  /** e.g. "the article's way". */
  readonly against: string;
  /** Which of the two is divided by the other: "ours/peer" where more is better, and where less is. */
  readonly ratio: number;
  /** What is to be reached, in words and as a test; absent: shown only. */
  readonly reach?: { readonly text: string; readonly holds: boolean };
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  /** File name without ending. */
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

export interface Result {
  readonly rows: readonly Row[];
  readonly plots: readonly Plot[];
  /** Sentences: how it was measured, and what limits it. */
  readonly notes: readonly string[];
}

export interface Options {
  /** Fewer runs and sizes: whether it works, not what it says. */
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

export interface Part {
  readonly name: string;
  readonly about: string;
  readonly run: (options: Options) => Promise<Result>;
}

export async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - began) / 1e9;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
};

export const sample = (values: readonly number[], unit: string): Sample => ({ values, unit });
export const ratioOf = (ours: Sample, peer: Sample): number => median(ours.values) / median(peer.values);
