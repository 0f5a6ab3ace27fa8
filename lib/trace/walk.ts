import { privateLink, splitEndpoint, uplink, type Peer, type TraceHost, type WgInterface } from "./host";
import type { Ip } from "./ip";
import type { Line } from "./line";
import { runChain, type Chain, type Sight } from "./nft";
import type { Flow, Packet } from "./packet";
import type { Answer } from "./routing";
import type { TraceClient, World } from "./world";

/** How a packet ended. */
export type End = "left" | "delivered" | "dropped" | "unreachable" | "too-big" | "expired" | "loop";

export interface Verdict {
  /** How it ended. */
  readonly end: End;
  /** Host or client where it ended; for "left" the one it left from. */
  readonly at: string;
  /** Why, in words. */
  readonly why: string;
  /** What decided it. */
  readonly line?: Line;
  /** "too-big": what would go through. */
  readonly mtuBytes?: number;
  /** "delivered": the private network of `at` in which a machine has it. */
  readonly lan?: string;
  /** "expired", "unreachable", "too-big": from which address the host says so; undefined: it cannot. */
  readonly answers?: Ip;
  /** It says so, but the message is lost at this host, for this reason. */
  readonly lost?: {
    /** The host. */
    readonly at: string;
    /** Why, in words. */
    readonly why: string;
  };
}

type Said = Pick<Verdict, "answers" | "lost">;

/** One host that the packet came through. */
export interface Hop {
  /** The host or client. */
  readonly at: string;
  /** The interface that it came in by. */
  readonly iif: string;
  /** The interface that it left by; absent: it went no further. */
  oif?: string;
  /** As it left this host. */
  source: Ip;
  destination: Ip;
  /** What a traceroute shows of this host; undefined: nothing. Clients and the sender itself have none. */
  answers?: Ip;
  /** MTU of the interface or route that it left by, bytes. */
  mtuBytes?: number;
  /** WireGuard's packets around it do not fit their link, or it did not fit itself and was cut. */
  fragments?: true;
  /** The largest packet whose WireGuard packet fits the link, bytes. */
  linkMtuBytes?: number;
  /** Its fwmark, where it has one. */
  mark?: number;
  /** The routing table that decided. */
  table?: string;
  /** Lines that decided something here, in their order; only when asked for. */
  readonly lines: Line[];
}

type Place = { readonly host: TraceHost; readonly iif: string } | { readonly client: TraceClient; readonly sends: boolean };
type Next = Place | Verdict;

const mostHops = 64;
const wireguardBytes = 60;
const natPriority = -100;

const markText = (mark: number): string => (mark === 0 ? "no mark" : `mark 0x${mark.toString(16)}`);

/** Takes one packet from place to place until it ends. Remembers flows, so that a reply can be walked after it. */
export class Walk {
  readonly hops: Hop[] = [];

  constructor(
    private readonly world: World,
    readonly packet: Packet,
    readonly flows: Flow[],
    /** "error": what a host says of a packet, to its sender. */
    private readonly reply: boolean | "error",
    private readonly noted: boolean,
  ) {}

  run(from: Place): Verdict {
    let place = from;
    for (let count = 0; count < mostHops; count++) {
      const next = "host" in place ? this.atHost(place.host, place.iif) : this.atClient(place.client, place.sends);
      if ("end" in next) return next;
      place = next;
    }
    return { end: "loop", at: "host" in place ? place.host.name : place.client.wired.name, why: `${mostHops} hosts and no end` };
  }

  private atClient(client: TraceClient, sends: boolean): Next {
    const { name, node, interface: ifaceName, publicKey, mtuBytes } = client.wired;
    const { packet } = this;
    const hop = this.begin(name, sends ? "lo" : "wg");
    if (!sends) {
      return client.addresses.has(packet.destination)
        ? { end: "delivered", at: name, why: "it is the client's own address" }
        : { end: "dropped", at: name, why: "it is none of the client's addresses" };
    }
    hop.oif = "wg";
    hop.mtuBytes = mtuBytes;
    if (packet.sizeBytes > mtuBytes) {
      if (packet.dontFragment) return { end: "too-big", at: name, why: `the client's MTU is ${mtuBytes}`, mtuBytes };
      hop.fragments = true;
    }
    const host = this.world.hosts.get(node);
    const iface = host?.interfaces.get(ifaceName);
    if (host === undefined || iface === undefined) {
      return { end: "dropped", at: name, why: `${node} has no interface ${ifaceName}` };
    }
    return this.receive(host, iface, publicKey);
  }

