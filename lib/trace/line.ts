/** A line of what a host gets: what a walk names when it says why. */
export interface Line {
  readonly host: string;
  /** Below the host's `/`, e.g. "etc/wgchain/rules". Absent: not of ours, but the kernel's own. */
  readonly file?: string;
  /** From 1. */
  readonly number?: number;
  readonly text: string;
}

export const kernel = (host: string, text: string): Line => ({ host, text });

/** e.g. "sz:/etc/wgchain/rules:4: pref 11000 iif wgs ...". */
export function formatLine({ host, file, number, text }: Line): string {
  const shown = text.trim().replaceAll("\t", " ");
  return file === undefined ? `${host}: ${shown}` : `${host}:/${file}:${String(number)}: ${shown}`;
}

/** The files say something that the walk does not know; it must not be passed over in silence. */
export class UnknownLine extends Error {
  constructor(
    readonly line: Line,
    why: string,
  ) {
    super(`the trace cannot read ${formatLine(line)} (${why})`);
    this.name = "UnknownLine";
  }
}

/** Lines that are not empty, numbered as they stand. */
export function linesOf(host: string, file: string, text: string | undefined): Line[] {
  const lines: Line[] = [];
  let number = 0;
  for (const line of (text ?? "").split("\n")) {
    number += 1;
    if (line !== "") lines.push({ host, file, number, text: line });
  }
  return lines;
}
