/** What a provider or resource accepts, as data: it is sent to Terraform, and it drives decoding, validation and planning. */
import type { Value } from "./value";

export type CtyType = "string" | "number" | "bool" | readonly ["list" | "set" | "map", "string"];

export interface Attribute {
  readonly type: CtyType;
  readonly use: "required" | "optional" | "computed" | "optional+computed";
  /** What stands in the plan when nothing is configured. */
  readonly default?: Value;
  /** A change destroys the object and makes a new one. */
  readonly replaces?: boolean;
  readonly sensitive?: boolean;
  /** Kept in Terraform's state only: the cloud never hears of it, so that an import does not find it. */
  readonly local?: boolean;
  /** Two spellings of one thing (a name and a self link) are no change. */
  readonly same?: (prior: string, configured: string) => boolean;
  /** Says what is wrong with a configured value, or nothing. */
  readonly check?: (value: string | number | boolean, name: string) => string | undefined;
}

export interface NestedBlock {
  readonly nesting: "list" | "set" | "single";
  readonly block: Block;
  readonly least?: number;
  readonly most?: number;
  /** A changed number of blocks destroys the object and makes a new one. */
  readonly replaces?: boolean;
  readonly local?: boolean;
}

export interface Block {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly blocks: Readonly<Record<string, NestedBlock>>;
}

type Options = Omit<Attribute, "type" | "use">;
export const required = (type: CtyType, options: Options = {}): Attribute => ({ type, use: "required", ...options });
export const optional = (type: CtyType, options: Options = {}): Attribute => ({ type, use: "optional", ...options });
export const computed = (type: CtyType): Attribute => ({ type, use: "computed" });
export const optionalComputed = (type: CtyType, options: Options = {}): Attribute => ({
  type,
  use: "optional+computed",
  ...options,
});
/** An optional attribute with a default; on the wire it is computed too, for Terraform lets no other attribute differ from its configuration. */
export const defaulted = (type: CtyType, value: Value, options: Options = {}): Attribute => ({
  ...optionalComputed(type, options),
  default: value,
});

export const block = (attributes: Block["attributes"], nested: Block["blocks"] = {}): Block => ({ attributes, blocks: nested });

/** The `timeouts` block that every resource of the google provider has; the lab's cloud is never slow enough to need it. */
export const timeouts = (...names: string[]): NestedBlock => ({
  nesting: "single",
  local: true,
  block: block(Object.fromEntries(names.map((name) => [name, optional("string")]))),
});

export const isComputed = (attribute: Attribute): boolean =>
  attribute.use === "computed" || attribute.use === "optional+computed";

const nestingModes = { single: "SINGLE", list: "LIST", set: "SET" } as const;

function wireBlock(source: Block): object {
  return {
    attributes: Object.entries(source.attributes).map(([name, attribute]) => ({
      name,
      type: Buffer.from(JSON.stringify(attribute.type)),
      required: attribute.use === "required",
      optional: attribute.use === "optional" || attribute.use === "optional+computed",
      computed: isComputed(attribute),
      sensitive: attribute.sensitive ?? false,
    })),
    block_types: Object.entries(source.blocks).map(([name, nested]) => ({
      type_name: name,
      block: wireBlock(nested.block),
      nesting: nestingModes[nested.nesting],
      min_items: nested.least ?? 0,
      max_items: nested.most ?? 0,
    })),
  };
}

export const wireSchema = (source: Block): object => ({ version: 0, block: wireBlock(source) });
