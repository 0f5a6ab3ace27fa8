import type { Inventory, InventoryInterface, InventoryNode } from "../lib/inventory";
import { parseName, parseNodeName } from "../lib/name";
import { CliError } from "../app/error";

export interface Selected {
  readonly node: InventoryNode;
  readonly interfaces: readonly InventoryInterface[];
}

export interface SelectedInterface {
  readonly node: InventoryNode;
  readonly one: InventoryInterface;
}

/** What NODE and NODE/IFACE arguments mean; none: everything. */
export function selectInterfaces(inventory: Inventory, names: readonly string[]): readonly Selected[] {
  const all = inventory.nodes
    .map((node) => ({ node, interfaces: node.interfaces }))
    .filter(({ interfaces }) => interfaces.length > 0);
  if (names.length === 0) return all;
  const known = allInterfaces(inventory);
  for (const name of names) {
    if (known.some(({ node, one }) => name === node.name || name === fullName(node, one))) continue;
    throw new CliError(
      `'${name}' is no node or NODE/IFACE of this app; it has ${list(known.map(({ node, one }) => fullName(node, one)))}${alsoFails(inventory)}`,
    );
  }
  const wanted = (node: string, one: string): boolean => names.includes(node) || names.includes(`${node}/${one}`);
  return all
    .map(({ node, interfaces }) => ({ node, interfaces: interfaces.filter(({ name }) => wanted(node.name, name)) }))
    .filter(({ interfaces }) => interfaces.length > 0);
}

/** One NODE/IFACE. */
export function selectInterface(inventory: Inventory, name: string): SelectedInterface {
  const known = allInterfaces(inventory);
  const found = known.find(({ node, one }) => name === fullName(node, one));
  if (found !== undefined) return found;
  throw new CliError(
    `'${name}' is no NODE/IFACE of this app; it has ${list(known.map(({ node, one }) => fullName(node, one)))}${alsoFails(inventory)}`,
  );
}

/** Nodes by name; none: all that carry something. */
export function selectNodes(inventory: Inventory, names: readonly string[]): readonly InventoryNode[] {
  const { nodes } = inventory;
  if (names.length === 0) return nodes.filter(({ interfaces }) => interfaces.length > 0);
  return [...new Set(names)].map((name) => {
    const node = nodes.find((one) => one.name === name);
    if (node !== undefined) return node;
    throw new CliError(`'${name}' is no node of this app; it has ${list(nodes.map((one) => one.name))}${alsoFails(inventory)}`);
  });
}

/** Without those of somebody else's; who is named and left out is told of, and asking for nobody else is an error. */
export function managedNodes(nodes: readonly InventoryNode[], note: (text: string) => void): readonly InventoryNode[] {
  const managed = nodes.filter(isManaged);
  const others = nodes.filter((node) => !isManaged(node)).map(({ name }) => name);
  if (others.length === 0) return nodes;
  const text = `${others.join(", ")}: somebody else's host (Host.unmanaged), which is not asked`;
  if (managed.length === 0) throw new CliError(text);
  note(text);
  return managed;
}

export const isManaged = ({ host }: InventoryNode): boolean => host.kind !== "unmanaged";

export const fullName = (node: InventoryNode, one: InventoryInterface): string => `${node.name}/${one.name}`;

/** As files are named for it. */
export const keyName = (node: InventoryNode, one: InventoryInterface): string =>
  `${parseNodeName(node.name)}.${parseName(one.name, "interface name")}`;

const allInterfaces = ({ nodes }: Inventory): readonly SelectedInterface[] =>
  nodes.flatMap((node) => node.interfaces.map((one) => ({ node, one })));

const list = (names: readonly string[]): string => names.join(", ") || "none";

/** A node that does not parse is not in the inventory: then its problem says why a name is unknown. */
function alsoFails({ nodes, problems }: Inventory): string {
  const left = problems.filter(
    ({ code }) => !["missing-public-key", "missing-preshared-key", "unrecorded-allocation"].includes(code),
  );
  const unheard = left.filter(({ path }) => !nodes.some(({ name }) => path.split("/").includes(name)));
  return unheard.length === 0
    ? ""
    : `; its checks also fail: ${unheard.map(({ path, message }) => `${path}: ${message}`).join("; ")}`;
}
