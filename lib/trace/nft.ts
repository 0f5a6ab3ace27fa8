import { PrefixMap, contains, parseIp, parsePrefix, type Ip, type Prefix } from "./ip";
import { UnknownLine, linesOf, type Line } from "./line";
import { PortMap, isPortKey, portKeyOf, portMatch, readTarget } from "./nft-ports";
import type { Flow, Packet } from "./packet";

/** The state that a rule sees of a packet. */
export interface Sight {
  readonly packet: Packet;
  readonly iif: string;
  readonly oif: string;
  readonly flow: Flow | undefined;
  readonly reply: boolean;
  /** For rules that ask the routing tables. */
  readonly fib?: Fib;
  /** Connection tracking makes nothing of it; a walk's packets all belong to a flow or begin one. */
  readonly invalid?: true;
  /** For lines that set something without ending the chain. */
  readonly note?: (line: Line) => void;
}

export interface Element {
  readonly value: number;
  /** Beside an address. */
  readonly port?: number;
  readonly line: Line;
}

/** What nft's `fib` sees of a host. */
export interface Fib {
  owns(ip: Ip): boolean;
  /** Whether the way to it is by that device. */
  leadsBy(ip: Ip, dev: string): boolean;
}

/** A set or map as it is declared, and what is in it. */
interface Declared {
  readonly key: string;
  /** Type of a map's values. */
  readonly value?: string;
  readonly interval: boolean;
  readonly addresses: PrefixMap<Element>;
  /** Interfaces, or marks. */
  readonly names: Map<string, Element>;
  /** Where keys end in a port. */
  readonly ports: PortMap;
}

export type Verdict =
  "drop" | "accept" | { readonly source: Ip | "masquerade" } | { readonly destination: Ip; readonly port: number | undefined };
/** Undefined: it goes on with the next rule. */
type Statement = (sight: Sight) => Verdict | undefined;
type Match = (sight: Sight) => boolean;

interface Rule {
  readonly line: Line;
  readonly matches: readonly Match[];
  readonly statement: Statement;
}

export interface Chain {
  readonly name: string;
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly rules: readonly Rule[];
}

const priorities: Readonly<Record<string, number>> = { raw: -300, mangle: -150, dstnat: -100, filter: 0, srcnat: 100 };

/** The table `ip wgchain`, as nft would load it: the file's chains with the elements' sets and maps. */
export class Ruleset {
  private readonly sets = new Map<string, Declared>();
  readonly chains: readonly Chain[];
  /** Prefixes that stand in rules themselves. */
  readonly literals: Prefix[] = [];

  private readonly byHook: ReadonlyMap<string, readonly Chain[]>;

  constructor(host: string, nftables: string | undefined, elements: string | undefined) {
    this.chains = this.readTable(linesOf(host, "etc/wgchain/nftables.nft", nftables)).sort((a, b) => a.priority - b.priority);
    for (const line of linesOf(host, "etc/wgchain/elements", elements)) this.addElement(line);
    const hooks = new Set(this.chains.map(({ hook }) => hook));
    this.byHook = new Map([...hooks].map((hook) => [hook, this.chains.filter((chain) => chain.hook === hook)]));
  }

  /** In the order in which the kernel asks them. */
  chainsAt(hook: string): readonly Chain[] {
    return this.byHook.get(hook) ?? [];
  }

  /** Of every prefix that a set or map tells apart. */
  addBoundaries(to: Set<Ip>): void {
    for (const { addresses } of this.sets.values()) addresses.addBoundaries(to);
  }

  /** What rules look single addresses up in. */
  *addressSets(): Generator<PrefixMap<Element>> {
    for (const { key, addresses } of this.sets.values()) if (key === "ipv4_addr") yield addresses;
  }

