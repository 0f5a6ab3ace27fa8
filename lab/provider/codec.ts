/**
 * Terraform's wire forms of values, read and written by schema: every object carries all its attributes, an absent list of blocks is
 * empty and not null, numbers may arrive as text, and unknown values are msgpack extensions (0, or 12 when Terraform knows something about them).
 */
import { decode, encode, ExtensionCodec } from "@msgpack/msgpack";
import type { Attribute, Block, CtyType, NestedBlock } from "./schema";
import { type Attributes, Unknown, unknown, type Value } from "./value";

const extensions = new ExtensionCodec();
for (const type of [0, 12]) {
  extensions.register({
    type,
    encode: (value) => (type === 0 && value instanceof Unknown ? new Uint8Array([0]) : null),
    decode: () => unknown,
  });
}

export interface DynamicValue {
  readonly msgpack?: Uint8Array;
  readonly json?: Uint8Array;
}

/** A whole object, or null (no object). */
export function decodeObject(schema: Block, wire: DynamicValue | null | undefined): Attributes | null {
  if (wire?.msgpack === undefined || wire.msgpack.length === 0) {
    return wire?.json === undefined || wire.json.length === 0 ? null : decodeJson(schema, wire.json);
  }
  return shape(schema, decode(wire.msgpack, { extensionCodec: extensions, useBigInt64: true }));
}

export function decodeJson(schema: Block, json: Uint8Array): Attributes | null {
  return shape(schema, JSON.parse(Buffer.from(json).toString("utf8")) as unknown);
}

export function encodeObject(schema: Block, value: Attributes | null): DynamicValue {
  const whole = value === null ? null : shape(schema, value);
  return { msgpack: encode(whole, { extensionCodec: extensions, sortKeys: true }) };
}

/** Exactly the attributes and blocks of the schema, whatever came. */
export function shape(schema: Block, raw: unknown): Attributes | null {
  if (raw === null || raw === undefined) return null;
  const from = raw as Record<string, unknown>;
  const result: Record<string, Value> = {};
  for (const [name, attribute] of Object.entries(schema.attributes)) result[name] = shapeAttribute(attribute, from[name]);
  for (const [name, nested] of Object.entries(schema.blocks)) result[name] = shapeBlocks(nested, from[name]);
  return result;
}

function shapeBlocks(nested: NestedBlock, raw: unknown): Value {
  if (raw instanceof Unknown) return unknown;
  if (nested.nesting === "single") return shape(nested.block, raw);
  if (!Array.isArray(raw)) return [];
  return raw.map((item: unknown) => (item instanceof Unknown ? unknown : shape(nested.block, item)));
}

const shapeAttribute = (attribute: Attribute, raw: unknown): Value => shapeValue(attribute.type, raw);

function shapeValue(type: CtyType, raw: unknown): Value {
  if (raw === null || raw === undefined) return null;
  if (raw instanceof Unknown) return unknown;
  if (type === "number") return shapeNumber(raw);
  if (typeof type === "string") return raw as string | boolean;
  if (type[0] === "map") {
    return Object.fromEntries(Object.entries(raw).map(([key, item]) => [key, shapeValue(type[1], item)]));
  }
  return (raw as unknown[]).map((item) => shapeValue(type[1], item));
}

/** What a JavaScript number cannot hold stays text, as Terraform sent it; no attribute served here accepts it. */
function shapeNumber(raw: unknown): Value {
  if (typeof raw === "number") return raw;
  const number = Number(raw);
  return String(number) === String(raw) ? number : String(raw);
}

/** The object with only what the cloud is told: local attributes are left out. */
export function withoutLocal(schema: Block, value: Attributes): Attributes {
  const kept = Object.entries(value).filter(([name]) => !(schema.attributes[name]?.local ?? schema.blocks[name]?.local ?? false));
  return Object.fromEntries(kept);
}

/** What an import of the object would hold, with the local attributes of `state`. */
export function withLocal(schema: Block, cloud: Attributes, state: Attributes): Attributes {
  const local = Object.entries(state).filter(([name]) => schema.attributes[name]?.local ?? schema.blocks[name]?.local ?? false);
  return shape(schema, { ...cloud, ...Object.fromEntries(local) }) ?? {};
}
