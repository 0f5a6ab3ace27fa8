import { mermaidLimits, renderMermaid, renderSvg } from "../lib/diagram";
import type { TracedNetwork, TracedTunnel, TracedWay } from "../lib/trace";

const linesWith = (text: string, words: string): string[] => text.split("\n").filter((line) => line.includes(words));

/** Chains of relays behind one entry; every second one shares the first relay of the one before it. */
function chains(exits: number, hosts: number, clients: number): TracedNetwork {
  const each = Math.floor((hosts - 1) / exits);
  const first = (exit: number): number => 1 + exit * each;
  const paths = Array.from({ length: exits }, (_, exit) => [
    ...(exit % 2 === 1 ? [0, first(exit - 1)] : [0]),
    ...Array.from({ length: each }, (_, index) => first(exit) + index),
  ]);
  const hopsOf = (path: readonly number[]) => path.slice(1).map((to, index) => [path[index] ?? 0, to] as const);
  const label = (exit: number, from: number, to: number): string => `10.${from}.${to}.${10 + exit}`;
  const idOf = (from: number, to: number): string => `h${from}/t${to}`;
  const tunnels = new Map(paths.flatMap(hopsOf).map(([from, to]) => [idOf(from, to), tunnelOf(from, to)]));
  function tunnelOf(from: number, to: number): TracedTunnel {
    const users = paths.flatMap((path, exit) => (hopsOf(path).some((hop) => hop[0] === from && hop[1] === to) ? [exit] : []));
    const end = { interface: `t${to}`, mtuBytes: 1440, listenPort: 1 };
    const client = { ...end, node: `h${from}`, addresses: users.map((exit) => label(exit, from, to)) };
    const server = { ...end, node: `h${to}`, addresses: [`10.${from}.${to}.1`] };
    return { id: idOf(from, to), client, server, network: `10.${from}.${to}.0/24`, mtuBytes: 1440, over: "public" };
  }
  const ways = paths.flatMap((path, exit) =>
    Array.from({ length: clients }, (_, index): TracedWay => {
      const address = `10.${64 + exit}.${index >> 8}.${index & 255}`;
      const leaves = { node: `h${path.at(-1)}`, address: `198.51.100.${path.at(-1)}`, deferred: false };
      const ids = hopsOf(path).map(([from, to]) => idOf(from, to));
      const labels = hopsOf(path).map(([from, to]) => label(exit, from, to));
      const entry = { client: `c${exit}-${index}`, address, node: "h0", interface: "wgs" };
      return { ...entry, exit: leaves, tunnels: ids, hops: [], labels, mtuBytes: 1440, down: [] };
    }),
  );
  const host = { kind: "ssh", exit: false, uplinkMtuBytes: 1500, clientInterfaces: [] } as const;
  const all = Array.from({ length: hosts }, (_, index) => ({ ...host, name: `h${index}`, address: `198.51.100.${index}` }));
  return { version: 1, stack: "large", hosts: all, tunnels: [...tunnels.values()], ways };
}
const edges = (mermaid: string): number => (mermaid.match(/ (?:-->|==>|-\.->?)(?:\||\s)/g) ?? []).length;

test("30 hosts, 5 exits, 10,000 clients", () => {
  const large = chains(5, 30, 2000);
  const mermaid = renderMermaid(large);
  expect(mermaid.length).toBeLessThan(8_000);
  expect(edges(mermaid)).toBeLessThan(60);
  expect(linesWith(mermaid, "2,000 clients").length).toBe(5);
  expect(renderSvg(large).length).toBeLessThan(60_000);
});

test("too many ways for Mermaid's limits become one line a tunnel, which says their numbers", () => {
  const network = chains(1, 4, 1);
  const [way] = network.ways;
  if (way === undefined) throw new Error("no way");
  const ways = (count: number): TracedNetwork => ({
    ...network,
    ways: Array.from({ length: count }, (_, index) => ({
      ...way,
      client: `c${index}`,
      exit: { node: "h3", address: `192.0.2.${index}`, deferred: false },
    })),
  });
  const [small, large] = [renderMermaid(ways(90)), renderMermaid(ways(150))];
  expect(linesWith(small, "way 90: 10.2.3.10")).toHaveLength(1);
  expect(linesWith(large, "ways 1 to 150")).toHaveLength(3);
  for (const text of [small, large]) {
    expect(text.length).toBeLessThan(mermaidLimits.characters);
    expect(edges(text)).toBeLessThan(mermaidLimits.edges);
  }
});

test("SVG: a box is as high as the lines that come to it need", () => {
  const svg = renderSvg(chains(12, 37, 1));
  const [, top = 0, height = 0] = (
    /<rect class="box host same" x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"[^>]*\/><text[^>]*>h0</.exec(svg) ?? []
  ).map(Number);
  const tips = [...svg.matchAll(/data-way="\d+" stroke="#\w+" d="[^"]*"\/><path fill="#\w+" d="M[\d.]+ ([\d.]+)L/g)].map(
    ([, y]) => Number(y),
  );
  const atEntry = tips.filter((_, index) => index % 2 === 0);
  expect(atEntry).toHaveLength(12);
  for (const y of atEntry) expect(y > top && y < top + height).toBe(true);
});
