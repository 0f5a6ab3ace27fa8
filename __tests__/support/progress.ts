/** A line of how the work goes on: seconds since the start, stage, what. */
export const progressLine = /^ *\d+\.\ds {2}(\S+) +(.*)$/;

/** Standard error without the lines of how the work goes on, which differ from run to run; they are `progress`. */
export function withoutProgress<T extends { readonly stderr: string }>(ran: T): T {
  return { ...ran, stderr: linesOf(ran.stderr, (line) => !progressLine.test(line)) };
}

function linesOf(text: string, kept: (line: string) => boolean): string {
  return text.split("\n").filter(kept).join("\n");
}
