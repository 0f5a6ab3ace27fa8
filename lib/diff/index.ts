export { compareStacks, sideOf, withValues, type ValueOf } from "./compare";
export { listFiles, type Listing } from "./files";
export { renderJson } from "./json";
export { renderMarkdown } from "./markdown";
export type { Interrupt, NetworkDiff, Side } from "./network-diff";
export { renderText } from "./text";
