/** registry.terraform.io/hashicorp/null: an object with triggers and no body; its provisioners are Terraform's own work. */
import { randomInt } from "node:crypto";
import type { Provider, Resource } from "./resource";
import { block, computed, optional } from "./schema";

const nullResource: Resource = {
  schema: block({ id: computed("string"), triggers: optional(["map", "string"], { replaces: true }) }),
  create: (planned) => Promise.resolve({ ...planned, id: String(randomInt(1, 2 ** 47)) }),
  read: (state) => Promise.resolve(state),
  update: (_prior, planned) => Promise.resolve(planned),
  remove: () => Promise.resolve(),
};

export const nullProvider: Provider = {
  schema: block({}),
  resources: { null_resource: nullResource },
  configure: () => ({}),
};
