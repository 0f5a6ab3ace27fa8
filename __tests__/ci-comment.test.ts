import { compose, fenced, folded, marker, type Section } from "../ci/compose";
import { harmless } from "../ci/harmless";
import { sectionsOf, split, type Side, type Views } from "../ci/sections";
import type { Synthesis } from "../ci/synthesis";
import type { SynthesizedStack } from "../lib/trace";

const section = (name: string, markdown: string, rank: number): Section => ({ name, markdown, rank });

describe("a comment", () => {
  test("holds its sections in their order, whatever their ranks", () => {
    expect(compose([section("a", "one\n", 9), section("b", "\n two ", 1)])).toBe(`${marker}\n\none\n\ntwo\n`);
  });

  test("is never longer than GitHub takes; what is dear stays, whole, and what is left out is named", () => {
    const picture = section("the picture", fenced("x".repeat(40_000), "mermaid"), 3);
    const files = section("files", fenced("y".repeat(40_000), "diff"), 4);
    const sections = [section("verdict", "moved", 0), files, picture, section("small", "end", 9)];
    const text = compose(sections);
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain(picture.markdown);
    expect(text).not.toContain("yyy");
    expect(text).toContain("moved\n\n```mermaid");
    expect(text).toContain(
      "end\n\n**Left out**, since a comment has room for 65,536 characters: files (40,012 characters). The run's summary has the whole.",
    );
    expect(compose(sections, 900_000)).not.toContain("Left out");
  });

  test("hundreds of sections that do not fit leave a short note", () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      section(`host ${index} ${"n".repeat(500)}`, "z".repeat(66_000), index),
    );
    const text = compose([section("verdict", "moved", 0), ...many]);
    expect(text.length).toBeLessThan(2_000);
    expect(text).toContain("and 490 more");
  });

  test("a code block holds what would end it", () => {
    expect(fenced("a\n```\nb\n`````c", "text")).toBe("``````text\na\n```\nb\n`````c\n``````");
    expect(fenced("a\n")).toBe("```\na\n```");
  });
});

describe("harmless Markdown", () => {
  const zero = "\u200b";
  test.each([
    ["@everyone and @owner/team", `@${zero}everyone and @${zero}owner/team`],
    ["(@a)\n@b", `(@${zero}a)\n@${zero}b`],
    ["&#64;a &commat;b &lt;", `&amp;#${zero}64;a &amp;commat;b &lt;`],
    ["![x](https://e.test/p.png)", `!${zero}[x]${zero}(https:${zero}//e.test/p.png)`],
    ["[x][y]\n[y]: /z", `[x]${zero}[y]\n[y]${zero}: /z`],
    ["WWW.e.test ssh://h", `WWW${zero}.e.test ssh:${zero}//h`],
    ["<img src=x> <script> </div> <!-- x --> <a@b>", "&lt;img src=x> &lt;script> &lt;/div> &lt;!-- x --> &lt;a@b>"],
    ["<details open> <detailsx> <DETAILS>", "&lt;details open> &lt;detailsx> &lt;DETAILS>"],
    ["fixes #12, o/r#3 GH-4", `fixes #${zero}12, o/r#${zero}3 GH${zero}-4`],
    ["a\u202eb\u0007c\u2066d\ufeffe\u200bf", "abcde\u200bf"],
    [`x ${marker}`, `x &lt;!-- wgchain: who leaves where -->`],
  ])("%j", (given, wanted) => expect(harmless(given)).toBe(wanted));

  test("leaves what we write ourselves as it is", () => {
    const ours = [
      folded("files of <code>sz</code>", fenced("-pref 11000 iif wgs lookup 7701\n+wg-quick@wgs @{gcp}", "diff")),
      fenced(
        'flowchart LR\n  sz["sz<br/>10.66.224.1"] -->|"wgp · 1400"| hk\n  a <--> b\n  linkStyle 0 stroke:#1f77b4,stroke-width:3px\n  classDef x fill:#333;',
        "mermaid",
      ),
      "| `10.66.224.2` | gcp &lt;203.0.113.10&gt; | 1 < 2 |\n|---|---|---|",
      "**phone** (10.66.224.2): gcp → hkt",
    ].join("\n\n");
    expect(harmless(ours)).toBe(ours);
    expect(harmless(harmless("@a <b"))).toBe(harmless("@a <b"));
  });
});

