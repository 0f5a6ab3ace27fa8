import type { TracedNetwork } from "../trace";
import { draw } from "./draw";
import type { Box, Cable, Drawing, Strand } from "./drawing";
import { colourOf, grey } from "./palette";
import type { State } from "./routes";
import { clip, numbersText } from "./words";

/** What Mermaid draws where nobody sets it otherwise, as on GitHub: more, and there is an error in the picture's place. */
export const mermaidLimits = { characters: 50_000, edges: 500 } as const;

/** How many ways of one tunnel are lines of their own; more become one line. The first that keeps the limits is taken. */
const mostLines = [Infinity, 8, 4, 1] as const;

/** A flowchart whose texts and boxes keep the theme's own colours, so that it reads on light and on dark. */
export function renderMermaid(network: TracedNetwork, base?: TracedNetwork): string {
  const drawing = draw(network, base);
  let text = "";
  for (const most of mostLines) {
    const edges = drawing.cables.flatMap((cable) => edgesOf(cable, most));
    text = chart(drawing, edges);
    if (text.length < mermaidLimits.characters && edges.length < mermaidLimits.edges) break;
  }
  return text;
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly lines: readonly string[];
  readonly arrow: string;
  readonly style: string;
}

function chart({ stack, compared, boxes }: Drawing, edges: readonly Edge[]): string {
  const styles = new Map<string, number[]>();
  edges.forEach(({ style }, index) => styles.set(style, [...(styles.get(style) ?? []), index]));
  return [
    // Or lines break where they are told not to.
    '%%{init: {"flowchart": {"wrappingWidth": 400}}}%%',
    "flowchart LR",
    `  accTitle: Who leaves where in ${clip(stack, 60).replace(/[^A-Za-z0-9 ._-]/g, "?")}`,
    ...boxes.map((box) => `  ${idOf(box.id)}${shapeOf(box)}`),
    ...(compared ? ['  legend["thick line: new or changed way<br>dashed line: a way that is gone"]'] : []),
    ...edges.map(({ from, to, arrow, lines }) => `  ${idOf(from)} ${arrow}${quoted(lines)} ${idOf(to)}`),
    ...[...styles].map(([style, indices]) => `  linkStyle ${indices.join(",")} ${style}`),
    ...classes(boxes),
    "",
  ].join("\n");
}

/** Names become ids that no word of Mermaid's is like, and no two the same. */
const idOf = (id: string): string =>
  id.replace(/[^A-Za-z0-9]/gu, (sign) => (sign === "-" ? "_" : `_${sign.codePointAt(0)?.toString(16)}_`));

/** As numbers, but for what can mean nothing in Mermaid, Markdown or HTML; what Mermaid would take for an icon or a formula all the same gets a sign of no width. */
const escape = (text: string): string =>
  text
    .replace(/:(?=[a-z])|\$/gu, "$&\u200c")
    .replace(
      /[^\p{L}\p{N} .,:/()-]|(?<![\p{L}\p{N}])-|-(?![\p{L}\p{N}])|(?<=^\d+)[.)](?= |$)/gu,
      (sign) => `#${sign.codePointAt(0)};`,
    );

const shapes: Readonly<Record<Box["kind"], readonly [open: string, close: string]>> = {
  clients: ['("', '")'],
  host: ['["', '"]'],
  exit: ['(["', '"])'],
  nowhere: ['{{"', '"}}'],
};

function shapeOf({ kind, lines }: Box): string {
  const [open, close] = shapes[kind];
  const [name, ...more] = lines.map(escape);
  return `${open}${[`<b>${name}</b>`, ...more].join("<br>")}${close}`;
}

const quoted = (lines: readonly string[]): string => (lines.length === 0 ? "" : `|"${lines.map(escape).join("<br>")}"|`);

const arrows: Readonly<Record<State, string>> = { same: "-->", changed: "==>", new: "==>", gone: "-.->" };
const dashed = "stroke-dasharray:6 5";

function styleOf(colour: string, state: State): string {
  const width = state === "new" || state === "changed" ? 6 : 2;
  return `stroke:${colour},stroke-width:${width}px${state === "gone" ? `,${dashed}` : ""}`;
}

/** What a tunnel is stands on its first line. */
function edgesOf(cable: Cable, most: number): Edge[] {
  const { from, to, tunnel, strands, state } = cable;
  const head = tunnel === undefined ? [] : [...tunnel.above, ...tunnel.below];
  if (strands.length === 0)
    return [{ from, to, lines: head, arrow: "-.-", style: styleOf(grey.line, state === "gone" ? state : "same") }];
  if (strands.length > most) return [bundled(cable, head)];
  return strands.map((strand, index) => {
    const { way, state: own, label, backwards } = strand;
    const words = wordsOf(`way ${way}`, own, label);
    const lines = index === 0 ? [...head, words] : [...(tunnel === undefined ? [] : [tunnel.name]), words];
    return {
      from: backwards ? to : from,
      to: backwards ? from : to,
      lines,
      arrow: arrows[own],
      style: styleOf(colourOf(way).line, own),
    };
  });
}

const wordsOf = (way: string, state: State, label: string): string =>
  `${way}${state === "same" ? "" : `, ${state}`}${label === "" ? "" : `: ${label}`}`;

function bundled({ from, to, strands }: Cable, head: readonly string[]): Edge {
  const numbers = (wanted: (strand: Strand) => boolean): number[] => strands.filter(wanted).map(({ way }) => way);
  const states = [...new Set(strands.map(({ state }) => state))];
  const lines = states.map((state) => wordsOf(numbersText(numbers((strand) => strand.state === state)), state, ""));
  const state = states.find((one) => one === "changed" || one === "new") ?? states[0] ?? "same";
  return { from, to, lines: [...head, ...lines], arrow: arrows[state], style: styleOf(grey.line, state) };
}

function classes(boxes: readonly Box[]): string[] {
  const ids = (...states: readonly State[]): string =>
    boxes
      .filter(({ state }) => states.includes(state))
      .map(({ id }) => idOf(id))
      .join(",");
  const [marked, gone] = [ids("new", "changed"), ids("gone")];
  return [
    ...(marked === "" ? [] : ["  classDef marked stroke-width:4px", `  class ${marked} marked`]),
    ...(gone === "" ? [] : [`  classDef gone ${dashed}`, `  class ${gone} gone`]),
  ];
}
