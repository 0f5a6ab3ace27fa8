import { createColors } from "picocolors";

export type Colours = ReturnType<typeof createColors>;

/** What is asked of a stream. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * Colour only on a terminal; NO_COLOR (no-color.org: set and not empty) is never, and FORCE_COLOR (force-color.org) always, 0 and false aside.
 * Where both are set NO_COLOR holds.
 */
export function isColoured(stream: Screen, env: NodeJS.ProcessEnv = process.env): boolean {
  const { NO_COLOR = "", FORCE_COLOR, TERM } = env;
  if (NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  return stream.isTTY === true && TERM !== "dumb";
}

export const noColours: Colours = createColors(false);

/** For what goes to that stream. */
export const coloursOf = (stream: Screen, env?: NodeJS.ProcessEnv): Colours => createColors(isColoured(stream, env));
