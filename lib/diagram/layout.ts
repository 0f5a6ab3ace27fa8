import { graphlib, layout } from "@dagrejs/dagre";
import { columnAt, pitch, trackOf, Tracks, type Column, type Join, type Pass, type Point, type Rect, type Track } from "./tracks";

const gap = { rank: 56, node: 22, edge: 8, margin: 20 } as const;

/** A thing with a place of its own: a box, or the words of a tunnel, through which its strands pass. */
export interface Block {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** Where strands pass, below its top; undefined: in the middle. */
  readonly lineAt: number | undefined;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly rects: ReadonlyMap<string, Rect>;
  readonly tracks: ReadonlyMap<string, Track>;
}

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** dagre gives the columns, the order in them, and heights; how exactly lines run is ours. */
export function arrange(blocks: readonly Block[], joins: readonly Join[]): Layout {
  const first = place(blocks, joins, pitch);
  // Only where a cable passes other blocks does it need its whole thickness beside them.
  const thickest = Math.max(1, ...joins.flatMap((join) => (first.passes.get(trackOf(join))?.length ? [join.strands] : [])));
  const { width, rects, columns, passes } = thickest === 1 ? first : place(blocks, joins, thickest * pitch);
  const lineAt = new Map(blocks.map((block) => [block.id, block.lineAt]));
  const tracks = new Tracks(joins, rects, columns, passes).all(lineAt);
  // dagre's own height has room for what is not drawn.
  const bottoms = [
    ...[...rects.values()].map(({ y, height }) => y + height),
    ...[...tracks.values()].flat().map(({ y }) => y + (thickest * pitch) / 2),
  ];
  return { width: Math.ceil(width), height: Math.ceil(bottoms.reduce((a, b) => Math.max(a, b), 0)) + gap.margin, rects, tracks };
}

function place(blocks: readonly Block[], joins: readonly Join[], thickness: number) {
  const graph = new graphlib.Graph();
  const edgesep = thickness + gap.edge;
  // Many lines side by side need room to bend.
  const ranksep = gap.rank + 2 * mostAtASide(joins);
  graph.setGraph({ rankdir: "LR", nodesep: gap.node, ranksep, edgesep, marginx: gap.margin, marginy: gap.margin });
  for (const { id, width, height } of blocks) graph.setNode(id, { width, height });
  for (const { from, to } of joins) graph.setEdge(from, to, {});
  layout(graph);
  const placed = blocks.map(({ id }) => [id, graph.node(id) as Placed] as const);
  const columns = columnsOf(placed.map(([, at]) => at));
  const { width = 0 } = graph.graph() as { width?: number };
  const pass = ({ x, y }: Point): Pass[] => {
    // What dagre has in the space between two columns is not needed.
    const column = columnAt(x, columns);
    return column === undefined ? [] : [{ ...column, y }];
  };
  return {
    width,
    columns,
    rects: new Map(placed.map(([id, { x, y, width, height }]) => [id, { x: x - width / 2, y: y - height / 2, width, height }])),
    passes: new Map(
      joins.map((join): [string, Pass[]] => {
        const { points = [] } = graph.edge({ v: join.from, w: join.to }) as { points?: Point[] };
        return [trackOf(join), points.slice(1, -1).flatMap(pass)];
      }),
    ),
  };
}

function mostAtASide(joins: readonly Join[]): number {
  const sides = new Map<string, number>();
  for (const { from, to, strands } of joins) {
    for (const side of [`${from} out`, `${to} in`]) sides.set(side, (sides.get(side) ?? 0) + strands);
  }
  return [...sides.values()].reduce((a, b) => Math.max(a, b), 0);
}

function columnsOf(placed: readonly Placed[]): Column[] {
  const columns: Column[] = [];
  for (const { x, width } of placed) {
    const [left, right] = [x - width / 2, x + width / 2];
    const known = columnAt(x, columns);
    if (known === undefined) columns.push({ middle: x, left, right });
    else columns[columns.indexOf(known)] = { ...known, left: Math.min(known.left, left), right: Math.max(known.right, right) };
  }
  return columns;
}
