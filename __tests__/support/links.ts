import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import MarkdownIt from "markdown-it";

const markdown = new MarkdownIt({ html: true });
type Token = ReturnType<typeof markdown.parse>[number];

/** Links of all Markdown files under a directory that lead to no file or no heading, e.g. "docs/a.md: b.md#c: b.md has no heading of that name". */
export function brokenLinks(root: string): string[] {
  return markdownFiles(root).flatMap((file) =>
    linksOf(readFileSync(file, "utf8")).flatMap((link) => {
      const why = whyBroken(file, link, root);
      return why === undefined ? [] : [`${relative(root, file)}: ${link}: ${why}`];
    }),
  );
}

export function markdownFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter(({ name }) => !["node_modules", "dist", "coverage", "cdktf.out"].includes(name) && !/^\.(?!github$)/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? markdownFiles(path) : entry.name.endsWith(".md") ? [path] : [];
    });
}

function whyBroken(file: string, link: string, root: string): string | undefined {
  // Another site's is checked by nobody here: CI must not fail when it is down.
  if (/^(https?|mailto):/.test(link)) return undefined;
  const [path = "", anchor] = link.split("#", 2).map(decodeURIComponent);
  const target = path === "" ? file : resolve(dirname(file), path);
  if (relative(root, target).startsWith("..")) return "leads out of the repository";
  if (!existsSync(target)) return "there is no such file";
  if (anchor === undefined) return undefined;
  const page = statSync(target).isDirectory() ? join(target, "README.md") : target;
  if (!existsSync(page) || !page.endsWith(".md")) return "only a Markdown page has headings";
  return anchorsOf(readFileSync(page, "utf8")).has(anchor) ? undefined : `${relative(root, page)} has no heading of that name`;
}

function tokensOf(text: string): Token[] {
  return markdown.parse(text, {}).flatMap((token) => [token, ...(token.children ?? [])]);
}

function linksOf(text: string): string[] {
  return tokensOf(text).flatMap((token) => {
    if (token.type === "html_inline" || token.type === "html_block") {
      return [...token.content.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, link = ""]) => link);
    }
    const link = token.attrGet("href") ?? token.attrGet("src");
    return link === null ? [] : [link];
  });
}

/** As GitHub names them: lower case, without punctuation, a dash for a space, and a number for a repeated one. */
function anchorsOf(text: string): ReadonlySet<string> {
  const tokens = tokensOf(text);
  const anchors = new Set<string>();
  tokens.forEach((token, index) => {
    for (const [, id = ""] of token.type.startsWith("html") ? token.content.matchAll(/\s(?:id|name)="([^"]*)"/g) : [])
      anchors.add(id);
    if (token.type !== "heading_open") return;
    const words = (tokens[index + 1]?.children ?? [])
      .map(({ type, content }) => (type.startsWith("html") ? "" : content))
      .join("");
    const slug = words
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, "")
      .replaceAll(" ", "-");
    let name = slug;
    for (let count = 1; anchors.has(name); count++) name = `${slug}-${count}`;
    anchors.add(name);
  });
  return anchors;
}
