import type { ClientEntry } from "../../lib/clients-file/parse";

/** "gcp", or several in order, "gcp,hkt". */
export const exitsOf = (text: string): ClientEntry["exit"] => {
  const [first = "", ...others] = text.split(",").map((name) => name.trim());
  return others.length === 0 ? first : [first, ...others];
};

export const shownExits = (exit: ClientEntry["exit"]): string => [exit].flat().join(", else ");