  private addElement(line: Line): void {
    const found = /^(\S+) (\S+(?: \. \S+)*)(?: : (\S+(?: \. \S+)*))?$/.exec(line.text);
    // By index: a pattern takes memory for each of thousands.
    const [name, key, value] = [found?.[1], found?.[2], found?.[3]];
    if (name === undefined || key === undefined) throw new UnknownLine(line, "no element of a set or map");
    const set = this.sets.get(name);
    if (set === undefined) throw new UnknownLine(line, `no set or map ${name} is declared`);
    if (isPortKey(set.key)) {
      const isTarget = set.value === "ipv4_addr . inet_service";
      if (value === undefined || (set.value === "mark") !== value.startsWith("0x"))
        throw new UnknownLine(line, `${name} holds ${typeOf(set)}`);
      set.ports.set(name, key, { ...(isTarget ? readTarget(value, line) : { value: Number(value) }), line });
      return;
    }
    const type = key.startsWith('"') ? "ifname" : key.startsWith("0x") ? "mark" : "ipv4_addr";
    const valueType = value === undefined ? undefined : value.startsWith("0x") ? "mark" : "ipv4_addr";
    if (type !== set.key || valueType !== set.value) throw new UnknownLine(line, `${name} holds ${typeOf(set)}`);
    if (type === "ipv4_addr") {
      const prefix = parsePrefix(key);
      if (prefix.length < 32 && !set.interval) throw new UnknownLine(line, `${name} holds no prefixes`);
      const number = value === undefined ? 1 : valueType === "mark" ? Number(value) : parseIp(value);
      const before = set.addresses.set(prefix, { value: number, line });
      if (before !== undefined) throw new UnknownLine(line, `twice; it stands in line ${String(before.line.number)}, too`);
    } else {
      const number = value === undefined ? 1 : parseIp(value);
      set.names.set(type === "mark" ? String(Number(key)) : key.slice(1, -1), { value: number, line });
    }
  }

  /** Whatever stands in the file is read: what were passed over could be what closes a host. */
  private readTable(lines: readonly Line[]): Chain[] {
    const chains: Chain[] = [];
    let inside: Block = "file";
    for (const line of lines) {
      const text = line.text.trim();
      if (inside === "file") {
        if (text !== "table ip wgchain {") throw new UnknownLine(line, "outside of table ip wgchain");
        inside = "table";
      } else if (inside === "table") inside = text === "}" ? "file" : openedBy(line, text);
      else if (text !== "}") {
        if ("rules" in inside) {
          if (text.startsWith("type ")) inside.type = chainType(line, text);
          else inside.rules.push(this.readRule(line, text));
        } else if (text === "flags interval") inside.interval = true;
        else if (text.startsWith("type ")) [inside.key = "", inside.value] = text.slice(5).split(" : ");
        else throw new UnknownLine(line, `in ${inside.name}`);
      } else {
        if ("rules" in inside) chains.push(closeChain(line, inside));
        else this.declare(line, inside);
        inside = "table";
      }
    }
    const [last] = lines.slice(-1);
    if (inside !== "file" && last !== undefined) throw new UnknownLine(last, "the table does not end");
    return chains;
  }

  private declare(line: Line, { name, key, value, interval = false }: OpenSet): void {
    if (key === undefined) throw new UnknownLine(line, `${name} has no type`);
    const more = value === undefined ? {} : { value };
    this.sets.set(name, {
      key,
      ...more,
      interval,
      addresses: new PrefixMap<Element>(),
      names: new Map<string, Element>(),
      ports: new PortMap(key, interval),
    });
  }

  private readRule(line: Line, text: string): Rule {
    const words = text.split(" ");
    const matches: Match[] = [];
    for (;;) {
      const statement = this.readStatement(words);
      if (statement !== undefined) return { line, matches, statement };
      const match = this.readMatch(words);
      if (match === undefined) throw new UnknownLine(line, `near '${words.slice(0, 4).join(" ")}'`);
      matches.push(match);
    }
  }

