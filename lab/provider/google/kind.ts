/** One type of cloud object: pure rules over the cloud's objects. `cloud-resource.ts` makes a Terraform resource of it. */
import type { Path, ProviderError } from "../errors";
import type { Change } from "../resource";
import type { Block } from "../schema";
import type { Attributes } from "../value";
import type { CloudType, World } from "../world";

/** A refusal of the API; shown with the verb before it, as the real provider does. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly reason: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

export const invalid = (message: string): ApiError => new ApiError(400, message, "invalid");

export const inUse = (what: string, id: string, user: string): ApiError =>
  new ApiError(400, `The ${what} resource '${id}' is already being used by '${user}'`, "resourceInUseByAnotherResource");

export interface Kind {
  readonly type: CloudType;
  /** As error messages call it, e.g. "Network". */
  readonly noun: string;
  readonly scope: "global" | "region" | "zone";
  /** Last part of the path, e.g. "networks". */
  readonly collection: string;
  readonly schema: Block;
  readonly validate?: (config: Attributes) => readonly ProviderError[];
  /** Amends the plan; returns paths that force a replacement. */
  plan?(change: Change): readonly Path[];
  /** Fills in what the cloud computes. `planned` has project, region or zone, id and self_link; unknown values left are dropped. */
  create(planned: Attributes, world: World): Attributes;
  update(prior: Attributes, planned: Attributes, world: World): Attributes;
  /** Throws when the object is in use; may remove what goes with it. */
  remove?(object: Attributes, world: World): void;
  /** What of the object depends on other objects. */
  view?(object: Attributes, world: World): Attributes;
}
