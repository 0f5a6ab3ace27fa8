import { Construct } from "constructs";
import { Ipv4Address, Ipv4Prefix } from "../lib/address";
import { allocateAddresses, allocateNetworks, recordedOf } from "../lib/allocate-addresses";
import { unrecorded } from "../lib/model/ports";
import { ParseError } from "../lib/problem";
import { ClientInterface, type WgClient } from "./client-interface";
import { readClientsFile } from "./clients-file";
import { listName, stagesOf, UndecidableList, type Stage } from "./exit-ways";
import type { ExitClientProps, ExitNetworkProps } from "./exit-network-props";
import { WgNetwork } from "./network";
import { SnatLabel } from "./snat-label";
import { SourcePolicy } from "./source-policy";
import type { WgNode } from "./wg-node";
import { WgTunnel } from "./wg-tunnel";

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
        this.problem(
          "unknown-link",
          `links names '${name}', but no exit goes that way; write one of ${quoted([...hops.keys()])}`,
        );
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

  /** Every exit alone, and what clients choose of several; what is wrong with these is told. */
  private stages(): readonly Stage[] {
    const { entry, exits } = this.props;
    const ways = Object.fromEntries(Object.entries(exits).map(([name, { through }]) => [name, through.map((node) => node.name)]));
    const known = new Map<string, ReturnType<typeof this.wrongWith>>();
    const lists = Object.entries(this.declared).flatMap(([name, { exit }]) => {
      const list = listOf(exit);
      const key = listName(list);
      if (!known.has(key)) known.set(key, this.wrongWith(list, ways));
      const wrong = known.get(key);
      if (wrong === undefined) return [list];
      this.problem(wrong.code, `client '${name}' ${wrong.message}`);
      return [];
    });
    return stagesOf(entry.name, ways, [...Object.keys(exits).map((exit) => [exit]), ...lists]);
  }

  private wrongWith(
    list: readonly string[],
    ways: Readonly<Record<string, readonly string[]>>,
  ): { readonly code: string; readonly message: string } | undefined {
    const unknown = list.find((exit) => ways[exit] === undefined);
    if (unknown !== undefined) {
      const message = `wants exit '${unknown}', which is not there; write one of ${quoted(Object.keys(ways))}`;
      return { code: "unknown-exit", message };
    }
    if (list.length === 0) return { code: "unknown-exit", message: `names no exit; write one of ${quoted(Object.keys(ways))}` };
    if (new Set(list).size < list.length)
      return { code: "choice-twice", message: `wants ${list.join(", ")}; name each exit once` };
    try {
      stagesOf(this.props.entry.name, ways, [list]);
      return undefined;
    } catch (error) {
      if (!(error instanceof UndecidableList)) throw error;
      return { code: "undecidable-exits", message: `wants ${list.join(", ")}, but ${error.message}` };
    }
  }

  private makePolicies(): void {
    const { entry, exits, failover } = this.props;
    const stages = this.stages();
    const labels = this.makeLabels(stages);
    const nodes = new Map([entry, ...Object.values(exits).flatMap(({ through }) => through)].map((node) => [node.name, node]));
    for (const stage of stages) {
      const on = nodes.get(stage.node);
      const via = stage.hops.flatMap(({ name }) => this.tunnels.get(name) ?? []);
      const policy = (suffix: string, from: (WgClient | SnatLabel | undefined)[], own = ""): void => {
        const present = from.filter((one) => one !== undefined);
        const snat = stage.hops.flatMap(({ name, list }) => labels.get(`${name}/${listName(list)}${own}`) ?? []);
        if (on === undefined || present.length === 0 || snat.length === 0 || snat.length < stage.hops.length) return;
        const probing = stage.hops.length > 1 && failover !== undefined ? { failover } : {};
        new SourcePolicy(this, `${listName(stage.list)}-on-${stage.node}${suffix}`, { on, from: present, via, snat, ...probing });
      };
      const members = this.membersOf(stage.list);
      if (stage.before !== undefined) {
        const arriving = `${stage.before}/${listName(stage.list)}`;
        const theirs = stage.depth === 1 ? [...labels].filter(([name]) => name.startsWith(`${arriving}/`)) : [];
        policy("", [labels.get(arriving), ...theirs.map(([, label]) => label)]);
        continue;
      }
      policy(
        "",
        members.filter(([, { ownLabel }]) => ownLabel !== true).map(([client]) => this.clients.get(client)),
      );
      for (const [client, { ownLabel }] of members)
        if (ownLabel === true) policy(`-${client}`, [this.clients.get(client)], `/${client}`);
    }
  }

  private membersOf(list: readonly string[]): (readonly [string, ExitClientProps])[] {
    return Object.entries(this.declared).filter(([, { exit }]) => listName(listOf(exit)) === listName(list));
  }

  /** One label a list of exits on every tunnel of its way, and on the first one a client where asked. By "HOP/LIST" or "HOP/LIST/CLIENT". */
  private makeLabels(stages: readonly Stage[]): ReadonlyMap<string, SnatLabel> {
    const { links = {} } = this.props;
    const wanted = new Map<string, Set<string>>();
    for (const { hops, list: all, before } of stages) {
      const own = before === undefined ? this.membersOf(all).filter(([, { ownLabel }]) => ownLabel === true) : [];
      for (const { name, list } of hops) {
        const known = wanted.get(name) ?? new Set<string>();
        for (const label of [listName(list), ...own.map(([client]) => `${listName(list)}/${client}`)]) known.add(label);
        wanted.set(name, known);
      }
    }
    const labels = new Map<string, SnatLabel>();
    for (const [hop, known] of wanted) {
      const names = [...known];
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

const listOf = (exit: ExitClientProps["exit"]): readonly string[] => [exit].flat();
const quoted = (names: readonly string[]): string =>
  names.length === 0 ? "(none)" : names.map((name) => `'${name}'`).join(", ");
