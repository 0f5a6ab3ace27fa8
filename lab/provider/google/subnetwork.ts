/** google_compute_subnetwork */
import { Ipv4Prefix } from "../../../lib/address";
import { block, computed, optional, optionalComputed, required, timeouts } from "../schema";
import { type Attributes, blocks, optionalText, text } from "../value";
import type { World } from "../world";
import { isName, isPrefix, oneOf, onlyServed } from "./checks";
import { type Kind, inUse, invalid } from "./kind";
import { relativeLink, sameObject } from "./links";
import { findNetwork, regionOfInstance } from "./lookup";

export const subnetworkKind: Kind = {
  type: "google_compute_subnetwork",
  noun: "Subnetwork",
  scope: "region",
  collection: "subnetworks",
  schema: block(
    {
      id: optionalComputed("string"),
      name: required("string", { replaces: true, check: isName }),
      project: optionalComputed("string", { replaces: true }),
      region: optionalComputed("string", { replaces: true, same: sameObject }),
      network: required("string", { replaces: true, same: sameObject }),
      ip_cidr_range: required("string", { check: isPrefix }),
      description: optional("string", { replaces: true }),
      private_ip_google_access: optionalComputed("bool"),
      purpose: optionalComputed("string", { replaces: true, check: oneOf("PRIVATE", "PRIVATE_RFC_1918") }),
      stack_type: optionalComputed("string", { check: onlyServed("IPV4_ONLY") }),
      creation_timestamp: computed("string"),
      gateway_address: computed("string"),
      self_link: computed("string"),
    },
    { timeouts: timeouts("create", "update", "delete") },
  ),
  plan: ({ prior, planned }) => {
    const [before, after] = [prior?.["ip_cidr_range"], planned["ip_cidr_range"]];
    if (typeof before !== "string" || typeof after !== "string" || before === after) return [];
    planned["gateway_address"] = gateway(after);
    // A range may grow in place; any other change needs a new subnetwork.
    return Ipv4Prefix.parse(after).contains(Ipv4Prefix.parse(before)) ? [] : [["ip_cidr_range"]];
  },
  create: (planned, world) => {
    findNetwork(text(planned, "network"), text(planned, "project"), world);
    checkRange(planned, world);
    return completed(planned);
  },
  update: (_prior, planned, world) => {
    checkRange(planned, world);
    return completed(planned);
  },
  remove: (object, world) => {
    const id = text(object, "id");
    const user = firstUser(id, world);
    if (user !== undefined) throw inUse("subnetwork", id, user);
  },
};

function completed(planned: Attributes): Attributes {
  return {
    ...planned,
    gateway_address: gateway(text(planned, "ip_cidr_range")),
    private_ip_google_access: planned["private_ip_google_access"] === true,
    purpose: optionalText(planned, "purpose") ?? "PRIVATE",
    stack_type: optionalText(planned, "stack_type") ?? "IPV4_ONLY",
  };
}

const gateway = (range: string): string => Ipv4Prefix.parse(range).nth(1).toString();

function checkRange(planned: Attributes, world: World): void {
  const range = Ipv4Prefix.parse(text(planned, "ip_cidr_range"));
  if (range.length > 29 || range.length < 4) {
    throw invalid(`Invalid value for field 'resource.ipCidrRange': '${range.toString()}'. Prefix length must be from 4 to 29`);
  }
  const network = networkOf(planned);
  for (const [id, other] of world.entries("google_compute_subnetwork")) {
    if (id === planned["id"] || networkOf(other) !== network) continue;
    if (Ipv4Prefix.parse(text(other, "ip_cidr_range")).overlaps(range)) {
      const where = `'${text(other, "name")}' in region '${text(other, "region")}'`;
      throw invalid(`Invalid IPCidrRange: ${range.toString()} conflicts with existing subnetwork ${where}.`);
    }
  }
}

const networkOf = (object: Attributes): string =>
  relativeLink(text(object, "network"), text(object, "project"), "global/networks");

function firstUser(id: string, world: World): string | undefined {
  const isIt = (reference: string | undefined, project: string, region: string): boolean =>
    reference !== undefined && relativeLink(reference, project, `regions/${region}/subnetworks`) === id;
  for (const [instance, object] of world.entries("google_compute_instance")) {
    const nics = blocks(object, "network_interface");
    const region = regionOfInstance(object);
    if (nics.some((nic) => isIt(optionalText(nic, "subnetwork"), text(object, "project"), region))) return instance;
  }
  const address = world
    .entries("google_compute_address")
    .find(([, object]) => isIt(optionalText(object, "subnetwork"), text(object, "project"), text(object, "region")));
  return address?.[0];
}
