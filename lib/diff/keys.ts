import type { SynthesizedStack } from "../trace";
import type { ChangedKey } from "./network-diff";

/** An interface as its line in a host's `interfaces` says. */
export interface FiledInterface {
  readonly node: string;
  readonly name: string;
  readonly listenPort: number;
  readonly publicKey: string;
}

/** By "node/iface". */
export function filedInterfaces({ files }: SynthesizedStack): Map<string, FiledInterface> {
  const found = new Map<string, FiledInterface>();
  for (const [node, tree] of Object.entries(files)) {
    for (const line of (tree["etc/wgchain/interfaces"] ?? "").split("\n")) {
      const [, name, port, publicKey] = /^(\S+) mtu \d+ port (\d+) key (\S+)$/.exec(line) ?? [];
      if (name !== undefined && publicKey !== undefined)
        found.set(`${node}/${name}`, { node, name, listenPort: Number(port), publicKey });
    }
  }
  return found;
}

/** Keys of what both networks have. A key is never told, only that it is another. */
export function compareKeys(before: SynthesizedStack, after: SynthesizedStack): ChangedKey[] {
  const clientKeys = ({ wiring }: SynthesizedStack): Map<string, string> =>
    new Map(wiring.clients.map(({ name, publicKey }) => [name, publicKey]));
  const interfaceKeys = (stack: SynthesizedStack): Map<string, string> =>
    new Map([...filedInterfaces(stack)].map(([name, { publicKey }]) => [name, publicKey]));
  return [
    ...changed("interface", interfaceKeys(before), interfaceKeys(after)),
    ...changed("preshared", presharedKeys(before), presharedKeys(after)),
    ...changed("client", clientKeys(before), clientKeys(after)),
  ];
}

/** Digests by the tunnel's client end, which is the one that has an endpoint; "": none. */
function presharedKeys({ files }: SynthesizedStack): Map<string, string> {
  const found = new Map<string, string>();
  for (const [node, tree] of Object.entries(files)) {
    for (const line of (tree["etc/wgchain/peers"] ?? "").split("\n")) {
      const [name = "", , endpoint = "(none)", , , digest = "(none)"] = line.split("\t");
      if (endpoint !== "(none)") found.set(`${node}/${name}`, digest === "(none)" ? "" : digest);
    }
  }
  return found;
}

function changed(
  kind: ChangedKey["kind"],
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ChangedKey[] {
  return [...after.keys()].sort().flatMap((of): ChangedKey[] => {
    const [one, two] = [before.get(of), after.get(of)];
    if (one === undefined || one === two) return [];
    return [{ kind, of, change: one === "" ? "added" : two === "" ? "gone" : "changed" }];
  });
}
