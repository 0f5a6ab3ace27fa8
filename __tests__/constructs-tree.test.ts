import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeTree } from "../constructs/tree";

let outside: string;
let root: string;
const at = (name: string): string => join(root, name);
const tree = (files: Readonly<Record<string, string>>, mode = 0o644) =>
  new Map(Object.entries(files).map(([name, text]) => [name, { text, mode }]));
const all = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => [
        join(entry.parentPath, entry.name).slice(root.length + 1),
        readFileSync(join(entry.parentPath, entry.name), "utf8"),
      ]),
  );

beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), "wgchain-tree-"));
  root = join(outside, "wgchain");
});
afterEach(() => rmSync(outside, { recursive: true, force: true }));

test("makes what is not there, with its mode", () => {
  writeTree(root, tree({ "a/b/c": "text", d: "" }, 0o755));
  expect(all()).toEqual({ "a/b/c": "text", d: "" });
  expect(lstatSync(at("a/b/c")).mode & 0o100).toBe(0o100);
});

test("leaves alone what is as it should be, and makes anew what is not: a program that runs is not written into", () => {
  writeTree(root, tree({ "a/same": "same", "a/other": "before" }));
  const same = lstatSync(at("a/same"), { bigint: true });
  const reader = openSync(at("a/other"), "r");
  writeTree(root, tree({ "a/same": "same", "a/other": "after!" }));
  expect(all()).toEqual({ "a/same": "same", "a/other": "after!" });
  const { ino, mtimeNs } = lstatSync(at("a/same"), { bigint: true });
  expect([ino, mtimeNs]).toEqual([same.ino, same.mtimeNs]);
  expect(readFileSync(reader, "utf8")).toBe("before");
  closeSync(reader);
});

test("removes what is not of the tree: files, directories, what is hidden", () => {
  writeTree(root, tree({ "a/b": "", "old/deep/c": "", ".before": "" }));
  mkdirSync(at("empty"));
  writeTree(root, tree({ "a/b": "" }));
  expect(readdirSync(root, { recursive: true }).map(String).sort()).toEqual(["a", "a/b"]);
});

test("a link stands for nothing: what it leads to is neither read nor written nor removed", () => {
  const elsewhere = join(outside, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "c"), "text");
  mkdirSync(root);
  symlinkSync(elsewhere, at("a"));
  symlinkSync(join(elsewhere, "c"), at("d"));
  writeTree(root, tree({ "a/c": "text", d: "text" }));
  expect([lstatSync(at("a")).isDirectory(), lstatSync(at("d")).isFile()]).toEqual([true, true]);
  rmSync(root, { recursive: true });
  symlinkSync(elsewhere, root);
  writeTree(root, tree({ e: "" }));
  expect(lstatSync(root).isDirectory()).toBe(true);
  expect(readdirSync(elsewhere)).toEqual(["c"]);
});

test("a file where a directory belongs, a directory where a file belongs, and a mode that somebody took away", () => {
  mkdirSync(at("d/e"), { recursive: true });
  writeFileSync(at("a"), "");
  writeFileSync(at("f"), "run");
  chmodSync(at("f"), 0o644);
  writeTree(root, tree({ "a/c": "c", d: "d", f: "run" }, 0o755));
  expect(all()).toEqual({ "a/c": "c", d: "d", f: "run" });
  expect(lstatSync(at("f")).mode & 0o100).toBe(0o100);
});

test("text of the same length, and bytes that are no text, are another text", () => {
  writeTree(root, tree({ a: "one", b: "\ufffd" }));
  writeFileSync(at("a"), "two");
  writeFileSync(at("b"), Buffer.from([0xf0, 0x90, 0x80]));
  writeTree(root, tree({ a: "one", b: "\ufffd" }));
  expect(all()).toEqual({ a: "one", b: "\ufffd" });
  expect(readFileSync(at("b"))).toEqual(Buffer.from("\ufffd"));
});
