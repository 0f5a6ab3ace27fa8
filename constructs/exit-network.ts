import { Construct } from "constructs";
import { Ipv4Address, Ipv4Prefix } from "../lib/address";
import { allocateAddresses, allocateNetworks, recordedOf } from "../lib/allocate-addresses";
import { unrecorded } from "../lib/model/ports";
import { ParseError } from "../lib/problem";
import { ClientInterface, type DnsProps, type WgClient } from "./client-interface";
import { readClientsFile } from "./clients-file";
import { WgNetwork } from "./network";
import { SnatLabel } from "./snat-label";
import { SourcePolicy } from "./source-policy";
import type { WgNode } from "./wg-node";
import { WgTunnel, type WgTunnelProps } from "./wg-tunnel";

/** An exit of an `ExitNetwork`, and the way to it. */
export interface ExitProps {
  /** The nodes behind the entry, in order; the last is the exit. */
  readonly through: readonly [WgNode, ...WgNode[]];
}

/** A client of an `ExitNetwork`. */
export interface ExitClientProps {
  /** Name of the exit it leaves at; a name that `exits` does not have is an error. */
  readonly exit: string;
  /** Its address, in the lower half of `addressSpace`. @default allocated from its name */
  readonly address?: string;
  /** WireGuard public key, 44 characters of base64. @default the file `keys/client.NAME.pub` in wgchain's directory */
  readonly publicKey?: string;
  /** A label of its own on the first tunnel, instead of the exit's. @default false */
  readonly ownLabel?: boolean;
}

/** What is set by hand of a tunnel that would be allocated. */
export interface LinkProps extends Partial<Omit<WgTunnelProps, "server" | "client" | "clientAddress">> {
  /** Addresses of labels, by exit, or by "EXIT/CLIENT" for a client's own. @default allocated */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What an `ExitNetwork` is made of. */
export interface ExitNetworkProps {
  /** The node that clients connect to. */
  readonly entry: WgNode;
  /** Exits by name. Nodes in `through` that two exits begin with alike are joined by the same tunnels. */
  readonly exits: Readonly<Record<string, ExitProps>>;
  /** Clients by name. @default those of `clientsFile` alone */
  readonly clients?: Readonly<Record<string, ExitClientProps>>;
  /**
   * More clients: a YAML file, relative to the app's working directory, which `wgchain client` edits. Maps `clients` by name to what
   * `ExitClientProps` has, and `revoked` by name to an address that nobody else gets. A mistake in it is a problem with line and column.
   */
  readonly clientsFile?: string;
  /** All that is allocated lies in it: clients in the lower half, a /25 for each tunnel in the upper; a /23 at least. @default "10.77.0.0/16" */
  readonly addressSpace?: string;
  /** Name of the entry's interface for clients. @default "wgs" */
  readonly clientInterface?: string;
  /** UDP port that clients connect to. @default 51820 */
  readonly listenPort?: number;
  /** Whom its clients ask for names, and whether nobody else answers. @default their configurations name nobody */
  readonly dns?: DnsProps;
  /** Whether all its tunnels use a pre-shared key; `links` may say otherwise of one. @default false */
  readonly presharedKeys?: boolean;
  /**
   * By "CLIENT_NODE-SERVER_NODE" (e.g. "sz-hk"): what is set by hand of the tunnel between the two; a name that no exit's way has is an error.
   * @default all of it is allocated
   */
  readonly links?: Readonly<Record<string, LinkProps>>;
}

interface Hop {
  readonly name: string;
  readonly client: WgNode;
  readonly server: WgNode;
}

/**
 * Exits and clients by name: one call makes the tunnels, labels and policies of a whole network. What it allocates depends on names only, so adding
 * or removing an exit or a client renumbers nothing else.
 */
export class ExitNetwork extends Construct {
  /** Its clients by name: those of `clients` and of the clients file. */
  readonly clients: ReadonlyMap<string, WgClient>;
  /** Its tunnels by "CLIENT_NODE-SERVER_NODE", e.g. "sz-hk". */
  readonly tunnels: ReadonlyMap<string, WgTunnel>;
  private readonly network: WgNetwork;
  private readonly declared: Readonly<Record<string, ExitClientProps>>;
  /** Addresses of clients that were revoked. */
  private readonly kept: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ExitNetworkProps,
  ) {
    super(scope, id);
    this.network = WgNetwork.of(this);
    [this.declared, this.kept] = this.declaredClients();
    const space = this.attempt(() => Ipv4Prefix.parse(props.addressSpace ?? "10.77.0.0/16", "addressSpace"));
    const halves = space === undefined || space.length > 23 ? undefined : halvesOf(space);
    if (space !== undefined && halves === undefined) {
      this.problem("address-space-too-small", `addressSpace ${space.toString()} is too small; take a /23 or larger`);
    }
    this.tunnels = halves === undefined ? new Map() : this.makeTunnels(halves.tunnels);
    this.clients = halves === undefined ? new Map() : this.makeClients(halves.clients);
    if (halves !== undefined) this.makePolicies();
  }

