/** A scalar of an attribute. `text` is what may be printed; `raw` is only compared, and never leaves this folder. */
export interface Leaf {
  readonly path: readonly string[];
  readonly raw: string;
  readonly text: string;
}

/** A value longer than this is cut; what was changed in it is rarely read in a plan. */
const longestText = 120;

/**
 * The scalars of a value with their paths. `marks` has Terraform's form: `true` for a whole value, or the value's shape with `true` where something is
 * sensitive. A mark stands for all below it, so that not even the number of a secret's parts is told.
 */
export function leavesOf(value: unknown, marks: unknown, path: readonly string[] = []): Leaf[] {
  if (value === null || value === undefined) return [];
  if (marks === true) return [{ path, raw: JSON.stringify(value), text: "(sensitive)" }];
  if (typeof value !== "object")
    return [{ path, raw: JSON.stringify(value), text: typeof value === "string" ? shown(value) : JSON.stringify(value) }];
  const inner = marks as Readonly<Record<string, unknown>> | null | undefined;
  return Object.entries(value).flatMap(([key, one]) => leavesOf(one, inner?.[key], [...path, key]));
}

/** Where Terraform says that only apply knows. */
export function unknownPaths(marks: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (marks === true) return [path];
  if (marks === null || typeof marks !== "object") return [];
  return Object.entries(marks).flatMap(([key, one]) => unknownPaths(one, [...path, key]));
}

/** A value that was sensitive and no longer is marked so (or the other way) is still the same secret. */
export function eitherMark(a: unknown, b: unknown): unknown {
  if (a === true || b === true) return true;
  if (!isObject(a)) return b;
  if (!isObject(b)) return a;
  return Object.fromEntries([...Object.keys(a), ...Object.keys(b)].map((key) => [key, eitherMark(a[key], b[key])]));
}

/** On one line: what is printed must not begin a line of its own. */
function shown(text: string): string {
  const lines = text.replace(/\n$/, "").split(/\r\n|[\n\r\u2028\u2029]/);
  if (lines.length > 1) return `(${lines.length} lines)`;
  const characters = [...text.trimEnd()];
  return characters.length <= longestText ? characters.join("") : `${characters.slice(0, longestText).join("")}…`;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;
