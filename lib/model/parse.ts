import { DeferredAddress, InterfaceAddress, Ipv4Address, Ipv4Prefix } from "../address";
import type { ClientIntent, ClientInterfaceIntent, KeyIntent, LabelIntent, NetworkIntent, NodeIntent } from "../intent";
import { parsePublicKey } from "../key";
import { parseInteger, parseInterfaceName, parseName, parseNodeName, parseSshDestination, parseUserName } from "../name";
import { Problems } from "../problem";
import type { Client, ClientInterface, Label, Network, Node, Tunnel } from "./model";
import { gceMtuBytes, linkMtuBytes } from "./numbers";
import { parsePolicies } from "./parse-policies";
import { clientInterfaceMtu, parseTunnel } from "./parse-tunnel";
import { allocatePorts } from "./ports";

/** What is shared while an intent is parsed: things by their construct's path, and the problems so far. */
export interface ParseContext {
  readonly problems: Problems;
  readonly nodes: Map<string, Node>;
  readonly tunnels: Map<string, Tunnel>;
  readonly labels: Map<string, Label>;
  readonly clientInterfaces: Map<string, ClientInterface>;
  /** Listen port by "node/interface". */
  readonly ports: ReadonlyMap<string, number>;
}

export interface Parsed {
  readonly network: Network;
  readonly problems: Problems;
  readonly ports: ReadonlyMap<string, number>;
}

/** From text to types. What can't be parsed is reported and left out, so that all problems are found in one go. */
export function parseNetwork(intent: NetworkIntent): Parsed {
  const problems = new Problems();
  const context: ParseContext = {
    problems,
    nodes: new Map(),
    tunnels: new Map(),
    labels: new Map(),
    clientInterfaces: new Map(),
    ports: allocatePorts(intent, problems),
  };
  for (const node of intent.nodes) keep(context.nodes, node.path, parseNode(node, problems));
  for (const one of intent.clientInterfaces) keep(context.clientInterfaces, one.path, parseClientInterface(one, context));
  for (const tunnel of intent.tunnels) keep(context.tunnels, tunnel.path, parseTunnel(tunnel, context));
  for (const label of intent.labels) keep(context.labels, label.path, parseLabel(label, context));
  const clients = intent.clients.flatMap((client) => parseClient(client, context) ?? []);
  const policies = parsePolicies(intent.policies, context);
  const network: Network = {
    nodes: [...context.nodes.values()],
    tunnels: [...context.tunnels.values()],
    labels: [...context.labels.values()],
    clientInterfaces: [...context.clientInterfaces.values()],
    clients,
    policies,
  };
  return { network, problems, ports: context.ports };
}

function keep<T>(map: Map<string, T>, path: string, value: T | undefined): void {
  if (value !== undefined) map.set(path, value);
}

function parseNode(intent: NodeIntent, problems: Problems): Node | undefined {
  const { path, host } = intent;
  return problems.attempt(path, () => {
    const range = host.kind === "gce" ? gceMtuBytes : linkMtuBytes;
    if (host.kind === "ssh") {
      parseSshDestination(host.destination);
      if (host.user !== undefined) parseUserName(host.user);
      if (host.port !== undefined) parseInteger(host.port, "ssh port", 1, 65_535, "port-out-of-range");
      if (host.jump !== undefined) host.jump.split(",").forEach(parseSshDestination);
    }
    const privateLink =
      intent.privateAddress === undefined
        ? undefined
        : {
            address: InterfaceAddress.parse(intent.privateAddress, "privateAddress"),
            mtuBytes: parseInteger(
              intent.privateMtuBytes,
              "privateMtuBytes",
              linkMtuBytes.least,
              linkMtuBytes.most,
              "mtu-out-of-range",
            ),
          };
    return {
      path,
      name: parseNodeName(intent.name),
      address: intent.address instanceof DeferredAddress ? intent.address : Ipv4Address.parse(intent.address),
      kind: host.kind,
      uplinkMtuBytes: parseInteger(
        intent.uplinkMtuBytes,
        host.kind === "gce" ? "networkMtuBytes" : "mtuBytes",
        range.least,
        range.most,
        "mtu-out-of-range",
      ),
      ...(privateLink === undefined ? {} : { privateLink }),
      exit: intent.exit,
      ...(host.kind === "gce" ? { subnetwork: Ipv4Prefix.parse(host.subnetwork, "subnetwork") } : {}),
    };
  });
}

/** Missing is a problem of its own code, the one that `wgchain keys` mends. */
export function parseKey(key: KeyIntent, path: string, what: string, problems: Problems): string | null {
  const { text } = key;
  if (text === undefined) {
    problems.report(
      "missing-public-key",
      path,
      `${what} has no public key: ${key.source} is not there; run 'wgchain keys' to make it`,
    );
    return null;
  }
  return problems.attempt(path, () => parsePublicKey(text, `public key of ${what} (${key.source})`)) ?? null;
}

function parseClientInterface(intent: ClientInterfaceIntent, context: ParseContext): ClientInterface | undefined {
  const { problems } = context;
  const node = context.nodes.get(intent.node);
  if (node === undefined) return undefined;
  const publicKey = parseKey(intent.key, intent.path, `interface ${intent.name} of ${node.name}`, problems);
  return problems.attempt(intent.path, () => {
    const address = InterfaceAddress.parse(intent.address);
    return {
      path: intent.path,
      name: parseInterfaceName(intent.name),
      node,
      role: "clients" as const,
      network: address.network,
      address,
      listenPort: context.ports.get(`${node.name}/${intent.name}`) ?? 0,
      mtuBytes: clientInterfaceMtu(intent, node),
      publicKey,
    };
  });
}

function parseLabel(intent: LabelIntent, context: ParseContext): Label | undefined {
  const tunnel = context.tunnels.get(intent.tunnel);
  if (tunnel === undefined) return undefined;
  return context.problems.attempt(intent.path, () => ({
    path: intent.path,
    name: parseName(intent.name, "label name"),
    tunnel,
    address: Ipv4Address.parse(intent.address),
  }));
}

function parseClient(intent: ClientIntent, context: ParseContext): Client | undefined {
  const { problems } = context;
  const publicKey = parseKey(intent.key, intent.path, `client ${intent.name}`, problems);
  const addresses = intent.addresses.flatMap((text) => problems.attempt(intent.path, () => Ipv4Address.parse(text)) ?? []);
  const clientInterface = context.clientInterfaces.get(intent.interface);
  if (clientInterface === undefined) return undefined;
  return problems.attempt(intent.path, () => ({
    path: intent.path,
    name: parseName(intent.name, "client name"),
    interface: clientInterface,
    addresses,
    publicKey,
  }));
}
