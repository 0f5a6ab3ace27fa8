import { ParseError } from "./problem";

/** Seconds of what may stand in a span; systemd knows more, of which "m" and "M" are too easily taken for one another. */
const units: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3_600, d: 86_400 };

/**
 * A time span as systemd takes it (systemd.time(7)): whole numbers, each with its unit, e.g. "5min" or "1h 30min".
 * @returns the text as it was given
 * @throws ParseError where it is another text, or shorter or longer than the limits in seconds
 */
export function parseTimeSpan(text: string, what: string, least: number, most: number): string {
  if (typeof text !== "string" || !/^[1-9]\d{0,6}(s|min|h|d)( [1-9]\d{0,6}(s|min|h|d))*$/.test(text)) {
    throw new ParseError(
      "malformed-time-span",
      `${what} '${String(text)}' is not a time span; write whole numbers of s, min, h or d, e.g. "5min" or "1h 30min"`,
    );
  }
  const seconds = text
    .split(" ")
    .map((part) => Number.parseInt(part, 10) * (units[part.replace(/^\d+/, "")] ?? 0))
    .reduce((sum, one) => sum + one, 0);
  if (seconds < least || seconds > most) {
    throw new ParseError(
      "time-span-out-of-range",
      `${what} '${text}' is ${seconds} seconds; take a time span from ${least} to ${most} seconds`,
    );
  }
  return text;
}
