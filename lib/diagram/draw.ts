import type { TracedHost, TracedNetwork } from "../trace";
import { hostId, type Box, type Cable, type Drawing, type DrawnWay, type Strand } from "./drawing";
import { compared, marks } from "./marks";
import { groupsOf, type Group, type Route } from "./routes";
import { Tunnels } from "./tunnels";
import { clientLines, clip, exitLines, hostLines, plural, routeText } from "./words";

export function draw(network: TracedNetwork, base?: TracedNetwork): Drawing {
  const groups = groupsOf(network, base);
  const tunnels = new Tunnels(network, base);
  const boxes = hostBoxes(network, base);
  const cables = new Cables();
  groups.forEach((group, index) => {
    const { route, state } = group;
    const id = `clients-${index + 1}`;
    const strand = { way: route.number, state, label: "", backwards: false };
    boxes.push({ id, kind: "clients", lines: clientLines(group), state });
    cables.add({ id, from: id, to: hostId(route.node) }, strand);
    const at = tunnels.walk(group);
    const end = endBox(group, at);
    boxes.push(end);
    cables.add({ id: end.id, from: hostId(route.exit?.node ?? at), to: end.id }, strand);
  });
  return {
    stack: network.stack,
    compared: base !== undefined,
    ways: waysOf(groups),
    boxes: merged(boxes),
    cables: [...tunnels.cables(), ...cables.all()],
  };
}

function endBox({ route, state, members }: Group, at: string): Box {
  const { exit } = route;
  if (exit !== null) return { id: `exit-${exit.node}-${exit.address}`, kind: "exit", lines: exitLines(exit), state };
  const [why, ...more] = new Set(members.map((way) => way.why ?? ""));
  const reason = more.length > 0 ? plural(more.length + 1, "reason") : clip(why ?? "", 48);
  return {
    id: `nowhere-${at}-${route.number}`,
    kind: "nowhere",
    lines: ["leaves nowhere", ...(reason === "" ? [] : [reason])],
    state,
  };
}

/** A box that several come to is new or gone only where it is so for all. */
function merged(boxes: readonly Box[]): Box[] {
  const byId = new Map<string, Box>();
  for (const box of boxes) {
    const known = byId.get(box.id);
    byId.set(box.id, known === undefined || known.state === box.state ? (known ?? box) : { ...known, state: "same" });
  }
  return [...byId.values()].map((box) => (box.kind === "exit" && box.state === "changed" ? { ...box, state: "same" } : box));
}

function hostBoxes(network: TracedNetwork, base: TracedNetwork | undefined): Box[] {
  const boxOf = (host: TracedHost): Box => ({ id: hostId(host.name), kind: "host", lines: hostLines(host), state: "same" });
  const before = base?.hosts.map(boxOf);
  return compared(
    network.hosts.map(boxOf),
    before,
    ({ id }) => id,
    (box) => box.lines,
    (box, state, was) => ({
      ...box,
      state,
      lines: [...box.lines, ...marks(state, was)],
    }),
  );
}

function waysOf(groups: readonly Group[]): DrawnWay[] {
  const routes = new Map<Route, number>();
  for (const { route, members, state } of groups)
    routes.set(route, (routes.get(route) ?? 0) + (state === "gone" ? 0 : members.length));
  return [...routes].map(([route, sources]) => ({ number: route.number, text: routeText(route, sources) }));
}

/** Strands of one way in one state are one. */
function joined(strands: readonly Strand[]): Strand[] {
  const byKey = new Map(strands.map((strand) => [`${strand.way} ${strand.state} ${strand.backwards}`, strand]));
  return [...byKey.values()].sort((a, b) => a.way - b.way);
}

class Cables {
  private readonly cables = new Map<string, { from: string; to: string; strands: Strand[] }>();

  add({ id, from, to }: { id: string; from: string; to: string }, strand: Strand): void {
    const key = `${id} ${from} ${to}`;
    const cable = this.cables.get(key) ?? { from, to, strands: [] };
    cable.strands.push(strand);
    this.cables.set(key, cable);
  }

  all(): Cable[] {
    return [...this.cables].map(([id, { from, to, strands }]) => ({
      id,
      from,
      to,
      tunnel: undefined,
      strands: joined(strands),
      state: "same",
    }));
  }
}
