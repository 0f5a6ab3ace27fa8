import * as fc from "fast-check";
import { check, type Case } from "./check";
import { kinds } from "./faults";
import { shapes } from "./shape";

const picks = fc.record({ kind: fc.constantFrom(...kinds), node: fc.nat(7), pick: fc.nat(1000) });
// Faults first: they shrink first.
const cases: fc.Arbitrary<Case> = fc.record({ faults: fc.array(picks, { maxLength: 2 }), shape: shapes });

export const generated = (count: number, seed: number): Case[] => (count === 0 ? [] : fc.sample(cases, { numRuns: count, seed }));

const shrinkingMilliseconds = 90_000;

/** The least case that shrinking finds in its time, with its faults as they were; undefined when it does not happen again. */
export async function shrunk(index: number, seed: number): Promise<Case | undefined> {
  let least: Case | undefined;
  const disagrees = async (one: Case): Promise<boolean> => {
    const [first] = (await check(one, undefined, true)).disagreements;
    if (first !== undefined) least = { shape: one.shape, faults: first.faults };
    return first !== undefined;
  };
  await fc.check(
    fc.asyncProperty(cases, async (one) => !(await disagrees(one))),
    { seed, path: String(index), interruptAfterTimeLimit: shrinkingMilliseconds },
  );
  return least;
}
