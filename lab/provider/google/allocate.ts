/** Addresses and numbers that the cloud gives out; always the lowest free address, so that a lab is the same each time. */
import { randomInt } from "node:crypto";
import type { Ipv4Prefix } from "../../../lib/address";
import { Ipv4Address } from "../../../lib/address";
import { type Attributes, blocks, optionalText, text } from "../value";
import type { World } from "../world";
import { ApiError } from "./kind";
import { regionOf, relativeLink } from "./links";

/** Nineteen digits, never given twice. */
export const serverId = (): string =>
  `${randomInt(1, 9)}${String(randomInt(1e9)).padStart(9, "0")}${String(randomInt(1e9)).padStart(9, "0")}`;

const poolFirst = Ipv4Address.parse("203.0.113.10").value;
const poolLast = Ipv4Address.parse("203.0.113.254").value;

export interface Taken {
  /** Id of the address resource that holds it, if any. */
  readonly reservedBy?: string;
  /** Id of the instance that answers at it, if any. */
  readonly usedBy?: string;
}

/** External addresses reserved or in use; `except` is an instance that gives up its own. */
export function takenExternal(world: World, except?: string): ReadonlyMap<string, Taken> {
  const taken = new Map<string, Taken>();
  for (const [id, object] of world.entries("google_compute_address")) {
    if (object["address_type"] !== "INTERNAL") taken.set(text(object, "address"), { reservedBy: id });
  }
  for (const [id, instance] of world.entries("google_compute_instance")) {
    if (id === except) continue;
    for (const config of blocks(instance, "network_interface").flatMap((nic) => blocks(nic, "access_config"))) {
      const address = optionalText(config, "nat_ip");
      if (address !== undefined) taken.set(address, { ...taken.get(address), usedBy: id });
    }
  }
  return taken;
}

/** Internal addresses reserved or in use in a subnetwork. */
export function takenInternal(subnetwork: string, world: World, except?: string): ReadonlyMap<string, Taken> {
  const taken = new Map<string, Taken>();
  const isHere = (object: Attributes, project: string, region: string): boolean =>
    relativeLink(optionalText(object, "subnetwork") ?? "", project, `regions/${region}/subnetworks`) === subnetwork;
  for (const [id, object] of world.entries("google_compute_address")) {
    if (isHere(object, text(object, "project"), text(object, "region"))) taken.set(text(object, "address"), { reservedBy: id });
  }
  for (const [id, instance] of world.entries("google_compute_instance")) {
    const region = regionOf(text(instance, "zone"));
    for (const nic of blocks(instance, "network_interface")) {
      if (id === except || !isHere(nic, text(instance, "project"), region)) continue;
      const address = text(nic, "network_ip");
      taken.set(address, { ...taken.get(address), usedBy: id });
    }
  }
  return taken;
}

export function freeExternal(taken: ReadonlyMap<string, Taken>): string {
  return lowestFree(poolFirst, poolLast, taken, "Quota 'IN_USE_ADDRESSES' exceeded: the lab has 203.0.113.10 to 203.0.113.254");
}

/** The first two addresses of a range (network and gateway) and its last two are the cloud's own. */
export function freeInternal(range: Ipv4Prefix, taken: ReadonlyMap<string, Taken>): string {
  return lowestFree(range.base + 2, range.last - 2, taken, `IP space of '${range.toString()}' is exhausted.`);
}

export const isUsable = (range: Ipv4Prefix, address: string): boolean => {
  const { value } = Ipv4Address.parse(address);
  return value >= range.base + 2 && value <= range.last - 2;
};

function lowestFree(first: number, last: number, taken: ReadonlyMap<string, Taken>, exhausted: string): string {
  for (let value = first; value <= last; value++) {
    const address = Ipv4Address.of(value).toString();
    if (!taken.has(address)) return address;
  }
  throw new ApiError(403, exhausted, "quotaExceeded");
}
