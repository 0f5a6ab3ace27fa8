/** registry.terraform.io/hashicorp/google, the part that the lab serves. */
import type { Cloud } from "../cloud";
import type { Provider } from "../resource";
import { block, optional } from "../schema";
import { addressKind } from "./address";
import { cloudResource } from "./cloud-resource";
import { firewallKind } from "./firewall";
import { instanceKind } from "./instance";
import { networkKind } from "./network";
import { subnetworkKind } from "./subnetwork";

const kinds = [networkKind, subnetworkKind, addressKind, firewallKind, instanceKind];

export const googleTypes: readonly string[] = kinds.map((kind) => kind.type);

const schema = block(
  {
    access_token: optional("string", { sensitive: true }),
    add_terraform_attribution_label: optional("bool"),
    billing_project: optional("string"),
    credentials: optional("string", { sensitive: true }),
    default_labels: optional(["map", "string"]),
    impersonate_service_account: optional("string"),
    impersonate_service_account_delegates: optional(["list", "string"]),
    project: optional("string"),
    region: optional("string"),
    request_reason: optional("string"),
    request_timeout: optional("string"),
    scopes: optional(["list", "string"]),
    terraform_attribution_label_addition_strategy: optional("string"),
    universe_domain: optional("string"),
    user_project_override: optional("bool"),
    zone: optional("string"),
  },
  {
    batching: {
      nesting: "list",
      block: block({ enable_batching: optional("bool"), send_after: optional("string") }),
    },
  },
);

/** All that is kept of a configuration; credentials are accepted and never looked at. */
const kept = ["project", "region", "zone", "default_labels", "add_terraform_attribution_label"];

export const googleProvider = (cloud: Cloud): Provider => ({
  schema,
  resources: Object.fromEntries(kinds.map((kind) => [kind.type, cloudResource(kind, cloud)])),
  configure: (config) => Object.fromEntries(kept.map((name) => [name, config[name] ?? null])),
});
