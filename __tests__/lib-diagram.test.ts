import * as fc from "fast-check";
import { renderMermaid, renderSvg } from "../lib/diagram";
import { draw } from "../lib/diagram/drawing";
import type { TracedNetwork, TracedWay } from "../lib/trace";
import { compileSettled, intentOf, shapes, type Shape } from "./support/random-network";

const networks = shapes.map((shape) => tracedOf(shape));
function tracedOf(shape: Shape): TracedNetwork {
  const { traced } = compileSettled(intentOf(shape));
  if (traced === undefined) throw new Error("not proved");
  return traced;
}

/** Two exits behind one relay; one client each. */
const small = tracedOf({
  nodes: 4,
  exits: [
    { through: [1, 2], clients: 1, own: 0 },
    { through: [1, 3], clients: 2, own: 0 },
  ],
  clientAddresses: false,
  prefix: false,
});
const withWays = (network: TracedNetwork, change: (way: TracedWay) => TracedWay | undefined): TracedNetwork => ({
  ...network,
  ways: network.ways.flatMap((way) => change(way) ?? []),
});

test("Mermaid: boxes, a line for each way and place, a colour a way", () => {
  expect(renderMermaid(small)).toMatchInlineSnapshot(`
"flowchart LR
  clients0(["cn2-0 10.64.33.2"])
  clients1(["2 addresses of 2 clients<br>cn3-0 10.64.49.2<br>cn3-1 10.64.49.3"])
  host_n0["n0<br>198.51.100.1"]
  host_n1["n1<br>198.51.100.2"]
  host_n2[["n2<br>198.51.100.3"]]
  host_n3[["n3<br>198.51.100.4"]]
  world_n2_198_2e_51_2e_100_2e_3("Internet<br>sees 198.51.100.3")
  world_n3_198_2e_51_2e_100_2e_4("Internet<br>sees 198.51.100.4")
  clients0 -->|"way 1<br>clients"| host_n0
  host_n0 -->|"way 1<br>t01 10.1.1.0/24<br>10.1.1.30 to 10.1.1.1<br>MTU 1440"| host_n1
  host_n1 -->|"way 1<br>t12 10.1.10.0/24<br>10.1.10.30 to 10.1.10.1<br>MTU 1440"| host_n2
  host_n2 -->|"way 1"| world_n2_198_2e_51_2e_100_2e_3
  clients1 -->|"way 2<br>clients"| host_n0
  host_n0 -->|"way 2<br>t01 10.1.1.0/24<br>10.1.1.40 to 10.1.1.1<br>MTU 1440"| host_n1
  host_n1 -->|"way 2<br>t13 10.1.11.0/24<br>10.1.11.40 to 10.1.11.1<br>MTU 1440"| host_n3
  host_n3 -->|"way 2"| world_n3_198_2e_51_2e_100_2e_4
  linkStyle 0 stroke:#0072B2,stroke-width:2px
  linkStyle 1 stroke:#0072B2,stroke-width:2px
  linkStyle 2 stroke:#0072B2,stroke-width:2px
  linkStyle 3 stroke:#0072B2,stroke-width:2px
  linkStyle 4 stroke:#D55E00,stroke-width:2px
  linkStyle 5 stroke:#D55E00,stroke-width:2px
  linkStyle 6 stroke:#D55E00,stroke-width:2px
  linkStyle 7 stroke:#D55E00,stroke-width:2px
"
`);
});