  private atHost(host: TraceHost, iif: string): Next {
    const { packet } = this;
    const hop = this.begin(host.name, iif);
    const known = this.reply === false ? undefined : this.knownFlow(host);
    const flow = known ?? this.newFlow(host);
    const sight: Sight = {
      packet,
      iif,
      oif: "",
      flow,
      reply: known !== undefined,
      fib: host,
      ...(this.noted ? { note: (line) => hop.lines.push(line) } : {}),
    };
    const received = iif !== "lo";
    if (received) {
      const dropped = this.filter(host, hop, sight, "prerouting", (chain) => chain.priority < natPriority);
      if (dropped !== undefined) return dropped;
      if (sight.reply) packet.destination = flow.source;
      else this.translate(host, hop, sight, flow);
      const late = this.filter(host, hop, sight, "prerouting", ({ priority, type }) => priority >= natPriority && type !== "nat");
      if (late !== undefined) return late;
    }
    hop.mark = packet.mark;
    const { source, destination, mark } = packet;
    if (!received && !host.owns(source)) {
      return { end: "dropped", at: host.name, why: `the host has no address ${this.world.format(source)} to send from` };
    }
    const answer = host.routing.lookup({ source, destination, iif, mark });
    this.note(hop, answer);
    if (answer?.route.dev === undefined) return this.unreachable(host, answer);
    hop.table = answer.rule.table;
    if (received) {
      const martian = this.checkSource(host, iif, answer, hop);
      if (martian !== undefined) return martian;
    }
    if (answer.route.local === true) {
      const dropped = this.filter(host, hop, sight, "input");
      return dropped ?? { end: "delivered", at: host.name, why: "it is the host's own address", line: answer.route.line };
    }
    return this.send(host, hop, { ...sight, oif: answer.route.dev }, flow, received);
  }

  /** From the routing decision to the wire. */
  private send(host: TraceHost, hop: Hop, sight: Sight, flow: Flow, received: boolean): Next {
    const { packet } = this;
    const { oif } = sight;
    hop.oif = oif;
    hop.mtuBytes = host.mtuOf(oif);
    if (received) {
      const said = this.said(host);
      if (said.answers !== undefined) hop.answers = said.answers;
      if (!host.forwards) return { end: "dropped", at: host.name, why: "the host does not forward (net.ipv4.ip_forward)" };
      if (packet.ttl <= 1) return { end: "expired", at: host.name, why: "its time to live is over", ...said };
      packet.ttl--;
      if (packet.sizeBytes > hop.mtuBytes && packet.dontFragment) {
        const why = `${packet.sizeBytes} bytes do not fit ${oif}, whose MTU is ${hop.mtuBytes}`;
        return { end: "too-big", at: host.name, why, mtuBytes: hop.mtuBytes, ...said };
      }
    }
    if (packet.sizeBytes > hop.mtuBytes) hop.fragments = true;
    const dropped = this.filter(host, hop, sight, received ? "forward" : "output") ?? this.postrouting(host, hop, sight, flow);
    if (dropped !== undefined) return dropped;
    hop.source = packet.source;
    hop.destination = packet.destination;
    if (oif === uplink) return this.leave(host);
    if (oif === privateLink) return this.crossPrivate(host);
    if (host.lans.has(oif)) return { end: "delivered", at: host.name, lan: oif, why: `a machine of ${oif} has it` };
    const iface = host.interfaces.get(oif);
    if (iface === undefined) return { end: "dropped", at: host.name, why: `there is no interface ${oif}` };
    const peer = iface.allowed.get(packet.destination);
    if (peer === undefined) {
      const why = `no peer of ${oif} has ${this.world.format(packet.destination)} in its AllowedIPs (required key not available)`;
      const [only, ...more] = iface.peers.values();
      return { end: "dropped", at: host.name, why, line: only === undefined || more.length > 0 ? iface.line : only.line };
    }
    if (this.noted) hop.lines.push(peer.line);
    return this.encrypt(host, iface, peer, hop);
  }

  private leave(host: TraceHost): Next {
    const { destination } = this.packet;
    const other = this.world.hostAtPublic(destination);
    this.packet.mark = 0;
    if (other !== undefined && other !== host) return { host: other, iif: uplink };
    return { end: "left", at: host.name, why: "by its uplink" };
  }

  private crossPrivate(host: TraceHost): Next {
    const other = this.world.hostAtPrivate(this.packet.destination);
    this.packet.mark = 0;
    if (other !== undefined) return { host: other, iif: privateLink };
    return { end: "dropped", at: host.name, why: "nobody on the private link has this address" };
  }

