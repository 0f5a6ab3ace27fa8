import { routerPort } from "./network";
import type { CloudFirewall, CloudInstance, CloudObjects } from "./provider/cloud";
import type { Vm } from "./vm";

/**
 * What Google's network does around a VM, as one nftables transaction for the internet host: 1:1 NAT between the external address and
 * the interface's own, the VPC firewall (stateful; ingress denied and egress allowed unless a rule says otherwise), and no packet from a VM
 * with a source other than its own (can_ip_forward = false) or without an external address.
 */
export function natRules(vms: readonly Vm[], objects: CloudObjects): string {
  const chains: string[] = [];
  const ingress: string[] = [];
  const egress: string[] = [];
  const spoof: string[] = [];
  const dnat: string[] = [];
  const snat: string[] = [];
  for (const [index, vm] of vms.entries()) {
    const instance = objects.instances.find(({ instanceId }) => instanceId === vm.instanceId);
    if (instance === undefined) continue;
    const port = JSON.stringify(routerPort(vm.host));
    if (!instance.canIpForward) spoof.push(`iifname ${port} ip saddr != ${vm.internalAddress} drop`);
    ingress.push(`oifname ${port} jump ingress-${index}`);
    egress.push(`iifname ${port} jump egress-${index}`);
    chains.push(
      chain(`ingress-${index}`, ["ct state established,related accept", ...rules(instance, objects, "INGRESS"), "drop"]),
    );
    const outside = vm.externalAddress === undefined ? ["drop"] : [];
    chains.push(
      chain(`egress-${index}`, ["ct state established,related accept", ...rules(instance, objects, "EGRESS"), ...outside]),
    );
    if (vm.externalAddress === undefined) continue;
    dnat.push(`ip daddr ${vm.externalAddress} dnat to ${vm.internalAddress}`);
    snat.push(`ip saddr ${vm.internalAddress} snat to ${vm.externalAddress}`);
  }
  return [
    "table ip lab-cloud",
    "delete table ip lab-cloud",
    "table ip lab-cloud {",
    ...chains,
    chain("spoof", ["type filter hook prerouting priority raw; policy accept;", ...spoof]),
    chain("to-vm", ["type nat hook prerouting priority dstnat; policy accept;", ...dnat]),
    chain("own-to-vm", ["type nat hook output priority -100; policy accept;", ...dnat]),
    chain("from-vm", ["type nat hook postrouting priority srcnat; policy accept;", ...snat]),
    // the internet host's own services see the external address too
    chain("from-vm-here", ["type nat hook input priority 100; policy accept;", ...snat]),
    chain("forwarded", ["type filter hook forward priority filter; policy accept;", ...egress]),
    chain("received", ["type filter hook input priority filter; policy accept;", ...egress]),
    // After SNAT: another VM comes with its external address, as rules name it.
    chain("delivered", ["type filter hook postrouting priority srcnat + 10; policy accept;", ...ingress]),
    "}",
    "",
  ].join("\n");
}

const chain = (name: string, lines: readonly string[]): string =>
  [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), "  }"].join("\n");

function rules(instance: CloudInstance, objects: CloudObjects, direction: CloudFirewall["direction"]): string[] {
  return objects.firewalls
    .filter((firewall) => applies(firewall, instance, direction))
    .sort((a, b) => a.priority - b.priority || Number(isDeny(b)) - Number(isDeny(a)))
    .flatMap((firewall) => firewall.rules.flatMap((rule) => ruleLines(firewall, rule, objects)));
}

const isDeny = (firewall: CloudFirewall): boolean => firewall.rules.some(({ action }) => action === "deny");

function applies(firewall: CloudFirewall, instance: CloudInstance, direction: CloudFirewall["direction"]): boolean {
  if (firewall.disabled || firewall.direction !== direction) return false;
  if (!instance.networkInterfaces.some(({ network }) => network === firewall.network)) return false;
  return firewall.targetTags.length === 0 || firewall.targetTags.some((tag) => instance.tags.includes(tag));
}

function ruleLines(firewall: CloudFirewall, rule: CloudFirewall["rules"][number], objects: CloudObjects): string[] {
  const far = peers(firewall, objects).filter((prefix) => !prefix.includes(":"));
  if (far.length === 0) return [];
  // a match on all of IPv4 is left out: nft knows no 0.0.0.0/0 in a set beside other prefixes
  const side = firewall.direction === "INGRESS" ? "saddr" : "daddr";
  const match = far.includes("0.0.0.0/0") ? "" : `ip ${side} { ${far.join(", ")} } `;
  const verdict = rule.action === "allow" ? "accept" : "drop";
  if (rule.protocol === "all") return [`${match}${verdict}`];
  const protocol = rule.protocol === "ipip" ? "4" : rule.protocol;
  if (rule.ports.length === 0) return [`${match}ip protocol ${protocol} ${verdict}`];
  return [`${match}ip protocol ${protocol} th dport { ${rule.ports.join(", ")} } ${verdict}`];
}

function peers(firewall: CloudFirewall, objects: CloudObjects): string[] {
  if (firewall.direction === "EGRESS")
    return firewall.destinationRanges.length === 0 ? ["0.0.0.0/0"] : [...firewall.destinationRanges];
  const tagged = objects.instances
    .filter(({ tags }) => firewall.sourceTags.some((tag) => tags.includes(tag)))
    .flatMap(({ networkInterfaces }) =>
      networkInterfaces.filter(({ network }) => network === firewall.network).map(({ networkIp }) => networkIp),
    );
  return [...firewall.sourceRanges, ...tagged];
}
