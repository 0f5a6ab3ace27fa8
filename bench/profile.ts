import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Share of a process's time within functions that `wanted` takes, called by them or themselves; of `node --cpu-prof`, which writes a file a thread. */
export function sharesIn(
  directory: string,
  wanted: Readonly<Record<string, (name: string, file: string) => boolean>>,
): Record<string, number> {
  const all = readdirSync(directory).map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as Profile);
  // The thread that loads modules waits most of the time.
  const [profile] = all.sort((a, b) => b.nodes.length - a.nodes.length);
  if (profile === undefined) throw new Error("no profile was written");
  const parent = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const frame = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const total = profile.timeDeltas.reduce((sum, delta) => sum + delta, 0);
  const shareOf = (take: (name: string, file: string) => boolean): number => {
    const within = (id: number | undefined): boolean => {
      for (let one = id; one !== undefined; one = parent.get(one)) {
        const { functionName = "", url = "" } = frame.get(one) ?? {};
        if (take(functionName, url)) return true;
      }
      return false;
    };
    const inside = new Map(profile.nodes.map(({ id }) => [id, within(id)]));
    return (
      profile.samples.reduce((sum, id, at) => sum + (inside.get(id) === true ? (profile.timeDeltas[at] ?? 0) : 0), 0) / total
    );
  };
  return Object.fromEntries(Object.entries(wanted).map(([name, take]) => [name, shareOf(take)]));
}
