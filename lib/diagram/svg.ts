import { graphlib, layout } from "@dagrejs/dagre";
import type { TracedNetwork } from "../trace";
import { draw, waysText, type Box, type Drawing, type Line } from "./drawing";
import { colourOf } from "./palette";

/** Layout is dagre's; sizes are those of a sans-serif text of 13 pixels, a little too wide rather than too narrow. */
const text = { lineHeight: 17, charWidth: 7.3, small: 6.4, padding: 12 } as const;
const margin = 24;

interface Point {
  readonly x: number;
  readonly y: number;
}
interface Placed extends Point {
  readonly width: number;
  readonly height: number;
}
interface PlacedLine {
  readonly line: Line;
  readonly points: readonly Point[];
  readonly label: Placed;
}

/** One picture, the same bytes for the same network: texts as text, colours for light and dark, no fonts or scripts from anywhere. */
export function renderSvg(network: TracedNetwork, base?: TracedNetwork): string {
  const drawing = draw(network, base);
  const { boxes, lines, width, height } = place(drawing);
  const legend = legendOf(drawing, height);
  const size = { width: Math.max(width, legend.width), height: height + legend.height };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="13">`,
    `<title id="title">${escape(network.stack)}: who leaves where</title>`,
    `<desc id="desc">${escape(drawing.ways.map(({ number, text: words }) => `Way ${number}: ${words}.`).join(" "))}</desc>`,
    style,
    `<rect class="ground" width="100%" height="100%"/>`,
    ...lines.map(lineSvg),
    ...boxes.map(([box, at]) => boxSvg(box, at)),
    ...lines.flatMap(({ line, label }) => (labelText(line).length === 0 ? [] : [labelSvg(line, label)])),
    ...legend.svg,
    "</svg>",
    "",
  ].join("\n");
}

const style = `<style>
.ground { fill: #ffffff } .ink { fill: #1a1a1a } .soft { fill: #444444 }
.box { fill: #f6f6f6; stroke: #555555; stroke-width: 1.5 } .label { fill: #ffffff }
.new, .changed { stroke-width: 3.5 } .gone { stroke-dasharray: 6 5 }
@media (prefers-color-scheme: dark) {
.ground, .label { fill: #14171c } .ink { fill: #f0f0f0 } .soft { fill: #c4c4c4 } .box { fill: #22262d; stroke: #a0a0a0 } }
</style>`;

const escape = (words: string): string =>
  words.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`).replace(/[^\P{C}\n]/gu, "?");
const round = (value: number): number => Math.round(value * 10) / 10;
const widest = (lines: readonly string[], charWidth: number): number =>
  Math.max(...lines.map((line) => [...line].length), 1) * charWidth;

const labelText = (line: Line): string[] => [...waysText(line), ...line.text];

function place(drawing: Drawing) {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 28, ranksep: 40, edgesep: 14, marginx: margin, marginy: margin });
  for (const box of drawing.boxes) {
    const width = widest(box.text, text.charWidth) + 2 * text.padding;
    graph.setNode(box.id, { width, height: box.text.length * text.lineHeight + 2 * text.padding });
  }
  const { lines } = drawing;
  lines.forEach((line, index) => {
    const words = labelText(line);
    const size = { width: widest(words, text.small) + 8, height: words.length * 14 + 6 };
    graph.setEdge(line.from, line.to, { ...size, labelpos: "c" }, String(index));
  });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: drawing.boxes.map((box) => [box, graph.node(box.id) as Placed] as const),
    lines: lines.map((line, index): PlacedLine => {
      const edge = graph.edge({ v: line.from, w: line.to, name: String(index) }) as Placed & { points: Point[] };
      return { line, points: edge.points, label: edge };
    }),
  };
}

function boxSvg({ kind, text: lines, mark }: Box, { x, y, width, height }: Placed): string {
  const corner = kind === "clients" || kind === "world" ? round(height / 2) : 6;
  const at = `x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${round(width)}" height="${round(height)}"`;
  const inner = kind === "exit" ? `<rect class="box" ${inset(x, y, width, height)} rx="4" fill-opacity="0"/>` : "";
  const first = y - ((lines.length - 1) * text.lineHeight) / 2;
  const words = lines.map((line, index) => {
    const bold = index === 0 && kind !== "clients" ? ' font-weight="600"' : "";
    return `<text class="${index === 0 ? "ink" : "soft"}" x="${round(x)}" y="${round(first + index * text.lineHeight)}" text-anchor="middle" dominant-baseline="central"${bold}>${escape(line)}</text>`;
  });
  return `<g><rect class="box ${mark}" ${at} rx="${Math.min(corner, 18)}"/>${inner}${words.join("")}</g>`;
}

const inset = (x: number, y: number, width: number, height: number): string =>
  `x="${round(x - width / 2 + 4)}" y="${round(y - height / 2 + 4)}" width="${round(width - 8)}" height="${round(height - 8)}"`;

/** Dash patterns tell ways apart where colours do not. */
const dashes = ["", "10 3", "3 3", "12 4 3 4", "1 4", "8 3 1 3"] as const;

function dashOf(ways: readonly number[]): string {
  const [way, ...more] = ways;
  return way === undefined ? "2 5" : more.length > 0 ? "" : (dashes[(way - 1) % dashes.length] ?? "");
}

function lineSvg({ line, points }: PlacedLine): string {
  const colour = colourOf(line.ways);
  const dash = line.mark === "gone" ? "6 5" : dashOf(line.ways);
  const [first, ...rest] = points;
  const path = `M${round(first?.x ?? 0)} ${round(first?.y ?? 0)} ${rest.map(({ x, y }) => `L${round(x)} ${round(y)}`).join(" ")}`;
  const width = line.mark === "new" || line.mark === "changed" ? 4.5 : 2;
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}/>${head(points, colour)}`;
}

/** An arrow's head of its own, since markers do not take the line's colour everywhere. */
function head(points: readonly Point[], colour: string): string {
  const [before, end] = points.slice(-2);
  if (before === undefined || end === undefined) return "";
  const angle = Math.atan2(end.y - before.y, end.x - before.x);
  const corner = (turn: number): string =>
    `${round(end.x - 10 * Math.cos(angle + turn))},${round(end.y - 10 * Math.sin(angle + turn))}`;
  return `<polygon points="${round(end.x)},${round(end.y)} ${corner(0.45)} ${corner(-0.45)}" fill="${colour}"/>`;
}

function labelSvg(line: Line, { x, y, width, height }: Placed): string {
  const lines = labelText(line);
  const first = y - ((lines.length - 1) * 14) / 2;
  const words = lines.map(
    (word, index) =>
      `<text class="${index === 0 ? "ink" : "soft"}" x="${round(x)}" y="${round(first + index * 14)}" text-anchor="middle" dominant-baseline="central" font-size="11.5">${escape(word)}</text>`,
  );
  const at = `x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${round(width)}" height="${round(height)}"`;
  return `<g><rect class="label" ${at} rx="4"/>${words.join("")}</g>`;
}

function legendOf({ ways, compared }: Drawing, top: number): { svg: string[]; width: number; height: number } {
  const words = ways.map(({ number, text: said, mark }) => `way ${number}${mark === "same" ? "" : ` (${mark})`}: ${said}`);
  if (compared) words.push("thick: new or changed; dashed: gone");
  const svg = words.flatMap((line, index) => {
    const y = top + 12 + index * 20;
    const way = ways[index]?.number;
    const dash = way === undefined ? "" : dashOf([way]);
    const stroke = `stroke="${colourOf(way === undefined ? [] : [way])}" stroke-width="3"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`;
    const sample = way === undefined ? "" : `<path d="M${margin} ${y} H${margin + 40}" ${stroke}/>`;
    return [`${sample}<text class="ink" x="${margin + 50}" y="${y}" dominant-baseline="central">${escape(line)}</text>`];
  });
  return { svg, width: Math.ceil(widest(words, text.charWidth)) + 2 * margin + 50, height: words.length * 20 + margin };
}
