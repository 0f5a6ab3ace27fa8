import { pairWays } from "../diff/ways";
import type { TracedExit, TracedNetwork, TracedWay } from "../trace";

/** Against the base. A way that somebody took and takes no more is "gone", also where they take another now. */
export type State = "same" | "new" | "changed" | "gone";

/** A way from an interface of clients to where it ends, whoever takes it: it has one number and one colour. */
export interface Route {
  readonly number: number;
  readonly node: string;
  readonly interface: string;
  readonly tunnels: readonly string[];
  readonly exit: TracedExit | null;
}

/** Sources that take one route, all with the same to be said of them. */
export interface Group {
  readonly route: Route;
  readonly state: State;
  readonly members: readonly TracedWay[];
  readonly note: string | undefined;
}

const keyOf = ({ node, interface: one, tunnels, exit }: TracedWay): string =>
  JSON.stringify([node, one, tunnels, exit?.node, exit?.address]);

export function routesOf(network: TracedNetwork, base: TracedNetwork | undefined): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const way of [...network.ways, ...(base?.ways ?? [])]) {
    const { node, interface: one, tunnels, exit } = way;
    const key = keyOf(way);
    if (!routes.has(key))
      routes.set(key, { number: routes.size + 1, node, interface: one, tunnels: [...new Set(tunnels)], exit });
  }
  return routes;
}

/** In the order of routes; of each, first those that stay. */
export function groupsOf(network: TracedNetwork, base: TracedNetwork | undefined): Group[] {
  const groups = new Groups(routesOf(network, base));
  const { both, added, gone } = pairWays(base ?? network, network);
  for (const { before, after } of both) {
    if (keyOf(before) === keyOf(after)) {
      const [led, carried] = [changed(before, after, leading), changed(before, after, carrying)];
      const words = [...led, ...carried].join(", ");
      groups.add(after, led.length === 0 ? "same" : "changed", words === "" ? undefined : `other ${words}`);
    } else {
      groups.add(after, "changed", `formerly way ${groups.numberOf(before)}`);
      groups.add(before, "gone", `now way ${groups.numberOf(after)}`);
    }
  }
  for (const way of added) groups.add(way, "new");
  for (const way of gone) groups.add(way, "gone");
  return groups.sorted();
}

/** Where packets come by and end: of these the way is another one. */
const leading = { hops: "hops", down: "way out when a tunnel is down", why: "reason" } as const;
/** How they are carried there: worth a word. */
const carrying = { mtuBytes: "MTU", labels: "labels" } as const;

const changed = (before: TracedWay, after: TracedWay, facts: Partial<Readonly<Record<keyof TracedWay, string>>>): string[] =>
  (Object.keys(facts) as (keyof TracedWay)[])
    .filter((fact) => JSON.stringify(before[fact]) !== JSON.stringify(after[fact]))
    .map((fact) => facts[fact] ?? fact);

const order: readonly State[] = ["same", "changed", "new", "gone"];

class Groups {
  private readonly groups = new Map<string, { route: Route; state: State; members: TracedWay[]; note: string | undefined }>();

  constructor(private readonly routes: ReadonlyMap<string, Route>) {}

  numberOf(way: TracedWay): number {
    return this.routes.get(keyOf(way))?.number ?? 0;
  }

  add(way: TracedWay, state: State, note?: string): void {
    const route = this.routes.get(keyOf(way));
    if (route === undefined) return;
    const key = JSON.stringify([route.number, state, note]);
    const group = this.groups.get(key) ?? { route, state, members: [], note };
    group.members.push(way);
    this.groups.set(key, group);
  }

  sorted(): Group[] {
    const noteOf = ({ note }: Group): string => note ?? "";
    return [...this.groups.values()].sort(
      (a, b) =>
        a.route.number - b.route.number ||
        order.indexOf(a.state) - order.indexOf(b.state) ||
        (noteOf(a) < noteOf(b) ? -1 : noteOf(a) > noteOf(b) ? 1 : 0),
    );
  }
}
