import * as fc from "fast-check";
import { renderMermaid, renderSvg } from "../lib/diagram";
import { textWidth } from "../lib/diagram/text-size";
import type { TracedNetwork, TracedWay } from "../lib/trace";
import { compileSettled, intentOf, shapes, type Shape } from "./support/random-network";

jest.setTimeout(120_000);

function tracedOf(shape: Shape): TracedNetwork {
  const { traced } = compileSettled(intentOf(shape));
  if (traced === undefined) throw new Error("not proved");
  return traced;
}

/** Some clients of a traced network leave nowhere, after some of their tunnels. */
const stopped = (network: TracedNetwork): fc.Arbitrary<TracedNetwork> =>
  fc.array(fc.nat({ max: 9 }), { minLength: network.ways.length, maxLength: network.ways.length }).map((lots) => ({
    ...network,
    ways: network.ways.map((way, index): TracedWay => {
      const kept = lots[index] ?? 9;
      if (kept >= 4) return way;
      return { ...way, exit: null, tunnels: way.tunnels.slice(0, kept), labels: way.labels.slice(0, kept), why: "dropped" };
    }),
  }));
const networks = shapes.map(tracedOf).chain(stopped);
/** Every direction of tunnels, circles too: what `shapes` never makes. */
const turned = fc
  .tuple(networks, fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }))
  .map(([network, turns]): TracedNetwork => ({
    ...network,
    tunnels: network.tunnels.map((tunnel, index) =>
      turns[index] === true ? { ...tunnel, client: tunnel.server, server: tunnel.client } : tunnel,
    ),
  }));

const colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];

const routeOf = ({ node, interface: one, tunnels, exit }: TracedWay): string => JSON.stringify([node, one, tunnels, exit]);

/** As they are to be numbered: in the order in which they come. */
const numbersOf = ({ ways }: TracedNetwork): Map<string, number> =>
  new Map([...new Set(ways.map(routeOf))].map((route, index) => [route, index + 1]));

/** What is to be on each tunnel: a way's number and colour, by what the trace says alone. */
function wanted(network: TracedNetwork): string[] {
  const numbers = numbersOf(network);
  const all = network.ways.flatMap((way) => {
    const number = numbers.get(routeOf(way)) ?? 0;
    return way.tunnels.map((id) => `way ${number} ${colours[(number - 1) % colours.length]} on ${id}`);
  });
  return [...new Set(all)].sort();
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly style: string;
}

function edgesOf(mermaid: string): Edge[] {
  const lines = [...mermaid.matchAll(/^ {2}(\w+) (?:-->|==>|-\.->|-\.-)(?:\|"([^"]*)"\|)? (\w+)$/gm)];
  const styles = new Map(
    [...mermaid.matchAll(/^ {2}linkStyle (\S+) (.*)$/gm)].flatMap(([, indices = "", style = ""]) =>
      indices.split(",").map((index) => [Number(index), style] as const),
    ),
  );
  return lines.map(([, from = "", label = "", to = ""], index) => ({ from, to, label, style: styles.get(index) ?? "" }));
}

test("Mermaid: each way is on the tunnels that its packets crossed, in its colour, and on no other", () => {
  fc.assert(
    fc.property(turned, (network) => {
      const drawn = edgesOf(renderMermaid(network)).flatMap(({ from, to, label, style }) => {
        const [, number] = /way (\d+)/.exec(label) ?? [];
        const tunnel = network.tunnels.find(
          ({ client, server }) =>
            [`host_${client.node} host_${server.node}`, `host_${server.node} host_${client.node}`].includes(`${from} ${to}`) &&
            new RegExp(`^${client.interface}\\b`).test(label),
        );
        return tunnel === undefined || number === undefined ? [] : [`way ${number} ${/#\w+/.exec(style)?.[0]} on ${tunnel.id}`];
      });
      expect(drawn.sort()).toEqual(wanted(network));
      // Nothing else goes from host to host but tunnels that nobody takes.
      const between = edgesOf(renderMermaid(network)).filter(
        ({ from, to }) => from.startsWith("host_") && to.startsWith("host_"),
      );
      const idle = network.tunnels.filter(({ id }) => !network.ways.some(({ tunnels }) => tunnels.includes(id)));
      expect(between.length).toBe(drawn.length + idle.length);
    }),
    { numRuns: 50 },
  );
});

test("SVG: each way is on the tunnels that its packets crossed, in its colour, and on no other", () => {
  fc.assert(
    fc.property(turned, (network) => {
      const pattern = /<path class="way \w+" data-way="(\d+)" data-tunnel="([^"]+)" stroke="(#\w+)"/g;
      const drawn = [...renderSvg(network).matchAll(pattern)].map(
        ([, way, tunnel, colour]) => `way ${way} ${colour} on ${tunnel}`,
      );
      expect(drawn.sort()).toEqual(wanted(network));
    }),
    { numRuns: 50 },
  );
});

