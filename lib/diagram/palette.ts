/** Okabe and Ito's colours, which people with any colour vision tell apart; those that are hard to see on white or black are left out. */
const colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"] as const;

const grey = "#888888";

/** More ways than colours begin anew; the number on the line says which it is. What is not of one way is grey. */
export function colourOf(ways: readonly number[]): string {
  const [way, ...more] = ways;
  return way === undefined || more.length > 0 ? grey : (colours[(way - 1) % colours.length] ?? grey);
}