  private readStatement(words: readonly string[]): Statement | undefined {
    // Most words begin a match: none of the patterns is tried on them.
    if (!statementWords.has(words[0] ?? "")) return undefined;
    const text = words.join(" ");
    if (text === "drop" || text === "accept") return () => text;
    if (text === "masquerade") return () => ({ source: "masquerade" });
    if (text === "ct mark set meta mark") return ({ packet, flow }) => void (flow === undefined || (flow.mark = packet.mark));
    if (text === "meta mark set ct mark") return ({ packet, flow }) => void (packet.mark = flow?.mark ?? 0);
    const marks = this.declared(/^meta mark set ip saddr map @(\S+)$/.exec(text)?.[1], "ipv4_addr", "mark");
    if (marks !== undefined) {
      return ({ packet, note }) => {
        const element = marks.addresses.get(packet.source);
        if (element === undefined) return undefined;
        packet.mark = element.value;
        note?.(element.line);
        return undefined;
      };
    }
    const labels = this.declared(/^snat to ip saddr map @(\S+)$/.exec(text)?.[1], "ipv4_addr", "ipv4_addr");
    if (labels !== undefined) {
      return ({ packet, note }) => {
        const element = labels.addresses.get(packet.source);
        if (element === undefined) return undefined;
        note?.(element.line);
        return { source: element.value };
      };
    }
    const sources = this.declared(/^snat to ct mark map @(\S+)$/.exec(text)?.[1], "mark", "ipv4_addr");
    if (sources !== undefined) {
      return ({ flow, note }) => {
        const element = sources.names.get(String(flow?.mark ?? 0));
        if (element === undefined) return undefined;
        note?.(element.line);
        return { source: element.value };
      };
    }
    const fixed = /^meta mark set (0x[0-9a-f]+)$/.exec(text)?.[1];
    if (fixed !== undefined) return ({ packet }) => void (packet.mark = Number(fixed));
    const [, marked = "", markMap, found = "", targetMap] =
      /^ct mark set (.+) map @(\S+) dnat ip to (.+) map @(\S+)$/.exec(text) ?? [];
    const [mark, target] = [this.portsOf(markMap, marked, "mark"), this.portsOf(targetMap, found, "ipv4_addr . inet_service")];
    if (mark !== undefined && target !== undefined) {
      return (sight) => {
        const element = mark(sight);
        if (element === undefined) return undefined;
        // As in the kernel: where the second finds nothing, the first has done its work.
        if (sight.flow !== undefined) sight.flow.mark = element.value;
        const to = target(sight);
        if (to?.port === undefined) return undefined;
        sight.note?.(to.line);
        return { destination: to.value, port: to.port };
      };
    }
    const only = /^dnat to ([\d.]+)$/.exec(text)?.[1];
    if (only !== undefined) return ({ packet }) => ({ destination: parseIp(only), port: packet.destinationPort });
    const mss = /^tcp option maxseg size set (\d+)$/.exec(text)?.[1];
    // The kernel never raises it.
    if (mss !== undefined) return ({ packet }) => void (packet.mssBytes = Math.min(packet.mssBytes ?? 65_535, Number(mss)));
    return undefined;
  }

  /** Takes the words that it understands. */
  private readMatch(words: string[]): Match | undefined {
    const take = (...expected: string[]): boolean => {
      if (!expected.every((word, index) => words[index] === word)) return false;
      words.splice(0, expected.length);
      return true;
    };
    const value = (): [negated: boolean, operand: string] => {
      const negated = take("!=");
      return [negated, words.shift() ?? ""];
    };
    for (const side of ["iif", "oif"] as const) {
      if (take(`${side}name`)) return this.nameMatch(side, ...value());
    }
    if (take("ip", "saddr")) return this.addressMatch("source", ...value());
    if (take("ip", "daddr")) return this.addressMatch("destination", ...value());
    if (take("meta", "mark")) return this.markMatch(({ packet }) => packet.mark, ...value());
    if (take("ct", "mark")) return this.markMatch(({ flow }) => flow?.mark ?? 0, ...value());
    if (take("fib", "daddr", "type", "local")) return ({ packet, fib }) => fib?.owns(packet.destination) === true;
    if (take("fib", "saddr", ".", "iif", "oif", "missing"))
      return ({ packet, iif, fib }) => fib?.leadsBy(packet.source, iif) === false;
    if (take("ct", "status", "dnat")) return ({ flow }) => flow !== undefined && isDnat(flow);
    if (take("ct", "status", "snat")) return ({ flow }) => flow !== undefined && flow.sourceAfter !== flow.source;
    if (take("ct", "direction", "original")) return ({ reply }) => !reply;
    if (take("ct", "direction", "reply")) return ({ reply }) => reply;
    if (take("ct", "state", "invalid")) return ({ invalid }) => invalid === true;
    for (const protocol of ["tcp", "udp"] as const) if (take(protocol, "dport")) return portMatch(protocol, ...value());
    // A walk's TCP opens a connection.
    if (take("tcp", "flags", "!=", "syn", "/", "syn,rst")) return () => false;
    if (take("tcp", "flags", "syn", "/", "syn,rst")) return ({ packet }) => packet.protocol === "tcp";
    return undefined;
  }

