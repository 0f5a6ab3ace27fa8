import type { State } from "./routes";

/** With what is otherwise in them: as they are now, then those that only the base has. */
export function compared<T>(
  now: readonly T[],
  before: readonly T[] | undefined,
  idOf: (one: T) => string,
  linesOf: (one: T) => readonly string[],
  mark: (one: T, state: State, was: readonly string[]) => T,
): T[] {
  if (before === undefined) return [...now];
  const old = new Map(before.map((one) => [idOf(one), one]));
  const known = new Set(now.map(idOf));
  return [
    ...now.map((one) => {
      const was = old.get(idOf(one));
      if (was === undefined) return mark(one, "new", []);
      const lines = new Set(linesOf(one));
      const other = linesOf(was).filter((line) => !lines.has(line));
      const isSame = other.length === 0 && linesOf(one).length === linesOf(was).length;
      return isSame ? one : mark(one, "changed", other);
    }),
    ...before.filter((one) => !known.has(idOf(one))).map((one) => mark(one, "gone", [])),
  ];
}

export const marks = (state: State, was: readonly string[]): string[] => [state, ...was.slice(0, 3).map((line) => `was ${line}`)];
