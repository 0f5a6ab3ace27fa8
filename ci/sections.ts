import type { SynthesizedStack } from "../lib/trace";
import { fenced, folded, type Section } from "./compose";
import type { Synthesis } from "./synthesis";

/** One side of a pull request. */
export interface Side {
  readonly synthesis: Synthesis;
  /** Absent where it is not synthesized. */
  readonly stack?: SynthesizedStack;
}

/** How networks are told and drawn. */
export interface Views {
  /** Markdown: the verdict first, then what changes for whom, then files; and Mermaid, in which the ways that are otherwise are marked. */
  compare(base: SynthesizedStack, head: SynthesizedStack): { readonly told: string; readonly drawn: string };
  /** Mermaid of one network, where there is nothing to compare. */
  draw(head: SynthesizedStack): string;
}

export interface Sides {
  readonly base: Side;
  readonly head: Side;
  /** What `cdktf diff` plans, shortened. */
  readonly plan?: string;
}

/** What is kept first, where not all fits. */
const ranks = { title: 0, why: 1, missing: 2, told: 3, plan: 100, picture: 101, linesOfFiles: 102 } as const;

/** A network with a thousand mistakes tells the first of them. */
const longestWhy = 20_000;

const title: Section = { name: "the title", markdown: "## Who leaves where", rank: ranks.title };

/** What the comment is made of, in its order. */
export function sectionsOf({ base, head, plan }: Sides, views: Views): Section[] {
  const parts = network(base, head, views);
  const isLines = ({ rank }: Section): boolean => rank >= ranks.linesOfFiles;
  const missing = head.synthesis.missing.length === 0 ? [] : [missingKeys(head.synthesis.missing)];
  const plans = plan === undefined ? [] : [planned(plan)];
  return [title, ...parts.filter((one) => !isLines(one)), ...missing, ...plans, ...parts.filter(isLines)];
}

function network(base: Side, head: Side, views: Views): Section[] {
  if (head.stack === undefined) return [notSynthesized(head.synthesis)];
  if (base.stack === undefined) return [nothingToCompare(base.synthesis), picture(views.draw(head.stack))];
  const { told, drawn } = views.compare(base.stack, head.stack);
  const [verdict, ...rest] = split(told).map((markdown, index): Section => {
    const rank = (markdown.startsWith("<details>") ? ranks.linesOfFiles : ranks.told) + index;
    return { name: nameOf(markdown), markdown, rank };
  });
  return [...(verdict === undefined ? [] : [verdict]), picture(drawn), ...rest];
}

function notSynthesized({ state, problems }: Synthesis): Section {
  const what =
    state === "refused"
      ? "**The head does not synthesize**: its checks say that this network would not work, so nothing of it can be deployed."
      : "**The head could not be synthesized**, so there is nothing to compare.";
  return { name: "why it does not synthesize", markdown: `${what}\n\n${listed(problems)}`, rank: ranks.why };
}

function nothingToCompare({ problems }: Synthesis): Section {
  const why = folded("why", listed(problems));
  return {
    name: "why nothing is compared",
    markdown: `**The base does not synthesize**, so this is the head alone.\n\n${why}`,
    rank: ranks.why,
  };
}

function listed(problems: readonly string[]): string {
  const text = problems.join("\n");
  return fenced(
    text.length <= longestWhy ? text : `${text.slice(0, longestWhy)}\n… and ${text.length - longestWhy} characters more`,
    "text",
  );
}

const picture = (mermaid: string): Section => ({
  name: "the picture",
  markdown: fenced(mermaid, "mermaid"),
  rank: ranks.picture,
});

function missingKeys(files: readonly string[]): Section {
  const some = files.slice(0, 10).map((file) => `\`${file.replaceAll("`", "")}\``);
  const more = files.length > some.length ? ` and ${files.length - some.length} more` : "";
  const markdown = `Keys that are not there yet: ${some.join(", ")}${more}. \`wgchain keys\` makes them; until then a deploy is refused, and stand-ins are compared here.`;
  return { name: "keys that are missing", markdown, rank: ranks.missing };
}

const planned = (plan: string): Section => ({
  name: "the plan",
  markdown: folded("What <code>cdktf diff</code> plans", fenced(plan, "diff")),
  rank: ranks.plan,
});

/** Parts that begin with a heading, or are folded; a line of a code block is neither. */
export function split(markdown: string): string[] {
  const parts: string[][] = [[]];
  let fence: string | undefined;
  for (const line of markdown.trim().split("\n")) {
    if (fence === undefined && /^(#{1,6} |<details>)/.test(line)) parts.push([]);
    parts.at(-1)?.push(line);
    const ticks = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined) fence = ticks;
    else if (ticks?.startsWith(fence) === true && line.trim() === ticks) fence = undefined;
  }
  return parts.map((lines) => lines.join("\n").trim()).filter((part) => part !== "");
}

const nameOf = (markdown: string): string =>
  (/^#{1,6} +(.+)$/m.exec(markdown)?.[1] ?? /<summary>(.*?)<\/summary>/.exec(markdown)?.[1] ?? "what changes").replace(
    /<[^>]*>/g,
    "",
  );
