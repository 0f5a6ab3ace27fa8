import type { Interface, Network } from "../model/model";
import type { Problems } from "../problem";

/** Names and numbers that Linux or WireGuard would take once only. */
export function checkUniqueness(network: Network, problems: Problems): void {
  const unique = (code: string, what: string, setting: string) => {
    const seen = new Map<string, string>();
    return (key: string, shown: string, path: string): boolean => {
      const other = seen.get(key);
      if (other !== undefined)
        problems.report(code, path, `${what} ${shown} is used by '${other}' and '${path}'; set ${setting} on one`);
      seen.set(key, path);
      return other === undefined;
    };
  };
  const nodeName = unique("name-used-twice", "node name", "another name");
  for (const node of network.nodes) nodeName(node.name, `'${node.name}'`, node.path);
  const clientName = unique("name-used-twice", "client name", "another name");
  for (const client of network.clients) clientName(client.name, `'${client.name}'`, client.path);

  const interfaceName = unique("interface-used-twice", "interface", "another interfaceName");
  const port = unique("port-used-twice", "listenPort", "another listenPort");
  for (const one of interfacesOf(network)) {
    // Ports are by name: two of one name have one port, which is no second mistake.
    if (!interfaceName(`${one.node.path} ${one.name}`, `'${one.name}' of '${one.node.name}'`, one.path)) continue;
    port(`${one.node.path} ${one.listenPort}`, `${one.listenPort} of '${one.node.name}'`, one.path);
  }
  const key = unique("public-key-used-twice", "public key", "another key");
  for (const one of [...interfacesOf(network), ...network.clients]) {
    const owner = "node" in one ? `${one.node.name}/${one.name}` : `client ${one.name}`;
    if (one.publicKey !== null) key(one.publicKey, `${one.publicKey} (${owner})`, one.path);
  }
}

export function interfacesOf(network: Network): readonly Interface[] {
  return [...network.tunnels.flatMap(({ server, client }) => [server, client]), ...network.clientInterfaces];
}
