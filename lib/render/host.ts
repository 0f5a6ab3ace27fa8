import type { HostPlan } from "../plan/host-plan";
import { elementLines } from "./elements";
import { failoverLines, failoverUnits } from "./failover";
import { gatewayLines } from "./gateway";
import { renderNftables } from "./nftables";
import { repairUnits } from "./repair";
import { resolverLines } from "./resolvers";
import { addressLines, interfaceLines, networkObjects, peerLines, probeLines, routeLines, ruleLines, sourceLines } from "./state";
import { dropIn, networkdConf, packagesOf, sysctls, unit } from "./system";
import { renderWgQuick, wgQuickHooks } from "./wg-quick";

export interface RenderedHost {
  readonly node: string;
  /** Path below the host's root, without leading slash, to text. Deferred addresses stand as `@{NAME}`. */
  readonly files: Readonly<Record<string, string>>;
  /** One key an object (peer, rule, route, source, short file): what Terraform compares and shows. */
  readonly objects: Readonly<Record<string, string>>;
}

export function renderHost(plan: HostPlan): RenderedHost {
  const nftables = renderNftables(plan);
  const system: Record<string, string> = {
    ...repairUnits(plan),
    ...failoverUnits(plan),
    "etc/sysctl.d/90-wgchain.conf": sysctls(plan),
    "etc/systemd/networkd.conf.d/wgchain.conf": networkdConf,
    "etc/systemd/system/wgchain.service": unit,
    "etc/wgchain/packages": text(packagesOf(plan)),
  };
  for (const { name } of plan.interfaces) system[`etc/systemd/system/wg-quick@${name}.service.d/wgchain.conf`] = dropIn;
  const state = {
    interfaces: interfaceLines(plan),
    addresses: addressLines(plan),
    peers: peerLines(plan),
    probes: probeLines(plan),
    rules: ruleLines(plan),
    routes: routeLines(plan),
    sources: sourceLines(plan),
    ...gatewayLines(plan),
    ...failoverLines(plan),
    ...resolverLines(plan),
  };
  const files: Record<string, string> = {
    ...system,
    "etc/wgchain/nftables.nft": nftables,
    "etc/wgchain/elements": text(elementLines(plan)),
  };
  for (const [name, lines] of Object.entries(state)) files[`etc/wgchain/${name}`] = text(lines.map(({ line }) => line).sort());
  for (const one of plan.interfaces) files[`etc/wireguard/${one.name}.conf`] = renderWgQuick(one, plan.unmanaged);

  // What is in the nft sets follows from the other objects.
  const objects: Record<string, string> = { nftables, "wg-quick hooks": text(wgQuickHooks), ...networkObjects(plan) };
  for (const [path, content] of Object.entries(system)) objects[`file /${path}`] = content;
  for (const lines of Object.values(state)) {
    for (const { key, value } of lines) objects[key] = value;
  }
  if (plan.unmanaged === true) return { node: plan.node, files: sortKeys(handedOver(files)), objects: {} };
  return { node: plan.node, files: sortKeys(files), objects: sortKeys(objects) };
}

/** Units, packages and whatever else serves the program are for hosts that have it. */
const handedOver = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files).filter(
      ([path]) => /^etc\/(wireguard|wgchain|sysctl\.d)\//.test(path) && path !== "etc/wgchain/packages",
    ),
  );

const text = (lines: readonly string[]): string => (lines.length === 0 ? "" : `${lines.join("\n")}\n`);

function sortKeys(record: Record<string, string>): Record<string, string> {
  const sorted: Record<string, string> = {};
  for (const key of Object.keys(record).sort()) sorted[key] = record[key] ?? "";
  return sorted;
}
