import type { NetworkIntent } from "../intent";
import type { Problems } from "../problem";

/** A partner from another stack would be left out in silence: each stack is a network of its own. */
export function checkReferences(intent: NetworkIntent, problems: Problems): void {
  const paths = (things: readonly { readonly path: string }[]): ReadonlySet<string> => new Set(things.map(({ path }) => path));
  const [nodes, tunnels, labels, interfaces] = [intent.nodes, intent.tunnels, intent.labels, intent.clientInterfaces].map(paths);
  const check = (path: string, partner: string | undefined, known: ReadonlySet<string> | undefined): void => {
    if (partner === undefined || known?.has(partner)) return;
    problems.report(
      "partner-elsewhere",
      path,
      `refers to ${partner}, which is not in this stack; write all of one network into one stack`,
    );
  };
  for (const { path, node } of intent.clientInterfaces) check(path, node, nodes);
  for (const client of intent.clients) check(client.path, client.interface, interfaces);
  for (const { path, server, client } of intent.tunnels) for (const { node } of [server, client]) check(path, node, nodes);
  for (const { path, tunnel } of intent.labels) check(path, tunnel, tunnels);
  for (const { path, node } of [...(intent.gateways ?? []), ...(intent.forwards ?? [])]) check(path, node, nodes);
  for (const { path, node, via, label, from, failover } of intent.policies) {
    for (const other of failover?.others ?? []) {
      check(path, other.tunnel, tunnels);
      check(path, other.label, labels);
    }
    check(path, node, nodes);
    if (via !== "uplink") check(path, via.tunnel, tunnels);
    check(path, label, labels);
    for (const source of from) {
      if ("label" in source) check(path, source.label, labels);
      if ("tunnel" in source) check(path, source.tunnel, tunnels);
    }
  }
}
