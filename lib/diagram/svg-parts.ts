import { lineHeight, strandText, type } from "./blocks";
import type { Box, Cable, Strand } from "./drawing";
import { colourOf } from "./palette";
import { textWidth } from "./text-size";
import { pitch, type Point, type Rect, type Track } from "./tracks";

export const number = (value: number): string => String(Math.round(value * 10) / 10);

const escape = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** Text is escaped here and nowhere else. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, text?: string): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? number(value) : escape(value)}"`,
  );
  return `<${name}${written.join("")}${text === undefined ? "/>" : `>${escape(text)}</${name}>`}`;
}

interface TextStyle {
  readonly size: number;
  readonly soft?: boolean;
  readonly bold?: boolean;
  readonly middle?: boolean;
}

/** `y` is its middle. Set as a base line, since not all that draw SVG know another. */
export function textSvg(text: string, { x, y }: Point, { size, soft, bold, middle }: TextStyle): string {
  return element(
    "text",
    {
      class: soft === true ? "soft" : "ink",
      x,
      y: y + size * 0.36,
      "font-size": size,
      ...(bold === true ? { "font-weight": 600 } : {}),
      ...(middle === true ? { "text-anchor": "middle" } : {}),
    },
    text,
  );
}

export function boxSvg({ kind, lines, state }: Box, { x, y, width, height }: Rect): string {
  const rx = kind === "host" ? 5 : Math.min(18, height / 2);
  const first = y + height / 2 - ((lines.length - 1) * type.line) / 2;
  const words = lines.map((line, index) =>
    textSvg(
      line,
      { x: x + width / 2, y: first + index * type.line },
      { size: type.box, bold: index === 0, soft: index > 0, middle: true },
    ),
  );
  return `<g>${element("rect", { class: `box ${kind} ${state}`, x, y, width, height, rx })}${words.join("")}</g>`;
}

const offset = (index: number, strands: number): number => (index - (strands - 1) / 2) * pitch;

/** All strands of a cable, side by side. */
export function cableSvg({ id, strands, tunnel, state }: Cable, track: Track): string[] {
  const of = tunnel === undefined ? {} : { "data-tunnel": id };
  if (strands.length === 0) return [element("path", { class: `idle ${state}`, ...of, d: pathOf(track) })];
  return strands.map((strand, index) => {
    const { way, state: own, backwards } = strand;
    const moved = track.map(({ x, y }) => ({ x, y: y + offset(index, strands.length) }));
    const there = backwards ? [...moved].reverse() : moved;
    const colour = colourOf(way).line;
    const line = element("path", { class: `way ${own}`, "data-way": way, ...of, stroke: colour, d: pathOf(beforeHead(there)) });
    return line + headSvg(there, colour);
  });
}

const head = { length: 12, half: 6.5 } as const;

const directionAtEnd = (points: Track): number =>
  (points.at(-1)?.x ?? 0) >= (points.at(-2)?.x ?? points.at(-3)?.x ?? 0) ? 1 : -1;

/** The line ends inside of its arrow's head, or it would stick out at the tip. */
const beforeHead = (points: Track): Track => [
  ...points.slice(0, -1),
  ...points.slice(-1).map(({ x, y }) => ({ x: x - directionAtEnd(points) * (head.length - 2), y })),
];

function headSvg(points: Track, fill: string): string {
  const { x, y } = points.at(-1) ?? { x: 0, y: 0 };
  const back = x - directionAtEnd(points) * head.length;
  return element("path", {
    fill,
    d: `M${number(x)} ${number(y)}L${number(back)} ${number(y - head.half)}V${number(y + head.half)}Z`,
  });
}

function pathOf(points: Track): string {
  return points
    .map(({ x, y }, index) => {
      const before = points[index - 1];
      if (before === undefined) return `M${number(x)} ${number(y)}`;
      if (before.y === y) return `H${number(x)}`;
      const middle = number((before.x + x) / 2);
      return `C${middle} ${number(before.y)} ${middle} ${number(y)} ${number(x)} ${number(y)}`;
    })
    .join("");
}

export function badgeSvg(way: number, { x, y }: Point): string {
  const { line, ink } = colourOf(way);
  const size = way > 99 ? 7 : 9.5;
  const text = { x, y: y + size * 0.36, "font-size": size, "font-weight": 700, "text-anchor": "middle", fill: ink };
  return element("circle", { cx: x, cy: y, r: type.badge, fill: line }) + element("text", text, String(way));
}

/** Each strand's badge where it begins. */
export function badgesAt(strands: readonly Strand[], start: Point | undefined): string[] {
  if (start === undefined) return [];
  return strands.map(({ way }, index) => badgeSvg(way, { x: start.x, y: start.y + offset(index, strands.length) }));
}

/** A tunnel's words above and below its strands, and on each of them what it is there. */
export function cardSvg(cable: Cable, { above, below }: NonNullable<Cable["tunnel"]>, { x, y }: Rect): string {
  const left = x + 4;
  const row = (index: number): number => (index + 0.5) * type.tunnelLine;
  const top = y + above.length * type.tunnelLine + 4;
  const bottom = top + lineHeight(cable) + 2;
  const words = [
    ...above.map((line, index) =>
      textSvg(line, { x: left, y: y + row(index) }, { size: type.tunnel, bold: index === 0, soft: index > 0 }),
    ),
    ...cable.strands.map((strand, index) =>
      strandSvg(strandText(strand), { x: left + 2 * type.badge + 5, y: top + (index + 0.5) * pitch }),
    ),
    ...below.map((line, index) => textSvg(line, { x: left, y: bottom + row(index) }, { size: type.tunnel, soft: true })),
  ];
  const badges = badgesAt(cable.strands, { x: left + type.badge, y: top + lineHeight(cable) / 2 });
  return `<g>${words.join("")}${badges.join("")}</g>`;
}

/** Stands in its line, which stops for it. */
function strandSvg(text: string, { x, y }: Point): string {
  if (text === "") return "";
  const size = { width: textWidth(text, type.tunnel) + 6, height: pitch - 4 };
  return (
    element("rect", { class: "ground", x: x - 3, y: y - size.height / 2, ...size }) +
    textSvg(text, { x, y }, { size: type.tunnel })
  );
}
