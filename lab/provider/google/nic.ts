/** Network interfaces of an instance: which subnetwork, which addresses. */
import { Ipv4Prefix } from "../../../lib/address";
import type { Path } from "../errors";
import type { Change } from "../resource";
import { type Attributes, blocks, equal, isAttributes, isList, optionalText, text, unknown, type Value } from "../value";
import type { World } from "../world";
import { freeExternal, freeInternal, isUsable, takenExternal, takenInternal } from "./allocate";
import { invalid } from "./kind";
import { regionOf } from "./links";
import { autoSubnetwork, findNetwork, findSubnetwork } from "./lookup";

const changed = (name: string, a: Attributes, b: Attributes): boolean => !equal(a[name] ?? null, b[name] ?? null);

export const isMoved = (before: Attributes, after: Attributes): boolean =>
  ["network", "subnetwork", "subnetwork_project"].some((name) => changed(name, before, after));

/** A move to another network leaves open what was computed in the old one; an address cannot change where it is. */
export function planInterfaces({ prior, config, planned }: Change): Path[] {
  const [before, after] = [prior?.["network_interface"], planned["network_interface"]];
  if (!isList(before) || !isList(after) || before.length !== after.length) return [];
  const replace: Path[] = [];
  planned["network_interface"] = after.map((nic, index): Value => {
    const was = before[index];
    if (!isAttributes(nic) || !isAttributes(was)) return nic;
    if (isMoved(was, nic)) return reopened(nic, blocks(config, "network_interface")[index] ?? {});
    if (changed("network_ip", was, nic)) replace.push(["network_interface", index, "network_ip"]);
    return nic;
  });
  return replace;
}

function reopened(nic: Attributes, configured: Attributes): Attributes {
  const open = ["network", "subnetwork", "subnetwork_project", "network_ip"].filter(
    (name) => (configured[name] ?? null) === null,
  );
  return { ...nic, ...Object.fromEntries(open.map((name) => [name, unknown])) };
}

/** The instance's interfaces with everything computed; an ephemeral address that it had `before` may stay its own. */
export function connected(instance: Attributes, before: Attributes, world: World): readonly Attributes[] {
  const external = new Map(takenExternal(world, text(instance, "id")));
  const seen = new Map<string, string[]>();
  return blocks(instance, "network_interface").map((nic, index) => {
    const subnetwork = subnetworkOf(nic, instance, world);
    const own = seen.get(text(subnetwork, "id")) ?? [];
    const networkIp = internalAddress(nic, subnetwork, instance, own, world);
    seen.set(text(subnetwork, "id"), [...own, networkIp]);
    return {
      ...nic,
      name: `nic${index}`,
      network: optionalText(nic, "network") ?? text(subnetwork, "network"),
      subnetwork: optionalText(nic, "subnetwork") ?? text(subnetwork, "self_link"),
      subnetwork_project: optionalText(nic, "subnetwork_project") ?? text(subnetwork, "project"),
      network_ip: networkIp,
      stack_type: optionalText(nic, "stack_type") ?? "IPV4_ONLY",
      access_config: blocks(nic, "access_config").map((config) => {
        const natIp = externalAddress(config, index, before, external);
        external.set(natIp, { usedBy: text(instance, "id") });
        return { ...config, nat_ip: natIp, network_tier: optionalText(config, "network_tier") ?? "PREMIUM" };
      }),
    };
  });
}

function subnetworkOf(nic: Attributes, instance: Attributes, world: World): Attributes {
  const project = text(instance, "project");
  const region = regionOf(text(instance, "zone"));
  const reference = optionalText(nic, "subnetwork");
  const network = optionalText(nic, "network");
  if (reference !== undefined) {
    const subnetwork = findSubnetwork(reference, optionalText(nic, "subnetwork_project") ?? project, region, world);
    if (text(subnetwork, "region") !== region) {
      throw invalid(
        `Invalid value for field 'resource.networkInterfaces[0].subnetwork': '${reference}'. The referenced subnetwork resource is not in region '${region}'.`,
      );
    }
    const its = findNetwork(text(subnetwork, "network"), text(subnetwork, "project"), world);
    if (network !== undefined && text(findNetwork(network, project, world), "id") !== text(its, "id")) {
      throw invalid(
        `Invalid value for field 'resource.networkInterfaces[0].subnetwork': '${reference}'. Subnetwork is not in network '${network}'.`,
      );
    }
    return subnetwork;
  }
  if (network === undefined) throw invalid("exactly one of network, subnetwork, or network_attachment must be provided");
  return autoSubnetwork(findNetwork(network, project, world), region, world);
}

function internalAddress(nic: Attributes, subnetwork: Attributes, instance: Attributes, own: string[], world: World): string {
  const range = Ipv4Prefix.parse(text(subnetwork, "ip_cidr_range"));
  const taken = new Map(takenInternal(text(subnetwork, "id"), world, text(instance, "id")));
  for (const address of own) taken.set(address, { usedBy: text(instance, "id") });
  const wanted = optionalText(nic, "network_ip");
  if (wanted === undefined) return freeInternal(range, taken);
  if (!isUsable(range, wanted)) {
    throw invalid(
      `Invalid value for field 'resource.networkInterfaces[0].networkIP': '${wanted}'. Requested internal IP address is outside the subnetwork range '${range.toString()}'.`,
    );
  }
  if (taken.get(wanted)?.usedBy !== undefined) {
    throw invalid(`IP_IN_USE_BY_ANOTHER_RESOURCE: IP '${wanted}' is already being used by another resource.`);
  }
  return wanted;
}

type External = ReturnType<typeof takenExternal>;

/** Without a wish an ephemeral address; a wish must be a reserved address, or the ephemeral one that the instance has. */
function externalAddress(config: Attributes, index: number, before: Attributes, taken: External): string {
  const wanted = optionalText(config, "nat_ip");
  if (wanted === undefined) return freeExternal(taken);
  const holder = taken.get(wanted);
  if (holder?.usedBy !== undefined) throw invalid(`External IP address: ${wanted} is already in-use.`);
  const region = regionOf(text(before, "zone"));
  const isReserved = holder?.reservedBy?.includes(`/regions/${region}/`) ?? false;
  if (!isReserved && !hadAddress(before, wanted)) {
    const field = `resource.networkInterfaces[${index}].accessConfigs[0].natIP`;
    throw invalid(
      `Invalid value for field '${field}': '${wanted}'. The specified external IP address '${wanted}' was not found in region '${region}'.`,
    );
  }
  return wanted;
}

const hadAddress = (before: Attributes, address: string): boolean =>
  blocks(before, "network_interface").some((nic) => blocks(nic, "access_config").some((config) => config["nat_ip"] === address));
