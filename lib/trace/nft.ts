import { PrefixMap, contains, parseIp, parsePrefix, type Ip, type Prefix } from "./ip";
import { UnknownLine, linesOf, type Line } from "./line";
import type { Flow, Packet } from "./packet";

/** The state that a rule sees of a packet. */
export interface Sight {
  readonly packet: Packet;
  readonly iif: string;
  readonly oif: string;
  readonly flow: Flow | undefined;
  readonly reply: boolean;
  /** For lines that set something without ending the chain. */
  readonly note?: (line: Line) => void;
}

interface Element {
  readonly value: number;
  readonly line: Line;
}
type AddressSet = PrefixMap<Element>;
type NameSet = Set<string>;

export type Verdict = "drop" | "accept" | { readonly source: Ip | "masquerade" };
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
  private readonly sets = new Map<string, AddressSet | NameSet>();
  readonly chains: readonly Chain[];

  private readonly byHook: ReadonlyMap<string, readonly Chain[]>;

  constructor(host: string, nftables: string | undefined, elements: string | undefined) {
    for (const line of linesOf(host, "etc/wgchain/elements", elements)) this.addElement(line);
    this.chains = this.readChains(linesOf(host, "etc/wgchain/nftables.nft", nftables)).sort((a, b) => a.priority - b.priority);
    const hooks = new Set(this.chains.map(({ hook }) => hook));
    this.byHook = new Map([...hooks].map((hook) => [hook, this.chains.filter((chain) => chain.hook === hook)]));
  }

  /** In the order in which the kernel asks them. */
  chainsAt(hook: string): readonly Chain[] {
    return this.byHook.get(hook) ?? [];
  }

  /** Every prefix that a set or map tells apart. */
  *prefixes(): Generator<Prefix> {
    for (const set of this.sets.values()) if (set instanceof PrefixMap) for (const [prefix] of set.entries()) yield prefix;
  }

  private addElement(line: Line): void {
    const [, name, key, value] = /^(\S+) (\S+)(?: : (\S+))?$/.exec(line.text) ?? [];
    if (name === undefined || key === undefined) throw new UnknownLine(line, "no element of a set or map");
    if (key.startsWith('"') || key.startsWith("0x")) {
      const set = this.sets.get(name) ?? new Set<string>();
      if (set instanceof PrefixMap) throw new UnknownLine(line, "the set holds addresses");
      this.sets.set(name, set.add(key.startsWith('"') ? key.slice(1, -1) : String(Number(key))));
    } else {
      const set = this.sets.get(name) ?? new PrefixMap<Element>();
      if (!(set instanceof PrefixMap)) throw new UnknownLine(line, "the set holds no addresses");
      const number = value === undefined ? 1 : value.startsWith("0x") ? Number(value) : parseIp(value);
      set.add(parsePrefix(key), { value: number, line });
      this.sets.set(name, set);
    }
  }

  private readChains(lines: readonly Line[]): Chain[] {
    const chains: Chain[] = [];
    let chain: { name: string; type?: RegExpExecArray; rules: Rule[] } | undefined;
    for (const line of lines) {
      const text = line.text.trim();
      const opened = /^chain (\S+) \{$/.exec(text)?.[1];
      if (opened !== undefined) chain = { name: opened, rules: [] };
      else if (chain === undefined) continue;
      else if (text === "}") {
        const [, type = "", hook = "", base = "", sum] = chain.type ?? [];
        const priority = (priorities[base] ?? Number(base)) + (sum === undefined ? 0 : Number(sum.replaceAll(" ", "")));
        if (hook === "" || Number.isNaN(priority)) throw new UnknownLine(line, `chain ${chain.name} has no hook that is known`);
        chains.push({ name: chain.name, type, hook, priority, rules: chain.rules });
        chain = undefined;
      } else if (text.startsWith("type ")) {
        const type = /^type (\w+) hook (\w+) priority (-?\w+)( [+-] \d+)?; policy accept;$/.exec(text);
        if (type === null) throw new UnknownLine(line, "a chain's type");
        chain.type = type;
      } else chain.rules.push(this.readRule(line, text));
    }
    return chains;
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
    const text = words.join(" ");
    if (text === "drop" || text === "accept") return () => text;
    if (text === "masquerade") return () => ({ source: "masquerade" });
    if (text === "ct mark set meta mark") return ({ packet, flow }) => void (flow === undefined || (flow.mark = packet.mark));
    if (text === "meta mark set ct mark") return ({ packet, flow }) => void (packet.mark = flow?.mark ?? 0);
    const marks = /^meta mark set ip saddr map @(\S+)$/.exec(text)?.[1];
    if (marks !== undefined) {
      return ({ packet, note }) => {
        const element = this.addresses(marks)?.get(packet.source);
        if (element === undefined) return undefined;
        packet.mark = element.value;
        note?.(element.line);
        return undefined;
      };
    }
    const labels = /^snat to ip saddr map @(\S+)$/.exec(text)?.[1];
    if (labels !== undefined) {
      return ({ packet, note }) => {
        const element = this.addresses(labels)?.get(packet.source);
        if (element === undefined) return undefined;
        note?.(element.line);
        return { source: element.value };
      };
    }
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
    if (take("ct", "direction", "reply")) return ({ reply }) => reply;
    // Every packet here belongs to a flow or begins one.
    if (take("ct", "state", "invalid")) return () => false;
    if (take("tcp", "flags", "syn", "/", "syn,rst")) return ({ packet }) => packet.protocol === "tcp";
    return undefined;
  }

  private nameMatch(side: "iif" | "oif", negated: boolean, operand: string): Match | undefined {
    if (operand.startsWith("@")) {
      const set = this.sets.get(operand.slice(1));
      return (sight) => (set instanceof Set && set.has(sight[side])) !== negated;
    }
    const name = /^"(\S+)"$/.exec(operand)?.[1];
    return name === undefined ? undefined : (sight) => (sight[side] === name) !== negated;
  }

  private addressMatch(side: "source" | "destination", negated: boolean, operand: string): Match | undefined {
    if (operand.startsWith("@")) {
      const name = operand.slice(1);
      return ({ packet }) => (this.addresses(name)?.get(packet[side]) !== undefined) !== negated;
    }
    const prefix = parsePrefix(operand);
    return ({ packet }) => contains(prefix, packet[side]) !== negated;
  }

  private markMatch(markOf: (sight: Sight) => number, negated: boolean, operand: string): Match | undefined {
    if (!operand.startsWith("@")) return undefined;
    const set = this.sets.get(operand.slice(1));
    return (sight) => (set instanceof Set && set.has(String(markOf(sight)))) !== negated;
  }

  /** Empty sets and maps have no elements to tell what they hold. */
  private addresses(name: string): AddressSet | undefined {
    const set = this.sets.get(name);
    return set instanceof PrefixMap ? set : undefined;
  }
}

/** Runs a chain; says what it decided and by which line. */
export function runChain(chain: Chain, sight: Sight): { readonly verdict: Verdict; readonly line: Line } | undefined {
  for (const { matches, statement, line } of chain.rules) {
    if (!matches.every((match) => match(sight))) continue;
    const verdict = statement(sight);
    if (verdict !== undefined) return { verdict, line };
  }
  return undefined;
}