  /** Around the packet, by the underlay, to whoever holds the peer's key. */
  private encrypt(host: TraceHost, iface: WgInterface, peer: Peer, hop: Hop): Next {
    const drop = (why: string, line: Line = peer.line): Verdict => ({ end: "dropped", at: host.name, why, line });
    const end = this.world.endOf(peer.publicKey);
    if (end === undefined) return drop(`nobody has the private key of peer ${peer.name} on ${iface.name}`);
    this.packet.mark = 0;
    if ("client" in end) return { client: end.client, sends: false };
    if ("gone" in end) return drop(`${end.gone} of ${end.host.name} is down: no answer`);
    const back = end.iface.peers.get(iface.publicKey);
    if (back === undefined)
      return drop(`${end.iface.name} of ${end.host.name} knows no peer with this interface's key`, end.iface.line);
    if (back.psk !== peer.psk) return drop(`the pre-shared keys of ${host.name} and ${end.host.name} differ`);
    const wrong =
      peer.endpoint === undefined
        ? back.endpoint === undefined
          ? "neither end has an endpoint of the other"
          : this.endpointProblem(end.host, back, host, iface)
        : this.endpointProblem(host, peer, end.host, end.iface);
    if (wrong !== undefined) return drop(wrong);
    const outer = this.underlayMtu(host, peer.endpoint ?? back.endpoint ?? "", end.host);
    hop.linkMtuBytes = outer - wireguardBytes;
    const padded = Math.min(Math.ceil(this.packet.sizeBytes / 16) * 16, iface.mtuBytes);
    if (padded + wireguardBytes > outer) hop.fragments = true;
    return this.receive(end.host, end.iface, iface.publicKey);
  }

  /** Whether the endpoint leads from one host to the other's interface. */
  private endpointProblem(from: TraceHost, peer: Peer, to: TraceHost, iface: WgInterface): string | undefined {
    const [text, port] = splitEndpoint(peer.endpoint ?? "");
    const ip = this.world.resolve(text);
    const shown = `endpoint ${String(peer.endpoint)} of peer ${peer.name} on ${from.name}`;
    if (ip !== to.publicAddress && ip !== to.privateAddress?.address.value) return `${shown} is no address of ${to.name}`;
    if (port !== iface.listenPort) return `${shown}: ${iface.name} of ${to.name} listens on ${iface.listenPort}`;
    const answer = from.routing.lookup({ source: 0, destination: ip, iif: "lo", mark: 0 });
    const dev = answer?.route.dev;
    return dev === uplink || dev === privateLink
      ? undefined
      : `${shown} is routed to ${dev ?? "nowhere"}, not to a link of the host`;
  }

  private underlayMtu(from: TraceHost, endpoint: string, to: TraceHost): number {
    const ip = this.world.resolve(splitEndpoint(endpoint)[0]);
    const isPrivate = ip === to.privateAddress?.address.value || ip === from.privateAddress?.address.value;
    const dev = isPrivate ? privateLink : uplink;
    return Math.min(from.mtuOf(dev), to.mtuOf(dev));
  }

  /** WireGuard takes from a peer only what is its own. */
  private receive(host: TraceHost, iface: WgInterface, publicKey: string): Next {
    const peer = iface.peers.get(publicKey);
    const drop = (why: string, line: Line): Verdict => ({ end: "dropped", at: host.name, why, line });
    if (peer === undefined) return drop(`${iface.name} of ${host.name} has no peer with the sender's key`, iface.line);
    if (iface.allowed.get(this.packet.source) === peer) return { host, iif: iface.name };
    const why = `${this.world.format(this.packet.source)} is not in the AllowedIPs of peer ${peer.name} on ${iface.name}`;
    return drop(why, peer.line);
  }

  /** The kernel's fib_validate_source: what would be sent back, as if it came in by where the packet leaves; by `lo` for the host's own addresses. */
  private checkSource(host: TraceHost, iif: string, { route }: Answer, hop: Hop): Verdict | undefined {
    const { source, destination, mark } = this.packet;
    const back = route.local === true ? "lo" : (route.dev ?? "lo");
    const ask = { source: destination, destination: source, iif: back, mark: host.sourceValidMark ? mark : 0 };
    const answer = host.routing.lookup(ask);
    const filter = host.rpFilter(iif);
    const drop = (why: string): Verdict => {
      const line = answer?.route.line;
      if (this.noted && line !== undefined) hop.lines.push(line);
      return { end: "dropped", at: host.name, why, ...(line === undefined ? {} : { line }) };
    };
    if (answer?.route.local === true) return drop(`its source ${this.world.format(source)} is the host's own address`);
    if (filter === 0) return undefined;
    const unread = mark === ask.mark ? "" : `, its ${markText(mark)} does not count without src_valid_mark`;
    const set = `reverse-path filter ${filter} on ${iif}, asked for ${markText(ask.mark)}${unread}`;
    if (answer?.route.dev === undefined) return drop(`${set}: there is no way back to ${this.world.format(source)}`);
    if (filter === 1 && answer.route.dev !== iif) {
      return drop(`${set}: the way back to ${this.world.format(source)} is by ${answer.route.dev}`);
    }
    return undefined;
  }

