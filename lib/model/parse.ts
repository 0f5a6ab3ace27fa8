import { DeferredAddress, InterfaceAddress, Ipv4Address, Ipv4Prefix } from "../address";
import type { ClientIntent, ClientInterfaceIntent, LabelIntent, NetworkIntent, NodeIntent } from "../intent";
import { parseInteger, parseInterfaceName, parseName, parseNodeName } from "../name";
import { onDemand } from "../on-demand";
import { Problems } from "../problem";
import { parseTimeSpan } from "../time-span";
import { keyMend, parseKey, type Incomplete, type ParseContext } from "./context";
import type { Client, ClientInterface, Label, Network, Node } from "./model";
import { gceMtuBytes, linkMtuBytes, repairSeconds, sshPort } from "./numbers";
import { parsePolicies } from "./parse-policies";
import { clientInterfaceMtu, parseTunnel } from "./parse-tunnel";
import { parseResolvers } from "./parse-resolvers";
import { allocatePorts } from "./ports";
import { sshFields } from "./ssh";

export interface Parsed {
  readonly network: Network;
  readonly problems: Problems;
  readonly incomplete: Incomplete;
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
    incomplete: { arrivals: new Set(), policies: new Set() },
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
    ...parseInwards(intent, context),
  };
  return { network, problems, incomplete: context.incomplete, ports: context.ports };
}

function parseInwards(
  { gateways = [], forwards = [] }: NetworkIntent,
  context: ParseContext,
): Pick<Network, "gateways" | "forwards"> {
  if (gateways.length + forwards.length === 0) return { gateways: [], forwards: [] };
  const { parseGateways, parseForwards } = onDemand.parseForwards();
  return { gateways: parseGateways(gateways, context), forwards: parseForwards(forwards, context) };
}

function keep<T>(map: Map<string, T>, path: string, value: T | undefined): void {
  if (value !== undefined) map.set(path, value);
}

function parseNode(intent: NodeIntent, problems: Problems): Node | undefined {
  const { path, host } = intent;
  const mtu = (value: number, what: string, range: { readonly least: number; readonly most: number }): number =>
    parseInteger(value, what, range.least, range.most, "mtu-out-of-range");
  const fields = problems.attemptAll(path, {
    name: () => parseNodeName(intent.name),
    address: () => (intent.address instanceof DeferredAddress ? intent.address : Ipv4Address.parse(intent.address)),
    uplinkMtuBytes: () =>
      host.kind === "gce"
        ? mtu(intent.uplinkMtuBytes, "networkMtuBytes", gceMtuBytes)
        : mtu(intent.uplinkMtuBytes, "mtuBytes", linkMtuBytes),
    privateAddress: () =>
      intent.privateAddress === undefined ? undefined : InterfaceAddress.parse(intent.privateAddress, "privateAddress"),
    privateMtuBytes: () => mtu(intent.privateMtuBytes, "privateMtuBytes", linkMtuBytes),
    subnetwork: () => (host.kind === "gce" ? Ipv4Prefix.parse(host.subnetwork, "subnetwork") : undefined),
    repairEvery: () => (intent.repairEvery === undefined ? undefined : parseRepairEvery(intent.repairEvery)),
    ...(host.kind === "ssh" ? sshFields(host) : {}),
  });
  if (fields === undefined) return undefined;
  const { name, address, uplinkMtuBytes, privateAddress, privateMtuBytes, subnetwork, repairEvery } = fields;
  return {
    path,
    name,
    address,
    kind: host.kind,
    uplinkMtuBytes,
    ...(privateAddress === undefined ? {} : { privateLink: { address: privateAddress, mtuBytes: privateMtuBytes } }),
    exit: intent.exit,
    ...(host.kind === "ssh" ? { sshDestination: host.destination } : {}),
    sshPort: (host.kind === "ssh" ? host.port : undefined) ?? sshPort,
    ...(subnetwork === undefined ? {} : { subnetwork }),
    ...(repairEvery === undefined ? {} : { repairEvery }),
  };
}

const parseRepairEvery = (text: string): string => parseTimeSpan(text, "repairEvery", repairSeconds.least, repairSeconds.most);

function parseClientInterface(intent: ClientInterfaceIntent, context: ParseContext): ClientInterface | undefined {
  const { problems } = context;
  const node = context.nodes.get(intent.node);
  const publicKey =
    node && parseKey(intent.key, intent.path, `interface ${intent.name} of ${node.name}`, problems, keyMend(node));
  const fields = problems.attemptAll(intent.path, {
    address: () => InterfaceAddress.parse(intent.address),
    name: () => parseInterfaceName(intent.name),
    mtuBytes: () => (node === undefined ? 0 : clientInterfaceMtu(intent, node)),
    dns: () => (intent.dns === undefined ? undefined : parseResolvers(intent.dns)),
  });
  if (fields === undefined || node === undefined || publicKey === undefined) {
    context.incomplete.arrivals.add(intent.node);
    return undefined;
  }
  const { dns, ...others } = fields;
  return {
    ...others,
    ...(dns === undefined ? {} : { dns }),
    path: intent.path,
    node,
    role: "clients" as const,
    network: fields.address.network,
    listenPort: context.ports.get(`${node.name}/${intent.name}`) ?? 0,
    publicKey,
  };
}

function parseLabel(intent: LabelIntent, context: ParseContext): Label | undefined {
  const fields = context.problems.attemptAll(intent.path, {
    name: () => parseName(intent.name, "label name"),
    address: () => Ipv4Address.parse(intent.address),
  });
  const tunnel = context.tunnels.get(intent.tunnel);
  return fields === undefined || tunnel === undefined ? undefined : { ...fields, path: intent.path, tunnel };
}

function parseClient(intent: ClientIntent, context: ParseContext): Client | undefined {
  const { problems } = context;
  const mend = "put the output of the client's 'wg pubkey' there, or make a pair here with 'wgchain keys --clients'";
  const publicKey = parseKey(intent.key, intent.path, `client ${intent.name}`, problems, mend);
  const addresses = intent.addresses.flatMap((text) => problems.attempt(intent.path, () => Ipv4Address.parse(text)) ?? []);
  if (intent.addresses.length === 0) problems.report("no-address", intent.path, "addresses is empty; give the client one");
  const name = problems.attempt(intent.path, () => parseName(intent.name, "client name"));
  const clientInterface = context.clientInterfaces.get(intent.interface);
  if (name === undefined || clientInterface === undefined) return undefined;
  return { path: intent.path, name, interface: clientInterface, addresses, publicKey };
}
