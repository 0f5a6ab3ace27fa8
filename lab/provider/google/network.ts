/** google_compute_network */
import { block, computed, defaulted, optional, optionalComputed, required, timeouts } from "../schema";
import { type Attributes, blocks, optionalNumber, text } from "../value";
import type { World } from "../world";
import { isName, oneOf } from "./checks";
import { type Kind, inUse, invalid } from "./kind";
import { relativeLink } from "./links";
import { serverId } from "./allocate";

export const networkKind: Kind = {
  type: "google_compute_network",
  noun: "Network",
  scope: "global",
  collection: "networks",
  schema: block(
    {
      id: optionalComputed("string"),
      name: required("string", { replaces: true, check: isName }),
      project: optionalComputed("string", { replaces: true }),
      auto_create_subnetworks: defaulted("bool", true, { replaces: true }),
      description: optional("string", { replaces: true }),
      mtu: optionalComputed("number"),
      routing_mode: optionalComputed("string", { check: oneOf("REGIONAL", "GLOBAL") }),
      network_firewall_policy_enforcement_order: defaulted("string", "AFTER_CLASSIC_FIREWALL", {
        check: oneOf("BEFORE_CLASSIC_FIREWALL", "AFTER_CLASSIC_FIREWALL"),
      }),
      gateway_ipv4: computed("string"),
      network_id: computed("string"),
      numeric_id: computed("string"),
      self_link: computed("string"),
    },
    { timeouts: timeouts("create", "update", "delete") },
  ),
  create: (planned) => {
    const mtu = checkedMtu(planned) ?? 1460;
    const number = serverId();
    const routing_mode = typeof planned["routing_mode"] === "string" ? planned["routing_mode"] : "REGIONAL";
    return { ...planned, mtu, routing_mode, gateway_ipv4: "", network_id: number, numeric_id: number };
  },
  update: (_prior, planned) => {
    checkedMtu(planned);
    return planned;
  },
  remove: (object, world) => {
    const id = text(object, "id");
    // The subnetworks of an auto mode network are the network's own.
    for (const [subnetwork, its] of world.entries("google_compute_subnetwork")) {
      if (its["lab_auto"] === true && uses(its, id)) world.delete("google_compute_subnetwork", subnetwork);
    }
    const user = firstUser(id, world);
    if (user !== undefined) throw inUse("network", id, user);
  },
};

/** Passes validate and plan and fails here, as in the real cloud. */
function checkedMtu(planned: Attributes): number | undefined {
  const mtu = optionalNumber(planned, "mtu");
  if (mtu === undefined || (mtu >= 1300 && mtu <= 8896)) return mtu;
  const bound = mtu < 1300 ? "greater than or equal to 1300" : "less than or equal to 8896";
  throw invalid(`Invalid value for field 'resource.mtu': '${mtu}'. Must be ${bound}`);
}

const uses = (object: Attributes, id: string): boolean =>
  typeof object["network"] === "string" && relativeLink(object["network"], text(object, "project"), "global/networks") === id;

function firstUser(id: string, world: World): string | undefined {
  for (const [instance, object] of world.entries("google_compute_instance")) {
    const project = text(object, "project");
    if (blocks(object, "network_interface").some((nic) => uses({ ...nic, project }, id))) return instance;
  }
  for (const type of ["google_compute_subnetwork", "google_compute_firewall"] as const) {
    const user = world.entries(type).find(([, object]) => uses(object, id));
    if (user !== undefined) return user[0];
  }
  return undefined;
}