test("a difference: who moved is thick and says from where, who is gone is dashed, others stay as they are", () => {
  const [mover, other] = small.ways.filter(({ exit }) => exit?.node === "n3");
  const target = small.ways.find(({ exit }) => exit?.node === "n2");
  if (mover === undefined || other === undefined || target === undefined) throw new Error("not the network that this is about");
  const { exit, tunnels, hops, labels } = target;
  const head = withWays(small, (way) =>
    way === mover ? { ...way, exit, tunnels, hops, labels } : way === other ? undefined : way,
  );
  const { boxes, lines } = draw(head, small);
  expect(boxes.filter(({ mark }) => mark !== "same").map(({ text, mark }) => [text, mark])).toEqual([
    [["cn3-0 10.64.49.2", "changed: was n3"], "changed"],
    [["cn3-1 10.64.49.3", "gone"], "gone"],
  ]);
  expect(lines.filter(({ mark, to }) => mark === "gone" && to.startsWith("host_")).map(({ to }) => to)).toEqual([
    "host_n0",
    "host_n1",
    "host_n3",
  ]);
  const text = renderMermaid(head, small);
  expect(text).toMatch(/clients1 ==>\|"way 1, changed<br>clients"\| host_n0/);
  expect(text).toMatch(/clients2 -\.->\|"way 2, gone<br>clients"\| host_n0/);
  expect(renderMermaid(small, small)).not.toMatch(/==>|-\.->|changed|new|gone/);
});

test("names from outside cannot leave their label", () => {
  const bad = `x"]; click a href "javascript:1" <script>&amp;`;
  const head = withWays(small, (way) => ({ ...way, client: bad }));
  const mermaid = renderMermaid(head);
  expect(mermaid).not.toMatch(/<script|javascript:1"|"\]; click/);
  const svg = renderSvg(head);
  expect(svg).not.toContain("<script");
  expect(svg.match(/<text/g)?.length).toBe(svg.match(/<\/text>/g)?.length);
});

test("what leaves nowhere is drawn so", () => {
  const head = withWays(small, (way) => ({ ...way, exit: null, tunnels: [] }));
  expect(renderMermaid(head)).toContain('nowhere{{"leaves nowhere"}}');
});

test("10,000 clients are a few boxes", () => {
  const [way] = small.ways;
  if (way === undefined) throw new Error("no way");
  const crowd = Array.from({ length: 10_000 }, (_, i) => ({ ...way, client: `c${i}`, address: `10.64.${i >> 8}.${i & 255}` }));
  expect(renderMermaid({ ...small, ways: crowd }).length).toBeLessThan(3_000);
  expect(renderMermaid({ ...small, ways: crowd })).toContain("10000 addresses of 10000 clients");
});

test("law: the lines of a way are the hosts that its packets came through, in their order, and there are no others", () => {
  fc.assert(
    fc.property(networks, (network) => {
      const { lines, ways } = draw(network);
      const drawn = new Set(
        lines.flatMap((line) => line.ways.map((way) => `${way} ${line.from} ${line.to.replace(/^world_.*/, "world")}`)),
      );
      const numbers = new Map<string, number>();
      const wanted = new Set<string>();
      for (const { node, interface: one, tunnels, exit } of network.ways) {
        const key = JSON.stringify([node, one, tunnels, exit]);
        const number = numbers.get(key) ?? numbers.set(key, numbers.size + 1).get(key);
        const ends = tunnels.map((id) => network.tunnels.find((tunnel) => tunnel.id === id));
        for (const tunnel of ends) wanted.add(`${number} host_${tunnel?.client.node} host_${tunnel?.server.node}`);
        if (exit !== null) wanted.add(`${number} host_${exit.node} world`);
      }
      expect(ways.length).toBe(numbers.size);
      expect(new Set([...drawn].filter((line) => !/clients\d+/.test(line)))).toEqual(wanted);
    }),
    { numRuns: 60 },
  );
});

test("law: the same network gives the same bytes, and no box of the SVG lies on another", () => {
  fc.assert(
    fc.property(networks, (network) => {
      const svg = renderSvg(network);
      expect(renderSvg(structuredClone(network))).toBe(svg);
      const boxes = [
        ...svg.matchAll(/<rect class="box \w+" x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"/g),
      ].map(([, ...numbers]) => numbers.map(Number) as [number, number, number, number]);
      expect(boxes.length).toBeGreaterThan(network.hosts.length);
      boxes.forEach(([x, y, width, height], index) => {
        for (const [a, b, c, d] of boxes.slice(index + 1)) {
          expect(x + width <= a || a + c <= x || y + height <= b || b + d <= y).toBe(true);
        }
      });
    }),
    { numRuns: 30 },
  );
});
