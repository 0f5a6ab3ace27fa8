import { ago, columns } from "./words";

/** A failover as its host reports it. */
export interface ReportedFailover {
  /** Its choices in order, e.g. "gcp:wg6,hkt:wg7". */
  readonly name: string;
  /** The exit that is taken; null: none is alive. */
  readonly exit: string | null;
  readonly interface: string | null;
  /** Since when, seconds since 1970 by the host's clock; null: since it was deployed. */
  readonly since: number | null;
  /** Whether exits are measured; else nothing fails over. */
  readonly measured: boolean;
  readonly choices: readonly ReportedChoice[];
}

export interface ReportedChoice {
  readonly exit: string;
  readonly interface: string;
  readonly state: "alive" | "dead" | "unknown";
  /** Seconds since 1970 by the host's clock; null: never. */
  readonly answered: number | null;
}

/** Lines "failover" and "choice" of a report, in fields. */
export function parseFailovers(lines: readonly (readonly string[])[]): ReportedFailover[] {
  const choices = new Map<string, ReportedChoice[]>();
  for (const [kind, name = "", , exit = "", one = "", state, answered] of lines) {
    if (kind !== "choice") continue;
    const found = { exit, interface: one, state: state === "alive" || state === "dead" ? state : "unknown" } as const;
    choices.set(name, [...(choices.get(name) ?? []), { ...found, answered: Number(answered) || null }]);
  }
  return lines.flatMap(([kind, name = "", exit = "-", one = "closed", since, runs]) =>
    kind !== "failover"
      ? []
      : [
          {
            name,
            exit: exit === "-" ? null : exit,
            interface: one === "closed" ? null : one,
            since: Number(since) || null,
            measured: runs === "measured",
            choices: choices.get(name) ?? [],
          },
        ],
  );
}

export function failoverLines(failovers: readonly ReportedFailover[], clock: number): string[] {
  return failovers.flatMap(({ exit, interface: one, since, measured, choices }) => {
    const order = choices.map((choice) => choice.exit).join(", else ");
    const takes = exit === null ? "CLOSED, none is alive" : `takes ${exit} by ${one ?? "?"}`;
    const when = since === null ? "" : `, moved there ${ago(since, clock)}`;
    const rows = choices.map(({ exit: name, interface: dev, state, answered }) => [
      name,
      dev,
      state === "dead" ? "DEAD" : state,
      answered === null ? "never answered" : `answered ${ago(answered, clock)}`,
    ]);
    return [`${order}: ${takes}${when}${measured ? "" : "; NOT MEASURED"}`, ...columns(rows).map((line) => `  ${line}`)];
  });
}