  /** Of the code and of the file. */
  private declaredClients(): [Readonly<Record<string, ExitClientProps>>, readonly string[]] {
    const { clients = {}, clientsFile, exits } = this.props;
    if (clientsFile === undefined) return [clients, []];
    const { absolute, file, problems, missing } = readClientsFile(clientsFile);
    if (missing !== undefined) this.problem("missing-clients-file", missing);
    this.network.setClientsFile({ path: absolute, exits: Object.keys(exits), revoked: file.revoked });
    for (const problem of problems) this.problem("bad-clients-file", problem);
    for (const name of Object.keys(file.clients)) {
      if (clients[name] !== undefined)
        this.problem("duplicate-name", `client '${name}' stands in ${clientsFile} and in the code; take one away`);
    }
    for (const [name, { address, keptUntil }] of Object.entries(file.revoked)) {
      const heir = Object.entries({ ...file.clients, ...clients }).find(([, client]) => client.address === address)?.[0];
      if (heir !== undefined) {
        const message = `client '${heir}' has ${address}, which was ${name}'s, who was revoked, and is kept until ${keptUntil}; take another address`;
        this.problem("revoked-address", message);
      }
    }
    return [{ ...file.clients, ...clients }, Object.values(file.revoked).map(({ address }) => address)];
  }

