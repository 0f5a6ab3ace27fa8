/** Between the strands of a cable, and between cables at a side of a box. */
export const pitch = 18;
const between = 8;
/** Level at either end, so that a badge or an arrow's head is not in a bend. */
const lead = 13;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rect extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Join {
  readonly from: string;
  readonly to: string;
  readonly strands: number;
}

/** The middle of a cable: level where it passes a column of blocks, and bent only in the empty space between two columns; so no line crosses a block. */
export type Track = readonly Point[];

export interface Column {
  readonly middle: number;
  readonly left: number;
  readonly right: number;
}

export interface Pass extends Column {
  readonly y: number;
}

export const trackOf = ({ from, to }: Pick<Join, "from" | "to">): string => `${from} > ${to}`;
export const columnAt = (x: number, columns: readonly Column[]): Column | undefined =>
  columns.find(({ middle }) => Math.abs(middle - x) < 1);

/** How high a side is that these cables come to. */
export const sideHeight = (strands: readonly number[]): number =>
  strands.reduce((sum, one) => sum + one * pitch + between, between);

interface End {
  readonly key: string;
  /** Height at which the cable goes on. */
  readonly towards: number;
  readonly strands: number;
}

export class Tracks {
  private readonly ports = new Map<string, number>();

  constructor(
    private readonly joins: readonly Join[],
    private readonly rects: ReadonlyMap<string, Rect>,
    private readonly columns: readonly Column[],
    private readonly passes: ReadonlyMap<string, readonly Pass[]>,
  ) {}

  /** `lineAt`: height below a block's top that its cables come to, where it is not the middle. */
  all(lineAt: ReadonlyMap<string, number | undefined>): Map<string, Track> {
    for (const [side, ends] of this.sides()) {
      const id = side.slice(0, side.lastIndexOf(" "));
      const { y, height } = this.rect(id);
      this.setPorts(ends, y + (lineAt.get(id) ?? height / 2));
    }
    return new Map(this.joins.map((join) => [trackOf(join), this.track(join)]));
  }

  private sides(): Map<string, End[]> {
    const sides = new Map<string, End[]>();
    const add = (side: string, end: End): void => void sides.set(side, [...(sides.get(side) ?? []), end]);
    const middle = ({ y, height }: Rect): number => y + height / 2;
    for (const join of this.joins) {
      const { from, to, strands } = join;
      const [key, forward] = [trackOf(join), this.isForward(join)];
      const way = this.passes.get(key) ?? [];
      add(`${from} ${forward ? "right" : "left"}`, { key: `${key} start`, towards: way[0]?.y ?? middle(this.rect(to)), strands });
      add(`${to} ${forward ? "left" : "right"}`, {
        key: `${key} end`,
        towards: way.at(-1)?.y ?? middle(this.rect(from)),
        strands,
      });
    }
    return sides;
  }

  /** At a side cables stand in the order of where they go, so that they do not cross there. */
  private setPorts(ends: readonly End[], middle: number): void {
    const sorted = [...ends].sort((a, b) => a.towards - b.towards || (a.key < b.key ? -1 : 1));
    let at = middle - sideHeight(sorted.map(({ strands }) => strands)) / 2 + between;
    for (const { key, strands } of sorted) {
      this.ports.set(key, at + (strands * pitch) / 2);
      at += strands * pitch + between;
    }
  }

  private track(join: Join): Track {
    const [key, forward] = [trackOf(join), this.isForward(join)];
    const [from, to] = [this.rect(join.from), this.rect(join.to)];
    const [out, into] = [this.columnOf(from), this.columnOf(to)];
    const y = { start: this.ports.get(`${key} start`) ?? 0, end: this.ports.get(`${key} end`) ?? 0 };
    const start = forward ? [from.x + from.width, out.right + lead] : [from.x, out.left - lead];
    const end = forward ? [into.left - lead, to.x] : [into.right + lead, to.x + to.width];
    const passes = (this.passes.get(key) ?? []).flatMap(({ left, right, y }) =>
      (forward ? [left, right] : [right, left]).map((x) => ({ x, y })),
    );
    return [...start.map((x) => ({ x, y: y.start })), ...passes, ...end.map((x) => ({ x, y: y.end }))];
  }

  /** Not so where hosts send in a circle. */
  private isForward({ from, to }: Join): boolean {
    return this.rect(from).x <= this.rect(to).x;
  }

  private rect(id: string): Rect {
    const rect = this.rects.get(id);
    if (rect === undefined) throw new Error(`nothing was placed as ${id}`);
    return rect;
  }

  private columnOf({ x, width }: Rect): Column {
    return columnAt(x + width / 2, this.columns) ?? { middle: x + width / 2, left: x, right: x + width };
  }
}