  private nameMatch(side: "iif" | "oif", negated: boolean, operand: string): Match | undefined {
    if (operand.startsWith("@")) {
      const set = this.declared(operand.slice(1), "ifname");
      return set && ((sight) => set.names.has(sight[side]) !== negated);
    }
    const name = /^"(\S+)"$/.exec(operand)?.[1];
    return name === undefined ? undefined : (sight) => (sight[side] === name) !== negated;
  }

  private addressMatch(side: "source" | "destination", negated: boolean, operand: string): Match | undefined {
    if (operand.startsWith("@")) {
      const set = this.declared(operand.slice(1), "ipv4_addr");
      return set && (({ packet }) => (set.addresses.get(packet[side]) !== undefined) !== negated);
    }
    const prefix = parsePrefix(operand);
    this.literals.push(prefix);
    return ({ packet }) => contains(prefix, packet[side]) !== negated;
  }

  private markMatch(markOf: (sight: Sight) => number, negated: boolean, operand: string): Match | undefined {
    if (/^0x[0-9a-f]+$/.test(operand)) return (sight) => (markOf(sight) === Number(operand)) !== negated;
    const set = operand.startsWith("@") ? this.declared(operand.slice(1), "mark") : undefined;
    return set && ((sight) => set.names.has(String(markOf(sight))) !== negated);
  }

  private portsOf(name: string | undefined, key: string, value: string): ((sight: Sight) => Element | undefined) | undefined {
    const read = portKeyOf(key);
    const map = read === undefined ? undefined : this.declared(name, read.type, value)?.ports;
    return read === undefined || map === undefined ? undefined : (sight) => read.find(map, sight);
  }

  /** As nft, a rule knows only what stands above it, and of its own type. */
  private declared(name: string | undefined, key: string, value?: string): Declared | undefined {
    const set = name === undefined ? undefined : this.sets.get(name);
    return set?.key === key && set.value === value ? set : undefined;
  }
}

interface OpenSet {
  readonly name: string;
  key?: string;
  value?: string | undefined;
  interval?: boolean;
}

interface OpenChain {
  readonly name: string;
  type?: RegExpExecArray;
  readonly rules: Rule[];
}

type Block = "file" | "table" | OpenSet | OpenChain;

const statementWords: ReadonlySet<string> = new Set(["accept", "ct", "dnat", "drop", "masquerade", "meta", "snat", "tcp"]);

const typeOf = ({ key, value }: Declared): string => (value === undefined ? key : `${key} : ${value}`);

function openedBy(line: Line, text: string): OpenSet | OpenChain {
  const [, kind, name] = /^(set|map|chain) (\S+) \{$/.exec(text) ?? [];
  if (name === undefined) throw new UnknownLine(line, "no set, map or chain");
  return kind === "chain" ? { name, rules: [] } : { name };
}

function chainType(line: Line, text: string): RegExpExecArray {
  const type = /^type (\w+) hook (\w+) priority (-?\w+)( [+-] \d+)?; policy accept;$/.exec(text);
  if (type === null) throw new UnknownLine(line, "a chain's type");
  return type;
}

function closeChain(line: Line, { name, type: found, rules }: OpenChain): Chain {
  const [, type = "", hook = "", base = "", sum] = found ?? [];
  const priority = (priorities[base] ?? Number(base)) + (sum === undefined ? 0 : Number(sum.replaceAll(" ", "")));
  if (hook === "" || Number.isNaN(priority)) throw new UnknownLine(line, `chain ${name} has no hook that is known`);
  return { name, type, hook, priority, rules };
}

const isDnat = ({ destination, destinationAfter, destinationPort, destinationPortAfter }: Flow): boolean =>
  destination !== destinationAfter || destinationPort !== destinationPortAfter;

/** Runs a chain; says what it decided and by which line. */
export function runChain(chain: Chain, sight: Sight): { readonly verdict: Verdict; readonly line: Line } | undefined {
  for (const { matches, statement, line } of chain.rules) {
    if (!matches.every((match) => match(sight))) continue;
    const verdict = statement(sight);
    if (verdict !== undefined) return { verdict, line };
  }
  return undefined;
}