test("each way begins at its clients and ends at the address that the world sees, or nowhere", () => {
  fc.assert(
    fc.property(networks, (network) => {
      const mermaid = renderMermaid(network);
      const edges = edgesOf(mermaid);
      const texts = new Map([...mermaid.matchAll(/^ {2}(\w+)[[({]+"([^"]*)"/gm)].map(([, id = "", text = ""]) => [id, text]));
      const numbers = numbersOf(network);
      for (const way of network.ways) {
        const label = `way ${numbers.get(routeOf(way))}`;
        const from = edges.filter((edge) => edge.from.startsWith("clients") && edge.label === label);
        expect(from.map(({ to }) => to)).toEqual([`host_${way.node}`]);
        const last = way.exit?.node ?? network.tunnels.find(({ id }) => id === way.tunnels.at(-1))?.server.node ?? way.node;
        const ends = edges.filter((edge) => edge.label === label && !edge.from.startsWith("clients"));
        expect(ends.map((edge) => edge.from)).toEqual([`host_${last}`]);
        const end = way.exit === null ? "leaves nowhere" : `sees ${way.exit.address}`;
        expect(ends.map(({ to }) => texts.get(to))).toEqual([expect.stringContaining(end)]);
      }
    }),
    { numRuns: 40 },
  );
});

test("against itself nothing is marked, and the same network gives the same bytes", () => {
  fc.assert(
    fc.property(networks, (network) => {
      const again = structuredClone(network);
      expect([renderMermaid(again), renderSvg(again)]).toEqual([renderMermaid(network), renderSvg(network)]);
      const compared = renderMermaid(network, again);
      expect(compared.replace(/.*legend.*\n/, "")).toBe(renderMermaid(network));
    }),
    { numRuns: 30 },
  );
});

test("against another network each way that is gone is drawn where its packets went, dashed", () => {
  fc.assert(
    fc.property(networks, networks, (network, base) => {
      const svg = renderSvg(network, base);
      const of = (state: string): Set<string> =>
        new Set(
          [...svg.matchAll(new RegExp(`class="way ${state}" data-way="\\d+" data-tunnel="([^"]+)"`, "g"))].map(
            ([, id = ""]) => id,
          ),
        );
      const key = ({ client, address }: TracedWay): string => `${client} ${address}`;
      const now = new Map(network.ways.map((one) => [key(one), one]));
      const left = base.ways.filter((one) => {
        const after = now.get(key(one));
        return after === undefined || routeOf(after) !== routeOf(one);
      });
      expect(of("gone")).toEqual(new Set(left.flatMap(({ tunnels }) => tunnels)));
      const before = new Set(base.ways.map(key));
      expect(of("new")).toEqual(new Set(network.ways.filter((one) => !before.has(key(one))).flatMap(({ tunnels }) => tunnels)));
    }),
    { numRuns: 25 },
  );
});

interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
const overlap = (a: Area, b: Area): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const numberIn = (attributes: string, name: string): number =>
  Number(new RegExp(`\\b${name}="([-\\d.]+)"`).exec(attributes)?.[1]);

/** Where text is; of a strand's own its line stops for it (a rectangle stands behind), all others no line may touch. */
function textAreas(svg: string): (Area & { readonly isStrands: boolean })[] {
  return [...svg.matchAll(/(<rect class="ground" x[^>]*\/>)?<text class="[^"]+"([^>]*)>([^<]*)</g)].map(
    ([, behind, attributes = "", text = ""]) => {
      const [x, y, size] = [numberIn(attributes, "x"), numberIn(attributes, "y"), numberIn(attributes, "font-size")];
      const width = textWidth(text, size, attributes.includes("font-weight"));
      const left = attributes.includes("middle") ? x - width / 2 : x;
      return { left, right: left + width, top: y - size * 0.8, bottom: y + size * 0.2, isStrands: behind !== undefined };
    },
  );
}

/** Points along the lines of ways. */
function samples(path: string): { x: number; y: number }[] {
  let [x, y] = [0, 0];
  return [...path.matchAll(/([MHC])([^MHC]*)/g)].flatMap(([, command, numbers = ""]) => {
    const values = numbers.trim().split(" ").map(Number);
    const [fromX, fromY] = [x, y];
    const [toX = 0, toY = fromY] = command === "C" ? values.slice(4) : values;
    [x, y] = [toX, toY];
    if (command === "M") return [];
    const [c1 = fromX, , c2 = toX] = command === "C" ? values : [];
    return Array.from({ length: 21 }, (_, index) => {
      const t = index / 20;
      const at = (a: number, b: number, c: number, d: number): number =>
        a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t ** 2 * (1 - t) + d * t ** 3;
      return command === "C" ? { x: at(fromX, c1, c2, toX), y: at(fromY, fromY, toY, toY) } : { x: fromX + t * (toX - fromX), y };
    });
  });
}

const boxAreas = (svg: string): Area[] =>
  [...svg.matchAll(/<rect class="box[^"]*"([^>]*)\/>/g)].map(([, attributes = ""]) => {
    const [left, top] = [numberIn(attributes, "x"), numberIn(attributes, "y")];
    return { left, top, right: left + numberIn(attributes, "width"), bottom: top + numberIn(attributes, "height") };
  });

/** What lies on what, or goes through it. */
function clashes(svg: string): unknown[] {
  const texts = textAreas(svg);
  const boxes = boxAreas(svg);
  const pairs = <T extends Area>(areas: readonly T[]): unknown[] =>
    areas.flatMap((area, index) => areas.slice(index + 1).flatMap((other) => (overlap(area, other) ? [[area, other]] : [])));
  const [, width = 0, height = 0] = (/width="(\d+)" height="(\d+)"/.exec(svg) ?? []).map(Number);
  const outside = [...boxes, ...texts].filter(
    ({ left, top, right, bottom }) => left < 0 || top < 0 || right > width || bottom > height,
  );
  const forbidden = [...boxes, ...texts.filter(({ isStrands }) => !isStrands)];
  const isIn = ({ left, right, top, bottom }: Area, x: number, y: number): boolean =>
    x > left + 0.5 && x < right - 0.5 && y > top + 0.5 && y < bottom - 0.5;
  const lines = [...svg.matchAll(/<path class="(?:way|idle) [^>]*\bd="([^"]+)"/g)].map(([, path = ""]) => path);
  const through = lines.filter((path) => samples(path).some(({ x, y }) => forbidden.some((area) => isIn(area, x, y))));
  return [...pairs(texts), ...pairs(boxes), ...outside, ...through];
}

test("SVG: no text or box lies on another, and no line goes through either", () => {
  fc.assert(
    fc.property(turned, (network) => expect(clashes(renderSvg(network))).toEqual([])),
    { numRuns: 40 },
  );
  fc.assert(
    fc.property(networks, networks, (network, base) => expect(clashes(renderSvg(network, base))).toEqual([])),
    { numRuns: 40 },
  );
});

test("SVG: lines that leave a box for the same column do not cross on the way there", () => {
  fc.assert(
    fc.property(networks, (network) => {
      const svg = renderSvg(network);
      const boxes = boxAreas(svg);
      const starts = /<path class="way \w+" data-way[^>]*\bd="M([\d.]+) ([\d.]+)H[\d.]+(?:C\S+ \S+ \S+ \S+ ([\d.]+) ([\d.]+))?/g;
      const lines = [...svg.matchAll(starts)].map(([, atX, atY, toX, atToY]) => {
        const [x, y, toY] = [Number(atX), Number(atY), Number(atToY ?? atY)];
        const near = (side: number): boolean => Math.abs(side - x) < 0.2;
        const box = boxes.findIndex(({ left, right, top, bottom }) => (near(left) || near(right)) && y >= top && y <= bottom);
        return { box, x, y, toX, toY };
      });
      expect(lines.filter(({ box }) => box < 0)).toEqual([]);
      const crossed = lines.flatMap((one, index) =>
        lines
          .slice(index + 1)
          .filter(
            (other) =>
              one.box === other.box &&
              one.x === other.x &&
              one.toX === other.toX &&
              (one.y - other.y) * (one.toY - other.toY) < 0,
          ),
      );
      expect(crossed).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
