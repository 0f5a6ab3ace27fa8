/** A run of lines that one text has at this place and the other has not; line numbers from 0. */
export interface Edit {
  readonly before: number;
  readonly removed: readonly string[];
  readonly after: number;
  readonly added: readonly string[];
}

/** Beyond so many pairs of lines a stretch without any line of its own is taken as replaced. */
const mostPairs = 250_000;

export const linesOf = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/**
 * How to come from one text to the other. Lines that both have once anchor the rest (patience diff): what hosts get is mostly sorted lines, one an
 * object, and a network of 10,000 clients has 60,000 of them.
 */
export function edits(before: readonly string[], after: readonly string[]): Edit[] {
  const found: Edit[] = [];
  compareStretch({ before, after, found }, 0, before.length, 0, after.length);
  return merged(found);
}

interface Work {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly found: Edit[];
}

function compareStretch(work: Work, fromA: number, toA: number, fromB: number, toB: number): void {
  const { before, after } = work;
  let [a, b, endA, endB] = [fromA, fromB, toA, toB];
  while (a < endA && b < endB && before[a] === after[b]) [a, b] = [a + 1, b + 1];
  while (a < endA && b < endB && before[endA - 1] === after[endB - 1]) [endA, endB] = [endA - 1, endB - 1];
  if (a === endA && b === endB) return;
  const anchors = a === endA || b === endB ? [] : anchorsOf(before, after, a, endA, b, endB);
  if (anchors.length === 0) return void replaceStretch(work, a, endA, b, endB);
  for (const [anchorA, anchorB] of anchors) {
    compareStretch(work, a, anchorA, b, anchorB);
    [a, b] = [anchorA + 1, anchorB + 1];
  }
  compareStretch(work, a, endA, b, endB);
}

/** Pairs of lines that both stretches hold exactly once, as many as come in the same order in both. */
function anchorsOf(
  before: readonly string[],
  after: readonly string[],
  a: number,
  endA: number,
  b: number,
  endB: number,
): [number, number][] {
  const places = (lines: readonly string[], from: number, to: number): Map<string, number> => {
    const found = new Map<string, number>();
    for (let at = from; at < to; at++) found.set(lines[at] ?? "", found.has(lines[at] ?? "") ? -1 : at);
    return found;
  };
  const inAfter = places(after, b, endB);
  const pairs: [number, number][] = [];
  for (const [line, at] of places(before, a, endA)) {
    const other = inAfter.get(line) ?? -1;
    if (at >= 0 && other >= 0) pairs.push([at, other]);
  }
  return longestRising(pairs.sort(([one], [two]) => one - two));
}

/** Longest run of pairs whose second number rises, by patience sorting. */
function longestRising(pairs: readonly [number, number][]): [number, number][] {
  const piles: number[] = [];
  const previous: number[] = [];
  pairs.forEach(([, value], index) => {
    let [low, high] = [0, piles.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[piles[middle] ?? 0]?.[1] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    previous[index] = low === 0 ? -1 : (piles[low - 1] ?? -1);
    piles[low] = index;
  });
  const run: [number, number][] = [];
  for (let at = piles.at(-1) ?? -1; at >= 0; at = previous[at] ?? -1) run.push(pairs[at] as [number, number]);
  return run.reverse();
}

function replaceStretch({ before, after, found }: Work, a: number, endA: number, b: number, endB: number): void {
  const [rows, columns] = [endA - a, endB - b];
  const replace = (x: number, toX: number, y: number, toY: number): void => {
    found.push({ before: x, removed: before.slice(x, toX), after: y, added: after.slice(y, toY) });
  };
  if (rows === 0 || columns === 0 || rows * columns > mostPairs) return replace(a, endA, b, endB);
  // Length of the longest common subsequence of what is left, from each pair on.
  const width = columns + 1;
  const lengths = new Uint32Array((rows + 1) * width);
  const lengthAt = (x: number, y: number): number => lengths[(x - a) * width + (y - b)] ?? 0;
  for (let x = endA - 1; x >= a; x--) {
    for (let y = endB - 1; y >= b; y--) {
      lengths[(x - a) * width + (y - b)] =
        before[x] === after[y] ? lengthAt(x + 1, y + 1) + 1 : Math.max(lengthAt(x + 1, y), lengthAt(x, y + 1));
    }
  }
  for (let [x, y] = [a, b]; x < endA || y < endB;) {
    if (x < endA && y < endB && before[x] === after[y]) [x, y] = [x + 1, y + 1];
    else if (x < endA && (y === endB || lengthAt(x + 1, y) >= lengthAt(x, y + 1))) replace(x, ++x, y, y);
    else replace(x, x, y, ++y);
  }
}

/** Edits that touch become one. */
function merged(found: readonly Edit[]): Edit[] {
  const result: Edit[] = [];
  for (const edit of found) {
    const last = result.at(-1);
    const touches =
      last !== undefined && last.before + last.removed.length === edit.before && last.after + last.added.length === edit.after;
    if (!touches) result.push(edit);
    else
      result[result.length - 1] = { ...last, removed: [...last.removed, ...edit.removed], added: [...last.added, ...edit.added] };
  }
  return result;
}

/** As `diff -u` shows it, below its two headers. */
export function unified(before: readonly string[], after: readonly string[], context = 2): string[] {
  const hunks: Edit[][] = [];
  for (const edit of edits(before, after)) {
    const last = hunks.at(-1)?.at(-1);
    if (last !== undefined && edit.before - (last.before + last.removed.length) <= 2 * context) hunks.at(-1)?.push(edit);
    else hunks.push([edit]);
  }
  return hunks.flatMap((hunk) => hunkLines(before, hunk, context));
}

function hunkLines(before: readonly string[], hunk: readonly Edit[], context: number): string[] {
  const [first, last] = [hunk[0] as Edit, hunk.at(-1) as Edit];
  const from = Math.max(0, first.before - context);
  const to = Math.min(before.length, last.before + last.removed.length + context);
  const lines: string[] = [];
  let at = from;
  for (const { before: place, removed, added } of hunk) {
    lines.push(...before.slice(at, place).map((line) => ` ${line}`));
    lines.push(...removed.map((line) => `-${line}`), ...added.map((line) => `+${line}`));
    at = place + removed.length;
  }
  lines.push(...before.slice(at, to).map((line) => ` ${line}`));
  const count = (sign: string): number => lines.filter((line) => !line.startsWith(sign)).length;
  const place = (start: number, length: number): string => `${length === 0 ? start : start + 1},${length}`;
  const start = first.after - (first.before - from);
  return [`@@ -${place(from, count("+"))} +${place(start, count("-"))} @@`, ...lines];
}
