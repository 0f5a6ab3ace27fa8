/** What a resource type and a provider are to the RPC layer. */
import type { Path, ProviderError } from "./errors";
import type { Block } from "./schema";
import type { Attributes, Value } from "./value";

/** A planned change; `planned` is the generic plan (see plan.ts) and may be amended. */
export interface Change {
  readonly prior: Attributes | null;
  readonly config: Attributes;
  readonly planned: Record<string, Value>;
}

/** Settings are what the provider kept of its own configuration, one set for each provider alias. */
export interface Resource {
  readonly schema: Block;
  /** Problems of a configuration beyond those that the schema's checks find; unknown values are to be passed over. */
  validate?(config: Attributes): readonly ProviderError[];
  /** Amends `change.planned`; returns the paths that force a replacement besides the schema's. */
  plan?(change: Change, settings: Attributes): readonly Path[];
  create(planned: Attributes, settings: Attributes): Promise<Attributes>;
  /** The object as it is now, or null when it is gone. */
  read(state: Attributes): Promise<Attributes | null>;
  update(prior: Attributes, planned: Attributes, settings: Attributes): Promise<Attributes>;
  remove(prior: Attributes): Promise<void>;
  /** The least state from which `read` finds the object of an import id. */
  locate?(importId: string, settings: Attributes): Attributes;
}

export interface Provider {
  readonly schema: Block;
  readonly resources: Readonly<Record<string, Resource>>;
  /** What to keep of a configuration. */
  configure(config: Attributes): Attributes;
}
