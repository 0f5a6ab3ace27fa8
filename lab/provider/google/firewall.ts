/** google_compute_firewall */
import { isIPv6 } from "node:net";
import { ProviderError } from "../errors";
import { block, computed, defaulted, optional, optionalComputed, required, timeouts } from "../schema";
import { type Attributes, blocks, isList, texts, text, Unknown, type Value } from "../value";
import { between, isName, isPrefixText, oneOf } from "./checks";
import { type Kind, invalid } from "./kind";
import { sameObject } from "./links";
import { findNetwork } from "./lookup";

const rule = {
  nesting: "set",
  block: block({ protocol: required("string"), ports: optional(["list", "string"]) }),
} as const;

const sources = ["source_ranges", "source_tags", "source_service_accounts"] as const;

export const firewallKind: Kind = {
  type: "google_compute_firewall",
  noun: "Firewall",
  scope: "global",
  collection: "firewalls",
  schema: block(
    {
      id: optionalComputed("string"),
      name: required("string", { replaces: true, check: isName }),
      project: optionalComputed("string", { replaces: true }),
      network: required("string", { same: sameObject }),
      description: optional("string"),
      direction: optionalComputed("string", { replaces: true, check: oneOf("INGRESS", "EGRESS") }),
      disabled: optional("bool"),
      priority: defaulted("number", 1000, { check: between(0, 65535) }),
      source_ranges: optional(["set", "string"]),
      source_tags: optional(["set", "string"]),
      destination_ranges: optionalComputed(["set", "string"]),
      target_tags: optional(["set", "string"]),
      creation_timestamp: computed("string"),
      self_link: computed("string"),
    },
    {
      allow: rule,
      deny: rule,
      log_config: {
        nesting: "list",
        most: 1,
        block: block({ metadata: required("string", { check: oneOf("EXCLUDE_ALL_METADATA", "INCLUDE_ALL_METADATA") }) }),
      },
      timeouts: timeouts("create", "update", "delete"),
    },
  ),
  validate: (config) => {
    const given = (["allow", "deny"] as const).filter((name) => !isEmpty(config[name] ?? null));
    if (given.length === 1) return [];
    const found = given.length === 0 ? "one of `allow,deny` must be specified" : "only one of `allow,deny` can be specified";
    return [new ProviderError("Invalid combination of arguments", `"allow": ${found}`)];
  },
  plan: ({ config, planned }) => {
    const direction = planned["direction"];
    if (direction === "EGRESS" || (direction instanceof Unknown && config["direction"] !== null)) return [];
    if (sources.every((name) => isEmpty(config[name] ?? null))) {
      throw new ProviderError("one of source_tags, source_ranges, or source_service_accounts must be defined");
    }
    return [];
  },
  create: (planned, world) => {
    findNetwork(text(planned, "network"), text(planned, "project"), world);
    return completed(planned);
  },
  update: (_prior, planned, world) => {
    findNetwork(text(planned, "network"), text(planned, "project"), world);
    return completed(planned);
  },
};

const isEmpty = (value: Value): boolean => value === null || (isList(value) && value.length === 0);

function completed(planned: Attributes): Attributes {
  const direction = planned["direction"] === "EGRESS" ? "EGRESS" : "INGRESS";
  const configured = planned["destination_ranges"];
  const destinations = isList(configured) ? configured : direction === "EGRESS" ? ["0.0.0.0/0"] : [];
  const done = { ...planned, direction, destination_ranges: destinations };
  checkRanges(done, "source_ranges", "sourceRanges");
  checkRanges(done, "destination_ranges", "destinationRanges");
  for (const one of [...blocks(done, "allow"), ...blocks(done, "deny")]) checkRule(one);
  return done;
}

function checkRanges(object: Attributes, name: string, field: string): void {
  texts(object, name).forEach((range, index) => {
    const [address = "", length] = range.split("/");
    if (isPrefixText(range) || isPrefixText(`${range}/32`) || (isIPv6(address) && /^\d{1,3}$/.test(length ?? "128"))) return;
    throw invalid(`Invalid value for field 'resource.${field}[${index}]': '${range}'. Must be a valid CIDR address range.`);
  });
}

const portProtocols = new Set(["tcp", "udp", "sctp", "6", "17", "132"]);
const protocols = new Set(["tcp", "udp", "icmp", "esp", "ah", "sctp", "ipip", "all"]);

function checkRule(one: Attributes): void {
  const protocol = text(one, "protocol").toLowerCase();
  const isNumber = /^\d{1,3}$/.test(protocol) && Number(protocol) <= 255;
  if (!protocols.has(protocol) && !isNumber) {
    throw invalid(`Invalid value for field 'resource.allowed[0].IPProtocol': '${protocol}'. Not a known IP protocol.`);
  }
  const ports = texts(one, "ports");
  if (ports.length > 0 && !portProtocols.has(protocol)) {
    throw invalid(
      `Invalid value for field 'resource.allowed[0].ports'. Ports may only be specified on rules whose protocol is one of [TCP, UDP, SCTP].`,
    );
  }
  for (const port of ports) {
    const bounds = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(port);
    const [low, high] = [Number(bounds?.[1]), Number(bounds?.[2] ?? bounds?.[1])];
    if (bounds === null || low > high || high > 65535) {
      throw invalid(
        `Invalid value for field 'resource.allowed[0].ports[0]': '${port}'. Must be a port or a range of ports (low-high).`,
      );
    }
  }
}
