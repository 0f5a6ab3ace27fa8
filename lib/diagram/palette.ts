export interface Colour {
  readonly line: string;
  /** Reads on the line's colour. */
  readonly ink: string;
}

/** Okabe and Ito's, which people tell apart whatever their colour vision; without yellow and black, of which one is lost on white and one on black. */
const colours: readonly Colour[] = [
  { line: "#0072B2", ink: "#FFFFFF" },
  { line: "#D55E00", ink: "#000000" },
  { line: "#009E73", ink: "#000000" },
  { line: "#CC79A7", ink: "#000000" },
  { line: "#E69F00", ink: "#000000" },
  { line: "#56B4E9", ink: "#000000" },
];

/** What is of no way, or of several. */
export const grey: Colour = { line: "#808080", ink: "#000000" };

/** By its number, which stands beside it everywhere: a seventh way has the first one's colour. */
export const colourOf = (way: number): Colour => colours[(way - 1) % colours.length] ?? grey;
