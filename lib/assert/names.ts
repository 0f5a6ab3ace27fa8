import type { Wiring } from "../trace/wiring";

/** Plain data with every text of it changed. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  const changed = (_key: string, one: unknown): unknown => (typeof one === "string" ? change(one) : one);
  return JSON.parse(JSON.stringify(value, changed)) as T;
}

/** In the place of `@{NAME}`: the value, where somebody knows it, else Terraform's name of it. */
export function withNames<T>(
  value: T,
  { nodes }: Wiring,
  valueOf: (terraform: string) => string | undefined = () => undefined,
): T {
  const names = nodes.flatMap(({ address, deferred }) =>
    deferred === undefined ? [] : [[address, valueOf(deferred) ?? deferred] as const],
  );
  return mapTexts(value, (text) => names.reduce((all, [from, to]) => all.replaceAll(from, () => to), text));
}
