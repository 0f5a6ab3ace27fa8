import type { Bench } from "./bench";

/** A replacement in a file of the product's copy; `from` must stand there exactly once. */
export type Edit = readonly [file: string, from: string, to: string];

/** Else a network whose hosts do not close would not even be synthesized. */
export const withoutProof: Edit = [
  "lib/compile.ts",
  "problems.any ? undefined : proved({ stack, wiring, files: filesOf(hosts) }, network, problems)",
  "undefined",
];

/** What makes the row pass. With it taken out of a copy of the product the row must fail, or the row would prove nothing. */
export interface Protection {
  /** As it stands in "fails without ...". */
  readonly what: string;
  readonly edits: readonly Edit[];
}

/** One fault, done for real to a sound network, and what must hold. Leaks, SSH and the way back are watched for all of them (run-row.ts). */
export interface Row {
  readonly name: string;
  /** A sentence: what is done, and what must hold. */
  readonly about: string;
  /** One of those that `npm test` runs. */
  readonly core?: true;
  readonly protection?: Protection;
  /** Packets that it leaks on purpose. @default 0 */
  readonly leaks?: number;
  /** Starts from a sound network and throws when what must hold does not; returns in words what was observed. */
  readonly run: (bench: Bench) => Promise<string>;
}

/** What must hold does not: the row has failed, the harness has not. */
export class Broken extends Error {
  override readonly name = "Broken";
}

export function require(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Broken(otherwise);
}
