/** What the lab needs to know of the cloud to build it from namespaces: the complete set of objects, plainly typed, sorted by id. */
import { blocks, flag, optionalNumber, optionalText, text, textMap, texts, type Attributes } from "./value";
import { relativeLink } from "./google/links";
import type { World } from "./world";

/** `id` is the path below the API, e.g. projects/p/global/networks/n; references to other objects are such ids too. */
export interface CloudObject {
  readonly id: string;
  readonly selfLink: string;
  readonly project: string;
  readonly name: string;
}

export interface CloudNetwork extends CloudObject {
  readonly mtu: number;
}

export interface CloudSubnetwork extends CloudObject {
  readonly region: string;
  readonly network: string;
  readonly cidr: string;
  readonly gateway: string;
}

export interface CloudAddress extends CloudObject {
  readonly region: string;
  readonly type: "EXTERNAL" | "INTERNAL";
  readonly address: string;
}

export interface CloudFirewallRule {
  readonly action: "allow" | "deny";
  /** As configured: a name (tcp, udp, icmp, all ...) or a number. */
  readonly protocol: string;
  /** Single ports and ranges ("8000-8100"); empty means all. */
  readonly ports: readonly string[];
}

export interface CloudFirewall extends CloudObject {
  readonly network: string;
  readonly direction: "INGRESS" | "EGRESS";
  readonly priority: number;
  readonly disabled: boolean;
  readonly rules: readonly CloudFirewallRule[];
  readonly sourceRanges: readonly string[];
  readonly sourceTags: readonly string[];
  readonly destinationRanges: readonly string[];
  /** Empty means every instance of the network. */
  readonly targetTags: readonly string[];
}

export interface CloudNetworkInterface {
  readonly name: string;
  readonly network: string;
  readonly subnetwork: string;
  readonly networkIp: string;
  /** The external address that is 1:1 NAT to `networkIp`; none without an access_config. */
  readonly natIp?: string;
}

export interface CloudInstance extends CloudObject {
  readonly zone: string;
  /** New for every new machine, also one of the same name. */
  readonly instanceId: string;
  readonly status: "RUNNING" | "TERMINATED";
  readonly machineType: string;
  readonly canIpForward: boolean;
  readonly bootImage: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** With `startup-script` when it was given as metadata_startup_script. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly networkInterfaces: readonly CloudNetworkInterface[];
}

export interface CloudObjects {
  readonly networks: readonly CloudNetwork[];
  readonly subnetworks: readonly CloudSubnetwork[];
  readonly addresses: readonly CloudAddress[];
  readonly firewalls: readonly CloudFirewall[];
  readonly instances: readonly CloudInstance[];
}

export function objectsOf(world: World): CloudObjects {
  return {
    networks: world.all("google_compute_network").map(network),
    subnetworks: world.all("google_compute_subnetwork").map(subnetwork),
    addresses: world.all("google_compute_address").map(address),
    firewalls: world.all("google_compute_firewall").map(firewall),
    instances: world.all("google_compute_instance").map(instance),
  };
}

const common = (from: Attributes): CloudObject => ({
  id: text(from, "id"),
  selfLink: text(from, "self_link"),
  project: text(from, "project"),
  name: text(from, "name"),
});

const network = (from: Attributes): CloudNetwork => ({ ...common(from), mtu: optionalNumber(from, "mtu") ?? 1460 });

const subnetwork = (from: Attributes): CloudSubnetwork => ({
  ...common(from),
  region: text(from, "region"),
  network: linkOf(from, "network", "global/networks"),
  cidr: text(from, "ip_cidr_range"),
  gateway: text(from, "gateway_address"),
});

const address = (from: Attributes): CloudAddress => ({
  ...common(from),
  region: text(from, "region"),
  type: from["address_type"] === "INTERNAL" ? "INTERNAL" : "EXTERNAL",
  address: text(from, "address"),
});

const firewall = (from: Attributes): CloudFirewall => ({
  ...common(from),
  network: linkOf(from, "network", "global/networks"),
  direction: from["direction"] === "EGRESS" ? "EGRESS" : "INGRESS",
  priority: optionalNumber(from, "priority") ?? 1000,
  disabled: flag(from, "disabled"),
  rules: (["allow", "deny"] as const).flatMap((action) =>
    blocks(from, action).map((rule) => ({ action, protocol: text(rule, "protocol"), ports: texts(rule, "ports") })),
  ),
  sourceRanges: texts(from, "source_ranges"),
  sourceTags: texts(from, "source_tags"),
  destinationRanges: texts(from, "destination_ranges"),
  targetTags: texts(from, "target_tags"),
});

function instance(from: Attributes): CloudInstance {
  const startupScript = optionalText(from, "metadata_startup_script");
  const disk = blocks(from, "boot_disk")[0] ?? {};
  const region = text(from, "zone").replace(/-[^-]+$/, "");
  return {
    ...common(from),
    zone: text(from, "zone"),
    instanceId: text(from, "instance_id"),
    status: from["current_status"] === "TERMINATED" ? "TERMINATED" : "RUNNING",
    machineType: text(from, "machine_type"),
    canIpForward: flag(from, "can_ip_forward"),
    bootImage: text(blocks(disk, "initialize_params")[0] ?? {}, "image"),
    tags: texts(from, "tags"),
    labels: textMap(from, "effective_labels"),
    metadata: { ...textMap(from, "metadata"), ...(startupScript === undefined ? {} : { "startup-script": startupScript }) },
    networkInterfaces: blocks(from, "network_interface").map((nic) => {
      const natIp = optionalText(blocks(nic, "access_config")[0] ?? {}, "nat_ip");
      return {
        name: text(nic, "name"),
        network: relativeLink(text(nic, "network"), text(from, "project"), "global/networks"),
        subnetwork: relativeLink(text(nic, "subnetwork"), text(from, "project"), `regions/${region}/subnetworks`),
        networkIp: text(nic, "network_ip"),
        ...(natIp === undefined ? {} : { natIp }),
      };
    }),
  };
}

const linkOf = (from: Attributes, name: string, collection: string): string =>
  relativeLink(text(from, name), text(from, "project"), collection);
