import { PrefixMap, contains, parseIp, parsePrefix, type Ip, type Prefix } from "./ip";
import { UnknownLine, kernel, type Line } from "./line";

export interface Rule {
  readonly line: Line;
  readonly priority: number;
  readonly from?: Prefix;
  readonly to?: Prefix;
  readonly iif?: string;
  readonly fwmark?: number;
  readonly table: string;
}

export interface Route {
  readonly line: Line;
  readonly to: Prefix;
  /** Undefined: unreachable. */
  readonly dev?: string;
  /** What the host itself sends by it has this address, unless it has chosen one. */
  readonly src?: Ip;
  /** One of the host's own addresses. */
  readonly local?: true;
  readonly metric: number;
}

/** What a look-up asks; `iif` "lo" is the host itself, and the check of a packet's source. */
export interface Ask {
  readonly source: Ip;
  readonly destination: Ip;
  readonly iif: string;
  readonly mark: number;
}

export interface Answer {
  readonly rule: Rule;
  readonly route: Route;
}

const kernelTables: ReadonlySet<string> = new Set(["local", "main"]);

/** A host's policy routing: rules in the order of their priority, each with its table, the longest prefix in it. */
export class Routing {
  private readonly tables = new Map<string, PrefixMap<Route>>();
  private readonly rules: Rule[];
  /** Tables in which what no other route takes is unreachable. */
  private readonly closed = new Set<string>();

  constructor(host: string, rules: readonly Rule[], routes: readonly (readonly [table: string, route: Route])[]) {
    const own: Rule[] = [
      { line: kernel(host, "ip rule: 0: from all lookup local"), priority: 0, table: "local" },
      { line: kernel(host, "ip rule: 32766: from all lookup main"), priority: 32_766, table: "main" },
    ];
    this.rules = [...own, ...rules].sort((a, b) => a.priority - b.priority);
    // Of equal prefixes the least metric.
    for (const [name, route] of [...routes].sort(([, a], [, b]) => a.metric - b.metric)) {
      const table = this.tables.get(name) ?? new PrefixMap<Route>();
      table.add(route.to, route);
      if (route.to.length === 0 && route.dev === undefined) this.closed.add(name);
      this.tables.set(name, table);
    }
  }

  /** Where rules tell sources apart. */
  sourceRules(): readonly (Rule & { readonly from: Prefix })[] {
    return this.rules.flatMap((rule) => (rule.from === undefined ? [] : [{ ...rule, from: rule.from }]));
  }

  sourcePrefixes(): Prefix[] {
    return this.sourceRules().map(({ from }) => from);
  }

  /** All that rules and routes tell apart. */
  *prefixes(): Generator<Prefix> {
    for (const { from, to } of this.rules) for (const prefix of [from, to]) if (prefix !== undefined) yield prefix;
    for (const table of this.tables.values()) for (const [prefix] of table.entries()) yield prefix;
  }

  /** Every table that a rule asks besides the kernel's own, with the first such rule. */
  selectable(): ReadonlyMap<string, Rule> {
    const found = new Map<string, Rule>();
    for (const rule of this.rules) if (!found.has(rule.table) && !kernelTables.has(rule.table)) found.set(rule.table, rule);
    return found;
  }

  /** What a table by itself says. */
  routeIn(table: string, destination: Ip): Route | undefined {
    return this.tables.get(table)?.get(destination);
  }

  /** What a table tells apart, the best route of each. */
  routesOf(table: string): Route[] {
    return [...(this.tables.get(table)?.entries() ?? [])].map(([, route]) => route);
  }

  /** Where rules tell destinations apart. */
  destinationRules(): readonly (Rule & { readonly to: Prefix })[] {
    return this.rules.flatMap((rule) => (rule.to === undefined ? [] : [{ ...rule, to: rule.to }]));
  }

  /** Whether a table ends in an unreachable default, also when its interfaces are gone. */
  endsUnreachable(table: string): boolean {
    return this.closed.has(table);
  }

  lookup({ source, destination, iif, mark }: Ask, passed?: (rule: Rule) => void): Answer | undefined {
    for (const rule of this.rules) {
      if (rule.iif !== undefined && rule.iif !== iif) continue;
      if (rule.fwmark !== undefined && rule.fwmark !== mark) continue;
      if (rule.from !== undefined && !contains(rule.from, source)) continue;
      if (rule.to !== undefined && !contains(rule.to, destination)) continue;
      const route = this.tables.get(rule.table)?.get(destination);
      if (route !== undefined) return { rule, route };
      passed?.(rule);
    }
    return undefined;
  }
}

/** A line of /etc/wgchain/rules: the arguments of `ip rule add`. */
export function readRule(line: Line): Rule {
  const rule: { -readonly [K in keyof Rule]?: Rule[K] } = { line };
  const words = line.text.split(" ");
  for (let i = 0; i < words.length; i += 2) {
    const [name, value = ""] = [words[i], words[i + 1]];
    if (name === "pref") rule.priority = Number(value);
    else if (name === "from" || name === "to") rule[name] = parsePrefix(value);
    else if (name === "iif") rule.iif = value;
    else if (name === "fwmark" && /^0x[0-9a-f]+$/.test(value)) rule.fwmark = Number(value);
    else if (name === "lookup") rule.table = value;
    else if (name !== "protocol") throw new UnknownLine(line, `'${String(name)}' of an ip rule`);
  }
  const { priority, table } = rule;
  if (priority === undefined || table === undefined) throw new UnknownLine(line, "no priority or no table");
  return { ...rule, line, priority, table };
}

/** A line of /etc/wgchain/routes: the arguments of `ip route add`. */
export function readRoute(line: Line): readonly [table: string, route: Route] {
  const [, unreachable, to, dev, src, table, metric] =
    /^(unreachable )?(default|[0-9./]+)(?: dev (\S+))?(?: src ([0-9.]+))? table (\d+)(?: metric (\d+))? protocol \d+$/.exec(
      line.text,
    ) ?? [];
  if (to === undefined || table === undefined || (unreachable === undefined) === (dev === undefined)) {
    throw new UnknownLine(line, "no route of ours");
  }
  const prefix = to === "default" ? { base: 0, length: 0 } : parsePrefix(to);
  const from = { ...(dev === undefined ? {} : { dev }), ...(src === undefined ? {} : { src: parseIp(src) }) };
  return [table, { line, to: prefix, ...from, metric: Number(metric ?? 0) }];
}
