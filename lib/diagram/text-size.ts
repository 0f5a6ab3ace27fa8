/** Widths in a wide sans-serif (DejaVu Sans, Verdana), as parts of its size: in any other there is only more room. */
const widths: readonly (readonly [signs: string, width: number])[] = [
  ["ijl'|", 0.3],
  ["., :;/!()[]-ftrI", 0.42],
  ["0123456789abcdeghknopqsuvxyzLJcF_", 0.64],
  ["ABCDEGHKNOPQRSTUVXYZ+=<>", 0.8],
  ["mwMW@%…", 1],
];
const known = new Map(widths.flatMap(([signs, width]) => [...signs].map((sign) => [sign, width] as const)));

export function textWidth(text: string, size: number, bold = false): number {
  const sum = [...text].reduce((all, sign) => all + (known.get(sign) ?? 1.05), 0);
  return sum * size * (bold ? 1.12 : 1);
}
