/** From configuration and prior state to planned state, the same way for every type. */
import { type Path, ProviderError } from "./errors";
import { type Attribute, type Block, isComputed, type NestedBlock } from "./schema";
import { type Attributes, equal, isAttributes, isList, Unknown, unknown, type Value } from "./value";

/**
 * Configured values stand as they are (Terraform refuses a provider that rewrites them), then defaults; what the cloud computes stays as it
 * was, and is unknown where there was nothing. Blocks of a list keep what was computed for the block at the same place.
 */
export function planObject(schema: Block, config: Attributes, prior: Attributes | null): Record<string, Value> {
  const planned: Record<string, Value> = {};
  for (const [name, attribute] of Object.entries(schema.attributes)) {
    planned[name] = planAttribute(attribute, config[name] ?? null, prior === null ? undefined : (prior[name] ?? null));
  }
  for (const [name, nested] of Object.entries(schema.blocks)) {
    planned[name] = planBlocks(nested, config[name] ?? null, prior?.[name] ?? null);
  }
  return planned;
}

function planAttribute(attribute: Attribute, configured: Value, prior: Value | undefined): Value {
  if (configured !== null) {
    const isSame = typeof prior === "string" && typeof configured === "string" && (attribute.same?.(prior, configured) ?? false);
    return isSame ? prior : configured;
  }
  if (attribute.default !== undefined) return attribute.default;
  if (!isComputed(attribute)) return null;
  return prior === undefined ? unknown : prior;
}

function planBlocks(nested: NestedBlock, configured: Value, prior: Value): Value {
  if (nested.nesting === "single") {
    return isAttributes(configured) ? planObject(nested.block, configured, isAttributes(prior) ? prior : null) : configured;
  }
  if (!isList(configured)) return configured;
  const before = nested.nesting === "list" && isList(prior) ? prior : [];
  return configured.map((item, index) => {
    const counterpart = before[index];
    return isAttributes(item) ? planObject(nested.block, item, isAttributes(counterpart) ? counterpart : null) : item;
  });
}

/** Paths of the changes that an object cannot live through. */
export function replacements(schema: Block, prior: Attributes, planned: Attributes, at: Path = []): Path[] {
  const paths: Path[] = [];
  for (const [name, attribute] of Object.entries(schema.attributes)) {
    if (attribute.replaces && !equal(prior[name] ?? null, planned[name] ?? null)) paths.push([...at, name]);
  }
  for (const [name, nested] of Object.entries(schema.blocks)) {
    if (nested.nesting !== "list") continue;
    const before = isList(prior[name]) ? prior[name] : [];
    const after = isList(planned[name]) ? planned[name] : undefined;
    if (nested.replaces && after?.length !== before.length) paths.push([...at, name]);
    before.forEach((item, index) => {
      const counterpart = after?.[index];
      if (isAttributes(item) && isAttributes(counterpart)) {
        paths.push(...replacements(nested.block, item, counterpart, [...at, name, index]));
      }
    });
  }
  return paths;
}

/** What the schema's own checks find wrong with a configuration; unknown values are passed over. */
export function problemsOf(schema: Block, config: Attributes, at: Path = []): ProviderError[] {
  const found: ProviderError[] = [];
  for (const [name, attribute] of Object.entries(schema.attributes)) {
    const problem = problemOf(attribute, name, config[name] ?? null);
    if (problem !== undefined) found.push(new ProviderError(problem, "", [...at, name]));
  }
  for (const [name, nested] of Object.entries(schema.blocks)) {
    const value = config[name];
    if (isAttributes(value)) found.push(...problemsOf(nested.block, value, [...at, name]));
    if (!isList(value)) continue;
    value.forEach((item, index) => {
      if (!isAttributes(item)) return;
      // A set's members have no index that Terraform could show: point at the set.
      const inner = problemsOf(nested.block, item, nested.nesting === "set" ? [] : [...at, name, index]);
      found.push(
        ...(nested.nesting === "set" ? inner.map((one) => new ProviderError(one.summary, one.detail, [...at, name])) : inner),
      );
    });
  }
  return found;
}

function problemOf(attribute: Attribute, name: string, value: Value): string | undefined {
  if (value === null || value instanceof Unknown || isList(value) || isAttributes(value)) return undefined;
  if (attribute.type === "number" && !Number.isSafeInteger(value))
    return `${name} should be a whole number, got: ${String(value)}`;
  return attribute.check?.(value, name);
}
