import { natRules } from "../lab/cloud-nat";
import type { CloudObjects } from "../lab/provider/cloud";
import type { Vm } from "../lab/vm";

const vm = (host: string, last: number): Vm =>
  ({ host, instanceId: host, internalAddress: `10.170.${last}.2`, externalAddress: `203.0.113.${last}` }) as Vm;
const instance = (instanceId: string) => ({
  instanceId,
  canIpForward: false,
  tags: [instanceId],
  networkInterfaces: [{ network: instanceId }],
});
const firewall = {
  direction: "INGRESS",
  disabled: false,
  network: "b",
  targetTags: ["b"],
  priority: 1000,
  sourceRanges: ["203.0.113.1/32"],
  sourceTags: [],
  destinationRanges: [],
  rules: [{ action: "allow", protocol: "udp", ports: ["51820"] }],
};

test("what comes in is held against the firewall after SNAT: another VM's rule names its external address", () => {
  const objects = { instances: [instance("a"), instance("b")], firewalls: [firewall] } as unknown as CloudObjects;
  const chains = natRules([vm("a", 1), vm("b", 2)], objects).split("  chain ");
  const delivered = chains.find((one) => one.startsWith("delivered ")) ?? "";
  expect(delivered).toContain("type filter hook postrouting priority srcnat + 10; policy accept;");
  expect(delivered.match(/jump \S+/g)).toEqual(["jump ingress-0", "jump ingress-1"]);
  expect(chains.find((one) => one.startsWith("ingress-1 "))).toContain(
    "ip saddr { 203.0.113.1/32 } ip protocol udp th dport { 51820 } accept",
  );
  expect(chains.filter((one) => one.includes("jump ingress-"))).toHaveLength(1);
});
