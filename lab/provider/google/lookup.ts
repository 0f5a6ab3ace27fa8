/** Finding the objects that other objects refer to. */
import type { Attributes } from "../value";
import { text } from "../value";
import type { World } from "../world";
import { ApiError } from "./kind";
import { regionOf, relativeLink, selfLink } from "./links";

export const regionOfInstance = (instance: Attributes): string => regionOf(text(instance, "zone"));

const notFound = (id: string): ApiError => new ApiError(404, `The resource '${id}' was not found`, "notFound");

export function findNetwork(reference: string, project: string, world: World): Attributes {
  const id = relativeLink(reference, project, "global/networks");
  const network = world.get("google_compute_network", id);
  if (network === undefined) throw notFound(id);
  return network;
}

export function findSubnetwork(reference: string, project: string, region: string, world: World): Attributes {
  const id = relativeLink(reference, project, `regions/${region}/subnetworks`);
  const subnetwork = world.get("google_compute_subnetwork", id);
  if (subnetwork === undefined) throw notFound(id);
  return subnetwork;
}

/** Second byte of a region's /20 of 10.128.0.0/9 in every auto mode network. */
const autoRanges: Readonly<Record<string, number>> = {
  "us-central1": 128,
  "europe-west1": 132,
  "us-west1": 138,
  "asia-east1": 140,
  "us-east1": 142,
  "asia-northeast1": 146,
  "asia-southeast1": 148,
  "us-east4": 150,
  "australia-southeast1": 152,
  "europe-west2": 154,
  "europe-west3": 156,
  "southamerica-east1": 158,
  "asia-south1": 160,
  "northamerica-northeast1": 162,
  "europe-west4": 164,
  "europe-north1": 166,
  "us-west2": 168,
  "asia-east2": 170,
  "europe-west6": 172,
  "asia-northeast2": 174,
  "asia-northeast3": 178,
  "us-west3": 180,
  "us-west4": 182,
  "asia-southeast2": 184,
};

/** The region's subnetwork of an auto mode network. The real cloud makes one in every region; the lab makes those that are used. */
export function autoSubnetwork(network: Attributes, region: string, world: World): Attributes {
  const project = text(network, "project");
  const byte = autoRanges[region];
  if (network["auto_create_subnetworks"] !== true || byte === undefined) {
    throw new ApiError(
      400,
      "Invalid value for field 'resource.networkInterfaces[0]'. Subnetwork should be specified for custom subnetmode network",
      "invalid",
    );
  }
  const id = `projects/${project}/regions/${region}/subnetworks/${text(network, "name")}`;
  const existing = world.get("google_compute_subnetwork", id);
  if (existing !== undefined) return existing;
  const made: Attributes = {
    id,
    name: text(network, "name"),
    project,
    region,
    network: text(network, "self_link"),
    ip_cidr_range: `10.${byte}.0.0/20`,
    gateway_address: `10.${byte}.0.1`,
    self_link: selfLink(id),
    lab_auto: true,
  };
  world.put("google_compute_subnetwork", id, made);
  return made;
}
