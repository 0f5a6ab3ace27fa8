import type { Plot, Series } from "./part";

/** A line plot as SVG: x by powers of ten, y from zero. Colours are told apart by people who see few (Okabe and Ito), and each line has its name at its end. */

const [plain, height, left, top, bottom] = [466, 380, 84, 44, 52] as const;
/** Of a letter at most, in what most systems have for sans-serif; ticks nearer than this share a label. */
const [letter, nearest] = [7.6, 44];
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const short = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");

export function svgOf({ title, x, y, series }: Plot): string {
  const right = Math.max(...series.map(({ name }) => name.length)) * letter + 20;
  const width = Math.ceil(left + plain + right);
  const xs = series.flatMap(({ points }) => points.map(([at]) => at));
  const most = niceAbove(Math.max(...series.flatMap(({ points }) => points.map(([, value]) => value))));
  const [low, high] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))];
  const atX = (value: number): number => left + ((Math.log10(value) - low) / Math.max(high - low, 1e-9)) * plain;
  const atY = (value: number): number => height - bottom - (value / most) * (height - top - bottom);
  const text = (at: readonly [number, number], words: string, more = ""): string =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${more}>${escape(words)}</text>`;
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((part) => {
    const at = atY(part * most);
    return [
      `<line x1="${left}" x2="${left + plain}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" stroke="#ddd"/>`,
      text([left - 8, at + 4], short(part * most), 'text-anchor="end"'),
    ];
  });
  const ticks = ticksOf(xs, atX).map(({ at, words }) => text([at, height - bottom + 20], words, 'text-anchor="middle"'));
  const lines = series.map((one, index) => lineOf(one, colours[index % colours.length] ?? "#000", atX, atY));
  const names = labelsApart(series, atY).map(({ name, at, index }) =>
    text([left + plain + 10, at], name, `fill="${colours[index % colours.length] ?? "#000"}"`),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" role="img">`,
    `<title>${escape(title)}</title><rect width="${width}" height="${height}" fill="#fff"/>`,
    text([left, 24], title, 'font-size="15" font-weight="bold"'),
    ...grid,
    ...ticks,
    ...lines,
    ...names,
    text([left + plain / 2, height - 12], x, 'text-anchor="middle"'),
    text([16, (top + height - bottom) / 2], y, `text-anchor="middle" transform="rotate(-90 16 ${(top + height - bottom) / 2})"`),
    "</svg>\n",
  ].join("\n");
}

/** Those that would stand on each other get one label, "1,400 to 1,420". */
function ticksOf(xs: readonly number[], atX: (x: number) => number): { at: number; words: string }[] {
  const groups: number[][] = [];
  for (const value of [...new Set(xs)].sort((a, b) => a - b)) {
    const last = groups.at(-1);
    const before = last?.at(-1);
    if (last === undefined || before === undefined || atX(value) - atX(before) >= nearest) groups.push([value]);
    else last.push(value);
  }
  return groups.map((group) => {
    const [first = 0, end = first] = [group[0], group.at(-1)];
    return { at: (atX(first) + atX(end)) / 2, words: first === end ? short(first) : `${short(first)} to ${short(end)}` };
  });
}

function lineOf({ points }: Series, colour: string, atX: (x: number) => number, atY: (y: number) => number): string {
  const places = points.map(([px, py]) => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`);
  const dots = places.map((place) => `<circle cx="${place.replace(",", '" cy="')}" r="4" fill="${colour}"/>`);
  return `<polyline points="${places.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join("")}`;
}

/** Names at the ends of their lines, none on another. */
function labelsApart(series: readonly Series[], atY: (y: number) => number): { name: string; at: number; index: number }[] {
  const wanted = series
    .map(({ name, points }, index) => ({ name, index, at: atY(points.at(-1)?.[1] ?? 0) + 4 }))
    .sort((a, b) => a.at - b.at);
  wanted.forEach((one, index) => {
    const before = wanted[index - 1];
    if (before !== undefined && one.at < before.at + 16) one.at = before.at + 16;
  });
  return wanted;
}

function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return ([1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