describe("the sections of a comment", () => {
  const stack: SynthesizedStack = { stack: "s", wiring: { version: 1, nodes: [], clients: [], declared: [] }, files: {} };
  const good: Synthesis = { version: 1, state: "synthesized", stack: "s", missing: [], problems: [] };
  const side: Side = { synthesis: good, stack };
  const views: Views = {
    compare: () => ({
      told: "### One client leaves elsewhere\n\n#### Files\n\n- sz\n\n<details><summary><code>sz</code>: rules</summary>\n\n```diff\n# no heading\n```\n\n</details>\n",
      drawn: "flowchart marked",
    }),
    draw: () => "flowchart alone",
  };
  const text = (sides: Parameters<typeof sectionsOf>[0]): string => compose(sectionsOf(sides, views));

  test("verdict, picture, files, plan", () => {
    const parts = text({ base: side, head: side, plan: "! the deploy asks sz\n" });
    const order = [
      "## Who leaves where",
      "One client",
      "flowchart marked",
      "#### Files",
      "cdktf diff",
      "! the deploy asks sz",
      "<code>sz</code>: rules",
    ].map((one) => parts.indexOf(one));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).not.toContain(-1);
    expect(text({ base: side, head: side })).not.toContain("cdktf diff");
  });

  test("a head that is refused says why, and draws nothing", () => {
    const refused: Side = { synthesis: { ...good, state: "refused", problems: ["wgchain/x: loop\n```\n@all"] } };
    const told = text({ base: side, head: refused });
    expect(told).toContain("**The head does not synthesize**");
    expect(told).toContain("````text\nwgchain/x: loop\n```\n@all\n````");
    expect(told).not.toContain("flowchart");
    expect(text({ base: side, head: { synthesis: { ...refused.synthesis, state: "failed" } } })).toContain(
      "could not be synthesized",
    );
  });

  test("a thousand mistakes are cut, and the comment still says that it does not synthesize", () => {
    const problems = Array.from({ length: 5_000 }, (_, index) => `wgchain/x${index}: label used twice`);
    const told = text({ base: side, head: { synthesis: { ...good, state: "refused", problems } } });
    expect(told).toContain("**The head does not synthesize**");
    expect(told).toContain("wgchain/x0: label used twice");
    expect(told).toMatch(/… and \d+ characters more\n```/);
    expect(told.length).toBeLessThan(25_000);
  });

  test("lines of files are the first to go, what is said of clients the last", () => {
    const big = (length: number): string => "x".repeat(length);
    const many: Views = {
      ...views,
      compare: () => ({
        told: `### verdict\n\n#### Clients\n\n${big(30_000)}\n\n<details><summary>lines</summary>\n\n${big(30_000)}\n\n</details>`,
        drawn: big(20_000),
      }),
    };
    const told = compose(sectionsOf({ base: side, head: side, plan: big(10_000) }, many));
    expect(told).toContain("**Left out**, since a comment has room for 65,536 characters: lines (30,");
    for (const part of ["### verdict", "#### Clients", "```mermaid", "cdktf diff"]) expect(told).toContain(part);
  });

  test("a base that is refused leaves the head alone", () => {
    const told = text({ base: { synthesis: { ...good, state: "failed", problems: ["too old"] } }, head: side });
    expect(told).toContain("**The base does not synthesize**");
    expect(told).toContain("too old");
    expect(told).toContain("flowchart alone");
  });

  test("keys that are missing are named", () => {
    const missing = Array.from({ length: 12 }, (_, index) => `keys/client.c${index}.pub`);
    const told = text({ base: side, head: { ...side, synthesis: { ...good, missing } } });
    expect(told).toContain("Keys that are not there yet: `keys/client.c0.pub`");
    expect(told).toContain("and 2 more. `wgchain keys` makes them");
  });

  test("parts begin at headings outside of code", () => {
    const parts = ["verdict", "### A\n\n````diff\n# x\n```\n# y\n````\nmore", "#### B\n~~~\n```\n# z\n~~~"];
    expect(split(parts.join("\n\n"))).toEqual(parts);
    expect(split("")).toEqual([]);
  });
});