  /** The tunnels that the exits need; exits that start alike share them. */
  private hops(): ReadonlyMap<string, Hop> {
    const hops = new Map<string, Hop>();
    for (const { through } of Object.values(this.props.exits)) {
      [this.props.entry, ...through].slice(0, -1).forEach((client, index) => {
        const server = through[index];
        if (server !== undefined)
          hops.set(`${client.name}-${server.name}`, { name: `${client.name}-${server.name}`, client, server });
      });
    }
    return new Map([...hops].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private makeTunnels(space: Ipv4Prefix): ReadonlyMap<string, WgTunnel> {
    const hops = this.hops();
    const { links = {}, presharedKeys = false } = this.props;
    for (const name of Object.keys(links)) {
      if (!hops.has(name))
        this.problem("unknown-link", `links names '${name}', but no exit goes that way; write one of ${list([...hops.keys()])}`);
    }
    const names = [...hops.keys()].filter((name) => links[name]?.network === undefined);
    const { networks, ...rest } = allocateNetworks({
      names: names.map((name) => this.scoped(name)),
      space,
      length: 25,
      recorded: recordedOf(this.network.recorded, "tunnel-network"),
    });
    this.record("tunnel-network", networks, rest, "links[...].network");
    const tunnels = [...hops.values()].map(({ name, client, server }) => {
      const { labels: _labels, ...link } = links[name] ?? {};
      const network = networks.get(this.scoped(name));
      const tunnel = new WgTunnel(this, name, {
        presharedKey: presharedKeys,
        ...link,
        client,
        server,
        network: link.network ?? network?.toString() ?? "",
        serverAddress: link.serverAddress ?? firstOf(link.network ?? network?.toString() ?? ""),
        clientEnd: { interfaceName: `wg-${server.name}`, ...link.clientEnd },
        serverEnd: { interfaceName: `wg-${client.name}`, ...link.serverEnd },
      });
      return [name, tunnel] as const;
    });
    return new Map(tunnels);
  }

  private makeClients(network: Ipv4Prefix): ReadonlyMap<string, WgClient> {
    const { clientInterface = "wgs", dns, entry, listenPort = 51_820 } = this.props;
    const clients = this.declared;
    const own = network.nth(1);
    const served = new ClientInterface(this, clientInterface, {
      node: entry,
      address: `${own.toString()}/${network.length}`,
      listenPort,
      ...(dns === undefined ? {} : { dns }),
    });
    const { addresses, ...rest } = allocateAddresses({
      names: Object.keys(clients).map((name) => this.scoped(name)),
      network,
      taken: [own, ...this.kept.flatMap((address) => tryParse(address) ?? [])],
      byHand: this.byHand(Object.entries(clients).map(([name, { address }]) => [name, address])),
      recorded: recordedOf(this.network.recorded, "client-address"),
    });
    this.record("client-address", addresses, rest, "address");
    const made = Object.entries(clients).map(([name, { address, publicKey }]) => {
      const text = address ?? addresses.get(this.scoped(name))?.toString() ?? "";
      return [name, served.addClient(name, { addresses: [text], ...(publicKey === undefined ? {} : { publicKey }) })] as const;
    });
    return new Map(made);
  }

  private makePolicies(): void {
    const { entry, exits } = this.props;
    const clients = this.declared;
    for (const [name, { exit }] of Object.entries(clients)) {
      if (exits[exit] === undefined) {
        this.problem(
          "unknown-exit",
          `client '${name}' wants exit '${exit}', which is not there; write one of ${list(Object.keys(exits))}`,
        );
      }
    }
    const labels = this.makeLabels();
    for (const [exit, { through }] of Object.entries(exits)) {
      const members = Object.entries(clients).filter(([, client]) => client.exit === exit);
      const nodes = [entry, ...through];
      const hopNames = nodes.slice(0, -1).map((node, index) => `${node.name}-${nodes[index + 1]?.name ?? ""}`);
      const own = members.filter(([, { ownLabel }]) => ownLabel === true).map(([name]) => name);
      const shared = members.filter(([, { ownLabel }]) => ownLabel !== true).map(([name]) => name);
      hopNames.forEach((hop, index) => {
        const via = this.tunnels.get(hop);
        const node = nodes[index];
        const label = labels.get(`${hop}/${exit}`);
        if (via === undefined || node === undefined || label === undefined) return;
        const policy = (suffix: string, from: (WgClient | SnatLabel | undefined)[], snat: SnatLabel): void => {
          const present = from.filter((one) => one !== undefined);
          if (present.length > 0)
            new SourcePolicy(this, `${exit}-on-${node.name}${suffix}`, { on: node, from: present, via, snat });
        };
        if (index > 0) {
          const before = hopNames[index - 1] ?? "";
          const arriving = index === 1 ? own.map((client) => labels.get(`${before}/${exit}/${client}`)) : [];
          policy("", [labels.get(`${before}/${exit}`), ...arriving], label);
          return;
        }
        policy(
          "",
          shared.map((client) => this.clients.get(client)),
          label,
        );
        for (const client of own)
          policy(`-${client}`, [this.clients.get(client)], labels.get(`${hop}/${exit}/${client}`) ?? label);
      });
    }
  }

  /** One label an exit on every tunnel of its way, and on the first one a client where asked. By "HOP/EXIT" or "HOP/EXIT/CLIENT". */
  private makeLabels(): ReadonlyMap<string, SnatLabel> {
    const { entry, exits, links = {} } = this.props;
    const clients = this.declared;
    const wanted = new Map<string, string[]>();
    const want = (hop: string, label: string): void => void wanted.set(hop, [...(wanted.get(hop) ?? []), label]);
    for (const [exit, { through }] of Object.entries(exits)) {
      const nodes = [entry, ...through];
      nodes.slice(0, -1).forEach((node, index) => want(`${node.name}-${nodes[index + 1]?.name ?? ""}`, exit));
      const first = `${entry.name}-${through[0].name}`;
      for (const [client, { exit: theirs, ownLabel }] of Object.entries(clients)) {
        if (theirs === exit && ownLabel === true) want(first, `${exit}/${client}`);
      }
    }
    const labels = new Map<string, SnatLabel>();
    for (const [hop, names] of wanted) {
      const tunnel = this.tunnels.get(hop);
      const network = this.attempt(() => Ipv4Prefix.parse(tunnel?.network ?? "", "network"));
      if (tunnel === undefined || network === undefined) continue;
      const { addresses, ...rest } = allocateAddresses({
        names: names.map((name) => this.scoped(`${hop}/${name}`)),
        network,
        taken: [this.attempt(() => Ipv4Address.parse(tunnel.serverAddress, "serverAddress"))].filter((one) => one !== undefined),
        byHand: this.byHand(names.map((name) => [`${hop}/${name}`, links[hop]?.labels?.[name]])),
        recorded: recordedOf(this.network.recorded, "label"),
      });
      this.record("label", addresses, rest, "links[...].labels");
      for (const name of names) {
        const address = links[hop]?.labels?.[name] ?? addresses.get(this.scoped(`${hop}/${name}`))?.toString() ?? "";
        labels.set(`${hop}/${name}`, new SnatLabel(this, `${hop}-${name.replaceAll("/", "-")}`, { tunnel, address }));
      }
    }
    return labels;
  }

  private byHand(entries: readonly (readonly [string, string | undefined])[]): Map<string, Ipv4Address> {
    const parsed = entries.flatMap(([name, text]) => {
      // What does not parse is reported where it is used.
      const address = text === undefined ? undefined : tryParse(text);
      return address === undefined ? [] : [[this.scoped(name), address] as const];
    });
    return new Map(parsed);
  }

  private record(
    kind: string,
    values: ReadonlyMap<string, { toString(): string }>,
    { collisions, exhausted }: { readonly collisions: readonly string[]; readonly exhausted: readonly string[] },
    setting: string,
  ): void {
    for (const [name, value] of values) this.network.addAllocation(kind, name, value.toString());
    for (const name of collisions.filter((one) => !exhausted.includes(one))) {
      const [code, path, message] = unrecorded(kind, name, this.node.path, setting);
      this.network.addProblem({ code, path, message });
    }
    for (const name of exhausted)
      this.problem("address-space-full", `nothing is left for ${kind} '${name}'; take a larger addressSpace`);
  }

  private scoped(name: string): string {
    return `${this.node.id}/${name}`;
  }

  private attempt<T>(parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      this.problem(error.code, error.message);
      return undefined;
    }
  }

  private problem(code: string, message: string): void {
    this.network.addProblem({ code, path: this.node.path, message });
  }
}

function halvesOf(space: Ipv4Prefix): { clients: Ipv4Prefix; tunnels: Ipv4Prefix } {
  const length = space.length + 1;
  return { clients: Ipv4Prefix.around(space.nth(0), length), tunnels: Ipv4Prefix.around(space.nth(space.size / 2), length) };
}

function firstOf(network: string): string {
  try {
    return Ipv4Prefix.parse(network).nth(1).toString();
  } catch {
    return "";
  }
}

function tryParse(text: string): Ipv4Address | undefined {
  try {
    return Ipv4Address.parse(text);
  } catch {
    return undefined;
  }
}

const list = (names: readonly string[]): string => (names.length === 0 ? "(none)" : names.map((name) => `'${name}'`).join(", "));
