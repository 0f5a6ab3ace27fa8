import { InterfaceAddress, Ipv4Address } from "../address";
import type { NetworkIntent } from "../intent";
import { sshFields } from "../model/ssh";
import { parseNodeName } from "../name";
import type { Problems } from "../problem";

/** Nodes that leave: the next deploy reaches and cleans their hosts, so they are parsed as strictly as those that stay, and none of them may stay. */
export function checkRemoved({ nodes, removed }: NetworkIntent, problems: Problems): void {
  const living = new Map(nodes.map(({ name, path }) => [name, path]));
  const leaving = new Map<string, string>();
  for (const { path, name, address, host, privateAddress } of removed) {
    problems.attemptAll(path, {
      name: () => parseNodeName(name),
      address: () => Ipv4Address.parse(address),
      privateAddress: () => privateAddress === undefined || InterfaceAddress.parse(privateAddress, "privateAddress"),
      ...sshFields(host),
    });
    const other = living.get(name);
    if (other !== undefined) {
      problems.report(
        "removed-node-lives",
        path,
        `node '${name}' is removed here, but '${other}' has that name: its host would be cleaned; take one of the two away`,
      );
    }
    const twin = leaving.get(name);
    if (twin !== undefined) {
      problems.report("name-used-twice", path, `node '${name}' is removed by '${twin}' and '${path}'; take one of the two away`);
    }
    leaving.set(name, path);
  }
}
