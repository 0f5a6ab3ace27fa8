/** Terraform values as this process holds them, and how to read them without guessing. */

/** A value that Terraform learns only at apply. */
export class Unknown {
  static readonly value = new Unknown();
  private constructor() {}
  toJSON(): never {
    throw new Error("an unknown value must not be written down");
  }
}

export type Value = null | string | number | boolean | Unknown | readonly Value[] | Attributes;
export interface Attributes {
  readonly [name: string]: Value;
}

export const unknown = Unknown.value;

export function isAttributes(value: Value | undefined): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Unknown);
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

export function hasUnknown(value: Value): boolean {
  if (value instanceof Unknown) return true;
  if (isList(value)) return value.some(hasUnknown);
  return isAttributes(value) && Object.values(value).some(hasUnknown);
}

/** Unknown values become null: what apply did not fill in is not there. */
export function withoutUnknown(value: Value): Value {
  if (value instanceof Unknown) return null;
  if (isList(value)) return value.map(withoutUnknown);
  if (isAttributes(value)) return attributesWithoutUnknown(value);
  return value;
}

export function attributesWithoutUnknown(value: Attributes): Attributes {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutUnknown(inner)]));
}

/** A text that is the same for equal values whatever the order of their keys; unknown values equal only one another. */
export function canonical(value: Value): string {
  if (value instanceof Unknown) return "?";
  if (isList(value)) return `[${value.map(canonical).join(",")}]`;
  if (isAttributes(value)) {
    const entries = Object.keys(value).sort();
    return `{${entries.map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

export const equal = (a: Value, b: Value): boolean => canonical(a) === canonical(b);

/** Text of an attribute; undefined when it is null, unknown or empty, as the real provider takes an empty string. */
export function optionalText(from: Attributes, name: string): string | undefined {
  const value = from[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function text(from: Attributes, name: string): string {
  const value = from[name];
  if (typeof value !== "string") throw new Error(`attribute '${name}' should be a string here, it is ${describe(value)}`);
  return value;
}

export function optionalNumber(from: Attributes, name: string): number | undefined {
  const value = from[name];
  return typeof value === "number" ? value : undefined;
}

export const flag = (from: Attributes, name: string): boolean => from[name] === true;

/** The strings of a list or set; none when it is null or unknown. */
export function texts(from: Attributes, name: string): readonly string[] {
  const value = from[name];
  return isList(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** A map of strings; empty when it is null or unknown. */
export function textMap(from: Attributes, name: string): Readonly<Record<string, string>> {
  const value = from[name];
  if (!isAttributes(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** The nested blocks of a name; none when they are unknown. */
export function blocks(from: Attributes, name: string): readonly Attributes[] {
  const value = from[name];
  return isList(value) ? value.filter(isAttributes) : [];
}

function describe(value: Value | undefined): string {
  if (value === undefined || value === null) return "missing";
  return value instanceof Unknown ? "unknown" : typeof value;
}
