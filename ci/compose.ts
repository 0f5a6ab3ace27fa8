/** First line of the comment, by which a later run finds it. Not visible where the comment is read. */
export const marker = "<!-- wgchain: who leaves where -->";

/** A part of the comment that stands whole or not at all. */
export interface Section {
  /** What it is called where it had to be left out. */
  readonly name: string;
  readonly markdown: string;
  /** The lowest are kept first. */
  readonly rank: number;
}

/** GitHub takes 65,536 characters; what counts as one differs between systems, so some room is left. */
const roomCharacters = 65_000;
const roomOfNote = 1_000;
const namesInNote = 10;

/** One Markdown text, in the order of the sections; what does not fit is named at the end. */
export function compose(sections: readonly Section[], room = roomCharacters): string {
  const kept = new Set<Section>();
  let left = room - marker.length - roomOfNote;
  for (const section of [...sections].sort((a, b) => a.rank - b.rank)) {
    const size = section.markdown.trim().length + 2;
    if (size > left) continue;
    kept.add(section);
    left -= size;
  }
  const body = sections.filter((one) => kept.has(one)).map(({ markdown }) => markdown.trim());
  const missing = sections.filter((one) => !kept.has(one));
  return `${[marker, ...body, ...(missing.length === 0 ? [] : [note(missing)])].join("\n\n")}\n`;
}

function note(missing: readonly Section[]): string {
  const name = (one: Section): string => `${one.name.slice(0, 60)} (${one.markdown.length.toLocaleString("en")} characters)`;
  const names = missing.slice(0, namesInNote).map(name).join(", ");
  const more = missing.length > namesInNote ? ` and ${missing.length - namesInNote} more` : "";
  return `**Left out**, since a comment has room for 65,536 characters: ${names}${more}. The run's summary has the whole.`;
}

/** A text as it is, whatever is in it: the fence is longer than any that it has. */
export function fenced(text: string, language = ""): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`;
}

export const folded = (title: string, markdown: string): string =>
  `<details><summary>${title}</summary>\n\n${markdown.trim()}\n\n</details>`;
