import { allocate } from "../allocate";
import type { NetworkIntent } from "../intent";
import type { Problems } from "../problem";
import { parseInteger } from "../name";
import { listenPorts } from "./numbers";

interface Wanted {
  readonly path: string;
  readonly node: string;
  readonly key: string;
  readonly port: number | undefined;
}

/** UDP port of every WireGuard interface, by "node/interface": by hand, recorded, or allocated, a node for itself. */
export function allocatePorts(intent: NetworkIntent, problems: Problems): ReadonlyMap<string, number> {
  const nodeNames = new Map(intent.nodes.map((node) => [node.path, node.name]));
  const recorded = intent.recorded["port"] ?? {};
  const byNode = new Map<string, Wanted[]>();
  for (const wanted of interfacesOf(intent, nodeNames)) byNode.set(wanted.node, [...(byNode.get(wanted.node) ?? []), wanted]);

  const ports = new Map<string, number>();
  for (const wanted of byNode.values()) {
    const pinned = new Map<string, number>();
    for (const { path, key, port } of wanted) {
      if (port === undefined) continue;
      problems.attempt(path, () => {
        parseInteger(port, "listenPort", 1, 65_535, "port-out-of-range");
        pinned.set(key, port - listenPorts.first);
      });
    }
    const allocation = allocate({
      names: wanted.map(({ key }) => key),
      slots: listenPorts.slots,
      pinned,
      recorded: new Map(
        Object.entries(recorded).flatMap(([key, port]) =>
          typeof port === "number" ? [[key, port - listenPorts.first] as const] : [],
        ),
      ),
    });
    for (const [key, slot] of allocation.slots) ports.set(key, listenPorts.first + slot);
    for (const key of allocation.collisions) {
      const path = wanted.find((one) => one.key === key)?.path ?? key;
      problems.report(...unrecorded("port", key, path, "listenPort"));
    }
  }
  return ports;
}

function interfacesOf(intent: NetworkIntent, nodeNames: ReadonlyMap<string, string>): Wanted[] {
  const ends = intent.tunnels.flatMap((tunnel) => [tunnel.server, tunnel.client].map((end) => ({ path: tunnel.path, end })));
  return [
    ...ends.map(({ path, end }) => ({ path, node: end.node, name: end.interfaceName, port: end.listenPort })),
    ...intent.clientInterfaces.map(({ path, node, name, listenPort }) => ({ path, node, name, port: listenPort })),
  ].map(({ path, node, name, port }) => ({ path, node, key: `${nodeNames.get(node) ?? node}/${name}`, port }));
}

/** The problem of a collision that is not on record; arguments of `Problems.report`. */
export function unrecorded(kind: string, name: string, path: string, setting: string): [string, string, string] {
  return [
    "unrecorded-allocation",
    path,
    `the ${kind} of '${name}' collides with another's and is not on record; run 'wgchain keys', which records allocations, or set ${setting} by hand`,
  ];
}
