import type { TracedNetwork } from "../trace";
import { blocksOf, cardOf, joinsOf, type } from "./blocks";
import { draw } from "./draw";
import type { Drawing } from "./drawing";
import { arrange } from "./layout";
import { colourOf } from "./palette";
import { badgesAt, badgeSvg, boxSvg, cableSvg, cardSvg, element, textSvg } from "./svg-parts";
import { textWidth } from "./text-size";
import { trackOf } from "./tracks";
import { clip } from "./words";

/**
 * One picture for light and dark, the same bytes for the same network; its text is text, and nothing in it comes from anywhere else. It needs no size of
 * screen: lines never cross a box or a text, whatever the network.
 */
export function renderSvg(network: TracedNetwork, base?: TracedNetwork): string {
  const drawing = draw(network, base);
  const joins = joinsOf(drawing);
  const { rects, tracks, ...area } = arrange(blocksOf(drawing, joins), joins);
  const legend = legendOf(drawing, area.height);
  const [width, height] = [Math.max(area.width, legend.width), area.height + legend.height];
  const at = (id: string) => rects.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  const trackBetween = (from: string, to: string) => tracks.get(trackOf({ from, to })) ?? [];
  const title = `Who leaves where in ${clip(drawing.stack, 60)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title desc" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif">`,
    element("title", { id: "title" }, title),
    element("desc", { id: "desc" }, drawing.ways.map(({ number: way, text }) => `Way ${way}: ${text}.`).join(" ")),
    style,
    `<rect class="ground" width="100%" height="100%"/>`,
    ...drawing.cables.flatMap((cable) => {
      const { from, to, tunnel } = cable;
      const card = cardOf(cable);
      return cableSvg(
        cable,
        tunnel === undefined ? trackBetween(from, to) : [...trackBetween(from, card), ...trackBetween(card, to)],
      );
    }),
    ...drawing.boxes.map((box) => boxSvg(box, at(box.id))),
    ...drawing.cables.flatMap((cable) => (cable.tunnel === undefined ? [] : [cardSvg(cable, cable.tunnel, at(cardOf(cable)))])),
    ...drawing.cables.flatMap((cable) =>
      cable.tunnel === undefined ? badgesAt(cable.strands, trackBetween(cable.from, cable.to)[0]) : [],
    ),
    ...legend.svg,
    "</svg>",
    "",
  ].join("\n");
}

const style = `<style>
.ground{fill:#fff}.ink{fill:#1b1f24}.soft{fill:#4b535d}
.box{fill:#f4f6f8;stroke:#59636e;stroke-width:1.5}.idle{fill:none;stroke:#808080;stroke-width:1.5;stroke-dasharray:2 5}
.way{fill:none;stroke-width:3}.way.changed,.way.new{stroke-width:7}
.box.changed,.box.new{stroke-width:4}.way.gone,.box.gone{stroke-dasharray:7 5}
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}.ink{fill:#f0f3f6}.soft{fill:#b7bfc8}.box{fill:#1c232c;stroke:#9198a1}}
</style>`;

const legend = { row: 22, left: 20, text: 90 } as const;

function legendOf({ ways, compared }: Drawing, top: number): { svg: string[]; width: number; height: number } {
  const row = (index: number): number => top + (index + 0.5) * legend.row;
  const signs = compared ? ["thick: a new or changed way; dashed: one that is gone"] : [];
  const svg = [
    ...ways.flatMap(({ number: way, text }, index) => [
      element("path", { class: "way same", stroke: colourOf(way).line, d: `M${legend.left} ${row(index)}H${legend.text - 10}` }),
      badgeSvg(way, { x: legend.left + type.badge, y: row(index) }),
      textSvg(text, { x: legend.text, y: row(index) }, { size: type.box }),
    ]),
    ...signs.map((text) => textSvg(text, { x: legend.left, y: row(ways.length) }, { size: type.box, soft: true })),
  ];
  const widest = Math.max(0, ...[...ways.map(({ text }) => text), ...signs].map((text) => textWidth(text, type.box)));
  return {
    svg,
    width: Math.ceil(legend.text + widest + legend.left),
    height: (ways.length + signs.length) * legend.row + legend.left,
  };
}
