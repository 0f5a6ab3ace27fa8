import type { Box, Cable, Drawing } from "./drawing";
import type { Block } from "./layout";
import { textWidth } from "./text-size";
import { pitch, sideHeight, type Join } from "./tracks";

export const type = { box: 13, tunnel: 11.5, line: 17, tunnelLine: 15, padding: 14, badge: 8 } as const;

/** A tunnel's words stand between its hosts, in a block of their own. */
export const cardOf = (cable: Cable): string => `card ${cable.id} ${cable.from} ${cable.to}`;

/** Text of a strand in a tunnel. */
export const strandText = ({ label, state }: Cable["strands"][number]): string =>
  state === "same" ? label : `${label} ${state}`.trim();

export const lineHeight = ({ strands: { length } }: Cable): number => Math.max(1, length) * pitch;

export function joinsOf({ cables }: Drawing): Join[] {
  return cables.flatMap((cable): Join[] => {
    const { from, to, tunnel } = cable;
    const strands = Math.max(1, cable.strands.length);
    if (tunnel === undefined) return [{ from, to, strands }];
    return [
      { from, to: cardOf(cable), strands },
      { from: cardOf(cable), to, strands },
    ];
  });
}

export function blocksOf({ boxes, cables }: Drawing, joins: readonly Join[]): Block[] {
  return [
    ...boxes.map((box) => boxBlock(box, joins)),
    ...cables.flatMap((cable) => (cable.tunnel === undefined ? [] : [cardBlock(cable, cable.tunnel)])),
  ];
}

function boxBlock({ id, lines }: Box, joins: readonly Join[]): Block {
  const strands = (end: "from" | "to"): number[] => joins.flatMap((join) => (join[end] === id ? [join.strands] : []));
  const width = Math.max(...lines.map((line, index) => textWidth(line, type.box, index === 0)));
  return {
    id,
    width: Math.ceil(width + 2 * type.padding + type.badge),
    height: Math.max(lines.length * type.line + 18, sideHeight(strands("from")), sideHeight(strands("to"))),
    lineAt: undefined,
  };
}

function cardBlock(cable: Cable, { above, below }: NonNullable<Cable["tunnel"]>): Block {
  const strandWidth = (text: string): number => 2 * type.badge + 24 + textWidth(text, type.tunnel);
  const widths = [
    ...[...above, ...below].map((line) => textWidth(line, type.tunnel, true)),
    ...cable.strands.map((one) => strandWidth(strandText(one))),
  ];
  const top = above.length * type.tunnelLine + 4;
  return {
    id: cardOf(cable),
    width: Math.ceil(Math.max(...widths)) + 8,
    height: top + lineHeight(cable) + below.length * type.tunnelLine + 6,
    lineAt: top + lineHeight(cable) / 2,
  };
}
