/**
 * Takes from a Markdown text what acts on others when it is posted under a bot's name: mentions, links, pictures, references to issues, HTML, and signs that
 * hide or turn text. What stands in a pull request's files is anybody's, and a name in it can be all of these. It does not ask whether it is inside of a
 * code block, since a text that wants to mislead would differ from GitHub on that; an invisible sign (U+200B) in a code block does no harm.
 */
export function harmless(markdown: string): string {
  return rules.reduce((text, [found, put]) => text.replace(found, put), markdown.replaceAll("\r\n", "\n"));
}

const split = "\u200b";
const tags = "details|summary|br ?/?|sub|sup|b|i|code";

const rules: readonly (readonly [RegExp, string])[] = [
  // control signs, and those that turn the direction of what is read
  [/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, ""],
  // HTML and comments, the marker's form among them
  [new RegExp(`<(?=[A-Za-z/!?])(?!/?(?:${tags})>)`, "g"), "&lt;"],
  // an entity could spell any of the following
  [/&(?=#|[A-Za-z][A-Za-z0-9]*;)(?!(?:lt|gt|amp|quot);)/g, "&amp;"],
  // @name and @organisation/team
  [/(^|[^A-Za-z0-9])@(?=[A-Za-z0-9])/gm, `$1@${split}`],
  // [text](address), [text][name], ![picture]
  [/\](?=[([])/g, `]${split}`],
  [/!(?=\[)/g, `!${split}`],
  // [name]: address
  [/^([ >]*\[[^\]\n]*\]):/gm, `$1${split}:`],
  // addresses that link themselves
  [/:(?=\/\/)/g, `:${split}`],
  [/\b(www)\./gi, `$1${split}.`],
  // #12 and owner/repository#12, but not a colour of the picture
  [/(^|[^:,&0-9A-Za-z])#(?=\d)/gm, `$1#${split}`],
  [/([A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+)#(?=\d)/g, `$1#${split}`],
  [/\b(GH)-(?=\d)/gi, `$1${split}-`],
];
