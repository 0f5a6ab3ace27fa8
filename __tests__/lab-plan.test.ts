import type { Inventory, InventoryClient, InventoryNode } from "../lib/inventory";
import { planOf } from "../lab/plan";

const node = (name: string, address: string, more: Partial<InventoryNode> = {}): InventoryNode => ({
  name,
  host: { kind: "ssh", address, destination: address },
  uplinkMtuBytes: 1500,
  interfaces: [],
  ...more,
});
const client = (name: string): InventoryClient => ({
  name,
  node: "sz",
  interface: "wgs",
  publicKey: null,
  mtuBytes: 1400,
  addresses: [{ address: "10.66.224.2", promise: null }],
});
const inventory = (nodes: InventoryNode[], clients: InventoryClient[] = []): Inventory => ({
  version: 1,
  stack: "s",
  directory: "/d",
  nodes,
  clients,
  allocations: {},
  problems: [],
});
const gce = (sshFrom: string[]): InventoryNode => ({
  name: "gcp",
  host: {
    kind: "gce",
    instance: "google_compute_instance.x",
    externalAddress: "google_compute_address.x.address",
    user: "admin",
    sshFrom,
  },
  uplinkMtuBytes: 1460,
  interfaces: [],
});
const addressOf = (found: Inventory, name: string): string | undefined =>
  planOf("t", found).hosts.find((host) => host.name === name)?.address;

test("a namespace each for nodes, clients, internet and operator; none yet for a Google VM", () => {
  const plan = planOf("t", inventory([node("sz", "198.51.100.10"), gce(["198.51.100.200/32"])], [client("me")]));
  expect(plan.hosts.map(({ netns, address }) => `${netns} ${address}`)).toEqual([
    "t-internet 192.0.2.1",
    "t-sz 198.51.100.10",
    "t-operator 198.51.100.200",
    "t-me 198.18.0.1",
  ]);
});

test("the operator takes the first address that may open SSH and that nobody has", () => {
  expect(addressOf(inventory([node("sz", "198.51.100.1"), gce(["198.51.100.0/24"])]), "operator")).toBe("198.51.100.2");
});

test("addresses that the app leaves open avoid all that it names", () => {
  const wgs = {
    name: "wgs",
    role: "clients",
    listenPort: 1,
    mtuBytes: 1400,
    publicKey: null,
    keyMadeOn: "host",
    address: "198.18.0.1/16",
  } as const;
  const found = inventory([node("sz", "198.19.0.0", { interfaces: [wgs] })], [client("me"), client("you")]);
  expect(["operator", "me", "you"].map((name) => addressOf(found, name))).toEqual(["198.19.0.1", "198.19.0.2", "198.19.0.3"]);
});

test.each([
  ["a node and a client", inventory([node("sz", "198.51.100.10")], [client("sz")]), "client 'sz' and node 'sz' have one name"],
  [
    "a node called internet",
    inventory([node("internet", "198.51.100.10")]),
    "node 'internet' and the lab's internet host have one name",
  ],
  [
    "a client called operator",
    inventory([], [client("operator")]),
    "client 'operator' and the lab's operator host have one name",
  ],
  [
    "the lab's own address",
    inventory([node("sz", "192.0.2.1")]),
    "node 'sz' and the lab's internet host have one address, 192.0.2.1",
  ],
  [
    "one address twice",
    inventory([node("a", "1.1.1.1"), node("b", "1.1.1.1")]),
    "node 'b' and node 'a' have one address, 1.1.1.1",
  ],
])("refused: %s", (_what, found, message) => {
  expect(() => planOf("t", found)).toThrow(message);
});

test("users, ports and unknown jump hosts get their stand-ins", () => {
  const hk = node("hk", "198.51.100.20", {
    host: {
      kind: "ssh",
      address: "198.51.100.20",
      destination: "hk",
      user: "ops",
      port: 2222,
      jump: "198.51.100.10,me@bastion:2200",
    },
  });
  const plan = planOf("t", inventory([node("sz", "198.51.100.10"), hk]));
  expect(plan.hosts.find(({ name }) => name === "hk")).toMatchObject({ sshUser: "ops", sshPort: 2222 });
  expect(plan.jumpHosts).toEqual([{ name: "bastion", user: "me", port: 2200 }]);
});

test("nodes with addresses in one network share a private link", () => {
  const link = (address: string) => ({ privateLink: { address, mtuBytes: 1500 } });
  const nodes = [node("a", "1.1.1.1", link("172.16.0.1/30")), node("b", "1.1.1.2", link("172.16.0.2/30")), node("c", "1.1.1.3")];
  expect(planOf("t", inventory(nodes)).privateLinks.map(({ network, ends }) => [network, ends.map(({ host }) => host)])).toEqual([
    ["172.16.0.0/30", ["a", "b"]],
  ]);
});
