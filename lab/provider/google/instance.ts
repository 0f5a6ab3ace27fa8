/** google_compute_instance */
import { ProviderError } from "../errors";
import type { Change } from "../resource";
import { type Attributes, blocks, equal, flag, optionalNumber, optionalText, text, textMap, unknown } from "../value";
import type { World } from "../world";
import { serverId } from "./allocate";
import { instanceSchema } from "./instance-schema";
import { type Kind, invalid } from "./kind";
import { fingerprint } from "./labels";
import { lastSegment, selfLink } from "./links";
import { connected, isMoved, planInterfaces } from "./nic";

export const instanceKind: Kind = {
  type: "google_compute_instance",
  noun: "instance",
  scope: "zone",
  collection: "instances",
  schema: instanceSchema,
  plan: (change) => {
    planStatus(change);
    reopen(change, "metadata", "metadata_fingerprint");
    reopen(change, "tags", "tags_fingerprint");
    return planInterfaces(change);
  },
  create: (planned, world) => {
    const created = {
      ...planned,
      instance_id: serverId(),
      cpu_platform: optionalText(planned, "min_cpu_platform") ?? "Intel Broadwell",
      min_cpu_platform: optionalText(planned, "min_cpu_platform") ?? "",
      boot_disk: blocks(planned, "boot_disk").map((disk) => withDisk(disk, planned)),
    };
    return completed(created, { ...created, network_interface: [] }, world);
  },
  update: (prior, planned, world) => {
    const status = current(prior, world);
    const isStopped =
      status === "TERMINATED" || planned["desired_status"] === "TERMINATED" || flag(planned, "allow_stopping_for_update");
    if (needsStop(prior, planned) && !isStopped) throw new ProviderError(stopMessage);
    return completed({ ...planned, current_status: optionalText(planned, "desired_status") ?? status }, prior, world);
  },
  remove: (object) => {
    if (!flag(object, "deletion_protection")) return;
    throw new ProviderError(
      `Cannot delete instance ${text(object, "name")}: instance Deletion Protection is enabled. ` +
        'Set deletion_protection to false for this resource and run "terraform apply" before attempting to delete it.',
    );
  },
};

const stopMessage =
  "Changing the machine_type, min_cpu_platform, service_account, enable_display, shielded_instance_config, scheduling.node_affinities, " +
  "scheduling.max_run_duration or network_interface.[#d].(network/subnetwork/subnetwork_project) or advanced_machine_features on a started " +
  "instance requires stopping it. To acknowledge this, please set allow_stopping_for_update = true in your config. You can also stop it by " +
  'setting desired_status = "TERMINATED", but the instance will not be restarted after the update.';

function planStatus({ prior, planned }: Change): void {
  const desired = planned["desired_status"];
  if (prior === null && desired === "TERMINATED") {
    throw new ProviderError("When creating an instance, desired_status can only accept RUNNING value");
  }
  if (prior !== null && desired !== null && desired !== prior["current_status"]) planned["current_status"] = unknown;
}

/** A fingerprint is known again only after its content has been changed. */
function reopen({ prior, planned }: Change, content: string, mark: string): void {
  if (prior !== null && !equal(prior[content] ?? null, planned[content] ?? null)) planned[mark] = unknown;
}

function needsStop(prior: Attributes, planned: Attributes): boolean {
  const names = ["machine_type", "min_cpu_platform", "service_account", "shielded_instance_config"];
  if (names.some((name) => !equal(prior[name] ?? null, planned[name] ?? null))) return true;
  const before = blocks(prior, "network_interface");
  return blocks(planned, "network_interface").some((nic, index) => isMoved(before[index] ?? {}, nic));
}

const current = (prior: Attributes, world: World): string =>
  optionalText(world.get("google_compute_instance", text(prior, "id")) ?? prior, "current_status") ?? "RUNNING";

/** What create and update fill in alike; `before` is the instance whose addresses may be kept. */
function completed(planned: Attributes, before: Attributes, world: World): Attributes {
  checkMetadata(planned);
  return {
    ...planned,
    current_status: optionalText(planned, "current_status") ?? "RUNNING",
    network_interface: connected(planned, before, world),
    scheduling: blocks(planned, "scheduling").map(withScheduling),
    service_account: blocks(planned, "service_account").map((account) => ({
      ...account,
      email: optionalText(account, "email") ?? `0-compute@developer.gserviceaccount.com`,
    })),
    label_fingerprint: fingerprint(planned["effective_labels"] ?? null),
    metadata_fingerprint: fingerprint(planned["metadata"] ?? null),
    tags_fingerprint: fingerprint(planned["tags"] ?? null),
  };
}

function checkMetadata(planned: Attributes): void {
  if (optionalText(planned, "metadata_startup_script") === undefined) return;
  if ("startup-script" in textMap(planned, "metadata")) {
    throw new ProviderError("Error creating metadata: Cannot provide both metadata_startup_script and metadata.startup-script.");
  }
}

function withDisk(disk: Attributes, instance: Attributes): Attributes {
  const params = blocks(disk, "initialize_params")[0];
  if (params === undefined || optionalText(params, "image") === undefined) {
    throw invalid(
      "Invalid value for field 'resource.disks[0]'. Boot disk must have a source specified; set initialize_params.image",
    );
  }
  const size = optionalNumber(params, "size");
  const where = `projects/${text(instance, "project")}/zones/${lastSegment(text(instance, "zone"))}`;
  return {
    ...disk,
    device_name: optionalText(disk, "device_name") ?? "persistent-disk-0",
    source: selfLink(`${where}/disks/${text(instance, "name")}`),
    initialize_params: [
      { ...params, size: size ?? 10, type: optionalText(params, "type") ?? "pd-standard", labels: textMap(params, "labels") },
    ],
  };
}

function withScheduling(scheduling: Attributes): Attributes {
  const isPreemptible = flag(scheduling, "preemptible");
  if (isPreemptible && flag(scheduling, "automatic_restart")) {
    throw invalid("Scheduling must have preemptible be false when AutomaticRestart is true.");
  }
  return {
    ...scheduling,
    on_host_maintenance: optionalText(scheduling, "on_host_maintenance") ?? (isPreemptible ? "TERMINATE" : "MIGRATE"),
    provisioning_model: optionalText(scheduling, "provisioning_model") ?? "STANDARD",
  };
}
