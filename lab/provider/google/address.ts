/** google_compute_address */
import { Ipv4Prefix } from "../../../lib/address";
import { block, computed, defaulted, optional, optionalComputed, required, timeouts } from "../schema";
import { type Attributes, blocks, optionalText, text } from "../value";
import type { World } from "../world";
import { freeExternal, freeInternal, isUsable, takenExternal, takenInternal } from "./allocate";
import { isAddressText, isName, oneOf, onlyServed } from "./checks";
import { type Kind, inUse, invalid } from "./kind";
import { fingerprint } from "./labels";
import { selfLink, sameObject } from "./links";
import { findSubnetwork } from "./lookup";

export const addressKind: Kind = {
  type: "google_compute_address",
  noun: "Address",
  scope: "region",
  collection: "addresses",
  schema: block(
    {
      id: optionalComputed("string"),
      name: required("string", { replaces: true, check: isName }),
      project: optionalComputed("string", { replaces: true }),
      region: optionalComputed("string", { replaces: true, same: sameObject }),
      address: optionalComputed("string", { replaces: true, check: isAddress }),
      address_type: defaulted("string", "EXTERNAL", { replaces: true, check: oneOf("INTERNAL", "EXTERNAL") }),
      description: optional("string", { replaces: true }),
      ip_version: optional("string", { replaces: true, check: onlyServed("IPV4") }),
      labels: optional(["map", "string"]),
      network_tier: optionalComputed("string", { replaces: true, check: oneOf("PREMIUM", "STANDARD") }),
      prefix_length: optionalComputed("number", { replaces: true }),
      purpose: optionalComputed("string", { replaces: true, check: onlyServed("GCE_ENDPOINT") }),
      subnetwork: optionalComputed("string", { replaces: true, same: sameObject }),
      creation_timestamp: computed("string"),
      effective_labels: computed(["map", "string"]),
      label_fingerprint: computed("string"),
      self_link: computed("string"),
      terraform_labels: computed(["map", "string"]),
      users: computed(["list", "string"]),
    },
    { timeouts: timeouts("create", "update", "delete") },
  ),
  create: (planned, world) => ({
    ...planned,
    ...(planned["address_type"] === "INTERNAL" ? internal(planned, world) : external(planned, world)),
    prefix_length: 0,
    label_fingerprint: fingerprint(planned["effective_labels"] ?? null),
    users: [],
  }),
  update: (_prior, planned) => ({ ...planned, label_fingerprint: fingerprint(planned["effective_labels"] ?? null) }),
  remove: (object, world) => {
    const id = text(object, "id");
    const user = usersOf(object, world)[0];
    if (user !== undefined) throw inUse("address", id, user);
  },
  view: (object, world) => ({ ...object, users: usersOf(object, world).map(selfLink) }),
};

function isAddress(value: string | number | boolean, name: string): string | undefined {
  return isAddressText(String(value)) ? undefined : `expected ${name} to contain a valid IPv4 address, got: ${String(value)}`;
}

function external(planned: Attributes, world: World): Attributes {
  const taken = takenExternal(world);
  const wanted = optionalText(planned, "address");
  if (optionalText(planned, "subnetwork") !== undefined) {
    throw invalid("Invalid value for field 'resource.subnetwork'. Subnetwork can only be specified for internal addresses");
  }
  // One cannot choose an external address, only keep one that a machine has.
  if (wanted !== undefined && (taken.get(wanted)?.usedBy === undefined || taken.get(wanted)?.reservedBy !== undefined)) {
    throw invalid(
      `Invalid value for field 'resource.address': '${wanted}'. Specified IP address is not an in-use ephemeral address`,
    );
  }
  return {
    address: wanted ?? freeExternal(taken),
    network_tier: optionalText(planned, "network_tier") ?? "PREMIUM",
    purpose: optionalText(planned, "purpose") ?? "",
    subnetwork: "",
  };
}

function internal(planned: Attributes, world: World): Attributes {
  const reference = optionalText(planned, "subnetwork");
  if (reference === undefined)
    throw invalid("Invalid value for field 'resource.subnetwork'. An internal address needs a subnetwork");
  const subnetwork = findSubnetwork(reference, text(planned, "project"), text(planned, "region"), world);
  const range = Ipv4Prefix.parse(text(subnetwork, "ip_cidr_range"));
  const taken = takenInternal(text(subnetwork, "id"), world);
  const wanted = optionalText(planned, "address");
  if (wanted !== undefined && !isUsable(range, wanted)) {
    throw invalid(
      `Invalid value for field 'resource.address': '${wanted}'. Requested internal IP is outside the subnetwork CIDR range.`,
    );
  }
  const holder = wanted === undefined ? undefined : taken.get(wanted);
  if (holder !== undefined) {
    throw invalid(`IP_IN_USE_BY_ANOTHER_RESOURCE: IP '${wanted}' is already being used by another resource.`);
  }
  return {
    address: wanted ?? freeInternal(range, taken),
    network_tier: optionalText(planned, "network_tier") ?? "PREMIUM",
    purpose: optionalText(planned, "purpose") ?? "GCE_ENDPOINT",
    subnetwork: reference,
  };
}

/** Ids of the instances that answer at the address. */
function usersOf(object: Attributes, world: World): string[] {
  const address = text(object, "address");
  if (object["address_type"] === "INTERNAL") {
    const subnetwork = findSubnetwork(text(object, "subnetwork"), text(object, "project"), text(object, "region"), world);
    const user = takenInternal(text(subnetwork, "id"), world).get(address)?.usedBy;
    return user === undefined ? [] : [user];
  }
  return world
    .entries("google_compute_instance")
    .filter(([, instance]) =>
      blocks(instance, "network_interface").some((nic) =>
        blocks(nic, "access_config").some((config) => config["nat_ip"] === address),
      ),
    )
    .map(([id]) => id);
}
