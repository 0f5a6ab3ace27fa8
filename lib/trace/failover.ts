import type { HostFiles } from "./host";
import { parseIp, type Ip } from "./ip";
import { UnknownLine, linesOf, type Line } from "./line";

/** A routing table of a host whose default route leads by one of several tunnels, as the host's files have it. */
export interface Failover {
  readonly line: Line;
  readonly node: string;
  /** e.g. "gcp:wg6,hkt:wg7". */
  readonly name: string;
  readonly table: string;
  /** In order. */
  readonly choices: readonly FailoverChoice[];
}

export interface FailoverChoice {
  readonly line: Line;
  /** Name of the node where it leaves. */
  readonly exit: string;
  readonly interface: string;
  /** Table and mark of what measures it. */
  readonly table: number;
  /** Where that is sent from. */
  readonly source: Ip;
}

/** By "node/name": the choice that is taken, from 0; "closed": none is alive. What is not in it takes its first. */
export type FailoverState = ReadonlyMap<string, number | "closed">;

export const failoverKey = ({ node, name }: Pick<Failover, "node" | "name">): string => `${node}/${name}`;

export function readFailovers(node: string, files: HostFiles): Failover[] {
  const read = (name: string): Line[] => linesOf(node, `etc/wgchain/${name}`, files[`etc/wgchain/${name}`]);
  const choices = read("choices").map(readChoice);
  return read("failover").map((line) => {
    const [, name = "", table = ""] = /^(\S+) table (\d+) every \d+ down \d+ up \d+ hold \d+ ask [0-9.,]+$/.exec(line.text) ?? [];
    if (name === "") throw new UnknownLine(line, "no failover of ours");
    const own = choices.filter((choice) => choice.name === name).sort((a, b) => a.order - b.order);
    if (own.length < 2) throw new UnknownLine(line, "it has no two choices in etc/wgchain/choices");
    return { line, node, name, table, choices: own };
  });
}

function readChoice(line: Line): FailoverChoice & { readonly name: string; readonly order: number } {
  const found = /^(\S+) (\d+) exit (\S+) dev (\S+) table (\d+) from ([0-9.]+)$/.exec(line.text);
  if (found === null) throw new UnknownLine(line, "no choice of ours");
  const [, name = "", order, exit = "", dev = "", table, source = ""] = found;
  return { line, name, order: Number(order), exit, interface: dev, table: Number(table), source: parseIp(source) };
}

/** What each takes while these exits are dead: the first of its choices that is not, or nothing. */
export function stateWithout(failovers: readonly Failover[], dead: readonly string[]): FailoverState {
  return new Map(
    failovers.map((one) => {
      const taken = one.choices.findIndex(({ exit }) => !dead.includes(exit));
      return [failoverKey(one), taken < 0 ? "closed" : taken];
    }),
  );
}

/** The host's files as it acts on them in that state: what the host program makes of its routes (10-rules-and-routes.bash). */
export function filesInState(files: HostFiles, failovers: readonly Failover[], state: FailoverState): HostFiles {
  let routes = files["etc/wgchain/routes"] ?? "";
  for (const failover of failovers) {
    const taken = state.get(failoverKey(failover)) ?? 0;
    const [first] = failover.choices;
    const dev = taken === "closed" ? undefined : failover.choices[taken]?.interface;
    const before = `default dev ${first?.interface ?? ""} table ${failover.table} `;
    routes = routes
      .split("\n")
      .flatMap((line) => {
        if (!line.startsWith(before)) return [line];
        return dev === undefined ? [] : [line.replace(before, `default dev ${dev} table ${failover.table} `)];
      })
      .join("\n");
  }
  return { ...files, "etc/wgchain/routes": routes };
}
