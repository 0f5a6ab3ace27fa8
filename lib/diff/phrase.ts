/** A word of ours, or something from outside (a name, an address, a line of a file), which must not act on whoever shows it. */
export type Word = string | { readonly outside: string };
export type Phrase = readonly Word[];

/** A sentence: its own text is ours, texts that are put into it are from outside. */
export function say(literals: TemplateStringsArray, ...values: readonly (string | number | Phrase)[]): Phrase {
  return literals.flatMap((literal, index): Word[] => {
    const value = values[index];
    if (value === undefined) return [literal];
    if (typeof value === "number") return [literal, count(value)];
    return typeof value === "string" ? [literal, { outside: value }] : [literal, ...value];
  });
}

/** "10,000". */
export const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

export function join(phrases: readonly Phrase[], separator: string): Phrase {
  return phrases.flatMap((phrase, index): Word[] => (index === 0 ? [...phrase] : [separator, ...phrase]));
}

/** The first few, and how many more there are. */
export function few(phrases: readonly Phrase[], most: number): Phrase {
  if (phrases.length <= most) return join(phrases, ", ");
  return say`${join(phrases.slice(0, most), ", ")} and ${phrases.length - most} more`;
}

/** Signs that steer a terminal, or that hide or turn what is read. */
const steering = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export const plain = (text: string): string => text.replace(steering, "?");
export const asText = (phrase: Phrase): string =>
  phrase.map((word) => (typeof word === "string" ? word : plain(word.outside))).join("");

/** What is from outside becomes code: GitHub makes no mention, link or picture of it there. */
export const asMarkdown = (phrase: Phrase): string =>
  phrase.map((word) => (typeof word === "string" ? word : code(word.outside))).join("");

/** In a cell a bar ends it, in code as elsewhere. */
export const asCell = (phrase: Phrase): string => asMarkdown(phrase).replaceAll("|", "\\|");

function code(text: string): string {
  const shown = plain(text);
  if (shown.trim() === "") return shown;
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${shown}${fence}` : `${fence} ${shown} ${fence}`;
}

/** Inside of HTML, where Markdown does not look. */
export const asHtml = (phrase: Phrase): string =>
  phrase.map((word) => (typeof word === "string" ? word : `<code>${escapeHtml(plain(word.outside))}</code>`)).join("");

const escapeHtml = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("@", "&#64;");

/** A block of code that no line of it can end. */
export function fenced(lines: readonly string[], language: string): string {
  const shown = lines.map((line) => plain(line.replaceAll("\t", "  ")));
  const longest = Math.max(2, ...shown.flatMap((line) => [...line.matchAll(/`+/g)].map(([ticks]) => ticks.length)));
  const fence = "`".repeat(longest + 1);
  return [`${fence}${language}`, ...shown, fence].join("\n");
}
