import type { Listing } from "./files";
import type { NetworkDiff } from "./network-diff";
import { asCell, asHtml, asMarkdown, fenced, say, type Phrase } from "./phrase";
import { reportOf, type Move } from "./report";

/** A comment holds 65,536 characters, and nobody reads them. */
const linesOfFile = 40;
const linesOfAll = 400;

/** For a comment: the verdict as its title, a table of who leaves elsewhere, then the rest; the files are folded. */
export function renderMarkdown(diff: NetworkDiff, listings: readonly Listing[] = []): string {
  const { headline, moves, sections, files } = reportOf(diff);
  const title = asMarkdown(headline);
  const parts = [
    `### ${title.charAt(0).toUpperCase()}${title.slice(1)}`,
    ...(moves.length === 0 ? [] : [table(moves)]),
    ...sections.map((section) => [`#### ${section.title}`, "", ...section.lines.map(item)].join("\n")),
  ];
  if (files.length > 0) {
    const shown = files.flatMap(({ who, files: changed }) => [item(who), ...changed.map((one) => `  ${item(one)}`)]);
    parts.push([`#### Files`, "", ...shown].join("\n"), ...(listings.length === 0 ? [] : folded(listings)));
  }
  return `${parts.join("\n\n")}\n`;
}

const item = (phrase: Phrase): string => `- ${asMarkdown(phrase)}`;

function table(moves: readonly Move[]): string {
  const rows = moves.map(({ who, before, after }) => `| ${asCell(who)} | ${asCell(before)} | ${asCell(after)} |`);
  return ["| Who | Left at | Leaves at |", "|---|---|---|", ...rows].join("\n");
}

function folded(listings: readonly Listing[]): string[] {
  let left = linesOfAll;
  const parts = listings.flatMap(({ nodes, path, lines }) => {
    if (left <= 0) return [];
    const shown = lines.slice(0, Math.min(linesOfFile, left));
    left -= shown.length;
    const more = lines.length > shown.length ? [`… and ${lines.length - shown.length} more lines`] : [];
    const summary = asHtml(
      say`${nodes.length > 3 ? `${nodes.slice(0, 3).join(", ")} and ${nodes.length - 3} more` : nodes.join(", ")}: ${path}`,
    );
    return [`<details><summary>${summary}</summary>\n\n${fenced([...shown, ...more], "diff")}\n\n</details>`];
  });
  return parts.length < listings.length ? [...parts, `… and ${listings.length - parts.length} more files`] : parts;
}
