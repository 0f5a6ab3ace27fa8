import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokenLinks, markdownFiles } from "./support/links";

const repository = join(__dirname, "..");

describe("links in Markdown", () => {
  test("all of the repository's lead to a file, and to a heading of it", () => {
    const pages = markdownFiles(repository).map((file) => file.slice(repository.length + 1));
    expect(pages).toEqual(
      expect.arrayContaining(["README.md", "docs/internals.md", "docs/reference/wg-node.md", "examples/README.md"]),
    );
    expect(brokenLinks(repository)).toEqual([]);
  });

  test("a broken one is told, with its page", () => {
    const root = mkdtempSync(join(tmpdir(), "wgchain-links-"));
    try {
      writeFileSync(
        join(root, "README.md"),
        [
          "# One, two: `three()`",
          "## Same",
          "## Same",
          'Kept: [a](#one-two-three), [b](#same-1), [c](other.md#here), [d](https://example.invalid), ![e](picture.svg), <a href="other.md">f</a>, `[g](code.md)`',
          "",
          "[1](#two), [2](#same-2), [3](absent.md), ![4](absent.svg), [5](other.md#there), [6](../out.md), [7](picture.svg#x)",
          "",
          '<a href="absent.html">8</a> [9][ref]',
          "",
          "[ref]: absent/",
          "",
          "    [code](absent.md)",
        ].join("\n"),
      );
      writeFileSync(join(root, "other.md"), '<a id="here"></a>\n');
      writeFileSync(join(root, "picture.svg"), "<svg/>\n");
      expect(brokenLinks(root)).toEqual([
        "README.md: #two: README.md has no heading of that name",
        "README.md: #same-2: README.md has no heading of that name",
        "README.md: absent.md: there is no such file",
        "README.md: absent.svg: there is no such file",
        "README.md: other.md#there: other.md has no heading of that name",
        "README.md: ../out.md: leads out of the repository",
        "README.md: picture.svg#x: only a Markdown page has headings",
        "README.md: absent.html: there is no such file",
        "README.md: absent/: there is no such file",
      ]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
