import type { Listing } from "./files";
import type { NetworkDiff } from "./network-diff";
import { asText, plain, say, type Phrase } from "./phrase";
import { reportOf } from "./report";

/** For a terminal. With `listings`, the lines of the files, too. */
export function renderText(diff: NetworkDiff, listings: readonly Listing[] = []): string {
  const { headline, moves, sections, files } = reportOf(diff);
  const part = (title: string, phrases: readonly Phrase[]): string[] =>
    phrases.length === 0 ? [] : ["", title, ...phrases.map((phrase) => `  ${asText(phrase)}`)];
  const lines = [
    asText(headline),
    ...part(
      "Leave elsewhere",
      moves.map(({ who, before, after }) => say`${who}: ${before} becomes ${after}`),
    ),
    ...sections.flatMap((section) => part(section.title, section.lines)),
    ...part(
      "Files",
      files.flatMap(({ who, files: changed }) => [who, ...changed.map((one) => say`  ${one}`)]),
    ),
    ...listings.flatMap(({ nodes, path, lines: shown }) => [
      "",
      `--- ${plain(nodes.join(", "))}: /${plain(path)}`,
      ...shown.map((line) => plain(line.replaceAll("\t", "  "))),
    ]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
