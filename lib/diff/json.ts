import type { Listing } from "./files";
import type { NetworkDiff } from "./network-diff";

/** For programs: the difference as it is, whole. With `listings`, the lines of the files under `listings`. */
export function renderJson(diff: NetworkDiff, listings?: readonly Listing[]): string {
  return `${JSON.stringify(listings === undefined ? diff : { ...diff, listings }, null, 2)}\n`;
}