  private unreachable(host: TraceHost, answer: Answer | undefined): Verdict {
    // Who does not forward says nothing.
    const said = host.forwards ? this.said(host) : {};
    return {
      end: "unreachable",
      at: host.name,
      why:
        answer === undefined
          ? "no route"
          : `an unreachable route of table ${answer.rule.table}, asked for ${markText(this.packet.mark)} by '${answer.rule.line.text}'`,
      ...(answer === undefined ? {} : { line: answer.route.line }),
      ...said,
    };
  }

  /** ICMP errors are sent from an address of the device that leads back. Whether one comes to the sender is walked only where somebody reads it. */
  private said(host: TraceHost): Said {
    const { source } = this.packet;
    const back = host.routing.lookup({ source: 0, destination: source, iif: "lo", mark: 0 });
    if (back?.route.dev === undefined) return {};
    const answers = host.addressOn(back.route.dev, source);
    if (answers === undefined) return {};
    if (!this.noted) return { answers };
    const message: Packet = {
      ...{ source: answers, destination: source, protocol: "icmp", sizeBytes: 84, ttl: 64, dontFragment: false, mark: 0 },
    };
    const { end, at, why } = new Walk(this.world, message, this.flows, "error", false).run({ host, iif: "lo" });
    return end === "delivered" ? { answers } : { lost: { at, why } };
  }

  private filter(
    host: TraceHost,
    hop: Hop,
    sight: Sight,
    hook: string,
    which: (chain: Chain) => boolean = () => true,
  ): Verdict | undefined {
    for (const chain of host.nft.chainsAt(hook)) {
      if (!which(chain)) continue;
      const result = runChain(chain, sight);
      if (result === undefined) continue;
      if (this.noted) hop.lines.push(result.line);
      if (result.verdict === "drop") {
        return { end: "dropped", at: host.name, why: `nftables, chain ${chain.name}`, line: result.line };
      }
    }
    return undefined;
  }

  /** A new flow's destination. */
  private translate(host: TraceHost, hop: Hop, sight: Sight, flow: Flow): void {
    for (const chain of host.nft.chainsAt("prerouting")) {
      const result = chain.type === "nat" ? runChain(chain, sight) : undefined;
      if (result === undefined || typeof result.verdict === "string" || !("destination" in result.verdict)) continue;
      if (this.noted) hop.lines.push(result.line);
      const { destination, port } = result.verdict;
      this.packet.destination = flow.destinationAfter = destination;
      if (port !== undefined) this.packet.destinationPort = flow.destinationPortAfter = port;
      return;
    }
  }

  /** NAT is decided by the first packet of a flow. */
  private postrouting(host: TraceHost, hop: Hop, sight: Sight, flow: Flow): Verdict | undefined {
    // Who asked sees the answer of whom it asked.
    if (sight.reply && this.reply === true) {
      this.packet.source = flow.destination;
      if (flow.destinationPort !== undefined) this.packet.sourcePort = flow.destinationPort;
    }
    for (const chain of host.nft.chainsAt("postrouting")) {
      if (chain.type === "nat" && sight.reply) continue;
      const result = runChain(chain, sight);
      if (result === undefined) continue;
      if (this.noted) hop.lines.push(result.line);
      const { verdict } = result;
      if (verdict === "drop") return { end: "dropped", at: host.name, why: `nftables, chain ${chain.name}`, line: result.line };
      if (verdict === "accept" || "destination" in verdict) continue;
      const { source } = verdict;
      this.packet.source = source === "masquerade" ? (host.addressOn(sight.oif, this.packet.destination) ?? 0) : source;
      flow.sourceAfter = this.packet.source;
    }
    return undefined;
  }

  /** The flow that this packet answers. */
  private knownFlow(host: TraceHost): Flow | undefined {
    const { source, destination, sourcePort } = this.packet;
    return this.flows.find(
      (flow) =>
        flow.host === host.name &&
        flow.sourceAfter === destination &&
        (this.reply === "error" || (flow.destinationAfter === source && flow.destinationPortAfter === sourcePort)),
    );
  }

  private newFlow(host: TraceHost): Flow {
    const { source, destination, destinationPort } = this.packet;
    const port = destinationPort === undefined ? {} : { destinationPort, destinationPortAfter: destinationPort };
    const after = { sourceAfter: source, destinationAfter: destination };
    const flow: Flow = { host: host.name, source, destination, ...after, ...port, mark: 0 };
    if (this.reply === false) this.flows.push(flow);
    return flow;
  }

  private begin(at: string, iif: string): Hop {
    const { source, destination } = this.packet;
    const hop: Hop = { at, iif, source, destination, lines: [] };
    this.hops.push(hop);
    return hop;
  }

  private note(hop: Hop, answer: Answer | undefined): void {
    if (this.noted && answer !== undefined) hop.lines.push(answer.rule.line, answer.route.line);
  }
}
