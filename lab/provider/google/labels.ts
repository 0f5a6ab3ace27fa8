/** `effective_labels` and `terraform_labels`: the resource's labels over the provider's defaults, with Terraform's own mark. */
import { createHash } from "node:crypto";
import type { Change } from "../resource";
import { type Attributes, canonical, equal, hasUnknown, isAttributes, Unknown, unknown, type Value } from "../value";

export function planLabels({ prior, config, planned }: Change, settings: Attributes): void {
  const labels = planned["labels"] ?? null;
  const defaults = settings["default_labels"] ?? null;
  let effective: Value = unknown;
  if (!(labels instanceof Unknown) && !(defaults instanceof Unknown)) {
    effective = {
      ...(isAttributes(defaults) ? defaults : {}),
      ...(settings["add_terraform_attribution_label"] === false ? {} : { "goog-terraform-provisioned": "true" }),
      ...(isAttributes(config["labels"]) ? config["labels"] : {}),
    };
  }
  planned["effective_labels"] = planned["terraform_labels"] = hasUnknown(effective) ? unknown : effective;
  if (prior !== null && !equal(prior["effective_labels"] ?? null, planned["effective_labels"] ?? null)) {
    planned["label_fingerprint"] = unknown;
  }
}

/** Changes when the content does; its form is Google's. */
export const fingerprint = (content: Value): string =>
  createHash("sha256").update(canonical(content)).digest().subarray(0, 8).toString("base64");
