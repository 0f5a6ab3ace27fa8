/** Arguments of google_compute_instance that the lab serves, as google 6.50 has them. */
import { block, computed, defaulted, optional, optionalComputed, required, timeouts } from "../schema";
import { isAddressText, isName, oneOf, onlyServed } from "./checks";
import { lastSegment, sameObject } from "./links";

const initializeParams = block({
  image: optionalComputed("string", { replaces: true }),
  size: optionalComputed("number", { replaces: true }),
  type: optionalComputed("string", { replaces: true }),
  labels: optionalComputed(["map", "string"], { replaces: true }),
});

const bootDisk = block(
  {
    auto_delete: defaulted("bool", true, { replaces: true }),
    device_name: optionalComputed("string", { replaces: true }),
    mode: defaulted("string", "READ_WRITE", { replaces: true, check: onlyServed("READ_WRITE") }),
    source: computed("string"),
  },
  { initialize_params: { nesting: "list", most: 1, replaces: true, block: initializeParams } },
);

const networkInterface = block(
  {
    name: computed("string"),
    network: optionalComputed("string", { same: sameObject }),
    subnetwork: optionalComputed("string", { same: sameObject }),
    subnetwork_project: optionalComputed("string"),
    network_ip: optionalComputed("string", {
      check: (value, name) =>
        value === "" || isAddressText(String(value)) ? undefined : `expected ${name} to be an IPv4 address, got ${String(value)}`,
    }),
    nic_type: optional("string", { replaces: true, check: oneOf("GVNIC", "VIRTIO_NET") }),
    stack_type: optionalComputed("string", { check: onlyServed("IPV4_ONLY") }),
  },
  {
    access_config: {
      nesting: "list",
      most: 1,
      block: block({
        nat_ip: optionalComputed("string"),
        network_tier: optionalComputed("string", { check: oneOf("PREMIUM", "STANDARD") }),
        public_ptr_domain_name: optional("string"),
      }),
    },
  },
);

const scheduling = block({
  automatic_restart: defaulted("bool", true),
  on_host_maintenance: optionalComputed("string", { check: oneOf("MIGRATE", "TERMINATE") }),
  preemptible: defaulted("bool", false, { replaces: true }),
  provisioning_model: optionalComputed("string", { replaces: true, check: oneOf("STANDARD", "SPOT") }),
  instance_termination_action: optional("string", { check: oneOf("STOP", "DELETE") }),
});

const shieldedInstanceConfig = block({
  enable_secure_boot: defaulted("bool", false),
  enable_vtpm: defaulted("bool", true),
  enable_integrity_monitoring: defaulted("bool", true),
});

export const instanceSchema = block(
  {
    id: optionalComputed("string"),
    name: required("string", { replaces: true, check: isName }),
    project: optionalComputed("string", { replaces: true }),
    zone: optionalComputed("string", { replaces: true, same: sameObject }),
    machine_type: required("string", { same: (a, b) => lastSegment(a) === lastSegment(b) }),
    allow_stopping_for_update: optional("bool", { local: true }),
    can_ip_forward: defaulted("bool", false),
    deletion_protection: defaulted("bool", false),
    description: optional("string", { replaces: true }),
    desired_status: optional("string", { local: true, check: oneOf("RUNNING", "TERMINATED") }),
    hostname: optional("string", { replaces: true }),
    labels: optional(["map", "string"]),
    metadata: optional(["map", "string"]),
    metadata_startup_script: optional("string", { replaces: true }),
    min_cpu_platform: optionalComputed("string"),
    tags: optional(["set", "string"]),
    cpu_platform: computed("string"),
    creation_timestamp: computed("string"),
    current_status: computed("string"),
    effective_labels: computed(["map", "string"]),
    instance_id: computed("string"),
    label_fingerprint: computed("string"),
    metadata_fingerprint: computed("string"),
    self_link: computed("string"),
    tags_fingerprint: computed("string"),
    terraform_labels: computed(["map", "string"]),
  },
  {
    boot_disk: { nesting: "list", least: 1, most: 1, replaces: true, block: bootDisk },
    network_interface: { nesting: "list", least: 1, most: 8, replaces: true, block: networkInterface },
    scheduling: { nesting: "list", most: 1, block: scheduling },
    service_account: {
      nesting: "list",
      most: 1,
      block: block({ email: optionalComputed("string"), scopes: required(["set", "string"]) }),
    },
    shielded_instance_config: { nesting: "list", most: 1, block: shieldedInstanceConfig },
    timeouts: timeouts("create", "update", "delete"),
  },
);
