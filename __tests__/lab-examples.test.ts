import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readScenario } from "../lab";

const root = join(__dirname, "..", "examples");
const examples = readdirSync(root).filter((name) => !name.startsWith(".") && existsSync(join(root, name, "cdktf.json")));
const text = (...names: string[]): string => readFileSync(join(root, ...names), "utf8");

test("there are examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(6);
});

describe.each(examples)("example %s", (name) => {
  test("its main.ts is at most a page, and uses the constructs alone", () => {
    expect(text(name, "main.ts").trimEnd().split("\n").length).toBeLessThanOrEqual(60);
    const imported = [...text(name, "main.ts").matchAll(/from "([^"]+)"/g)].map(([, from = ""]) => from);
    expect(imported.filter((from) => from.startsWith("."))).toEqual(["../../constructs"]);
  });
  test("it has a test of its own, says how to run it, and stands in the table", () => {
    expect(existsSync(join(root, name, "__tests__", "main.test.ts"))).toBe(true);
    expect(text(name, "README.md")).toContain(`npm run lab -- --app examples/${name}`);
    expect(text("README.md")).toContain(`[${name}](${name})`);
  });
  test("each edit that takes out what it shows finds its text in main.ts, once", () => {
    const { without = [] } = readScenario(join(root, name)) ?? {};
    expect(without.length).toBeGreaterThan(0);
    const times = without.map(({ what, replace }) => [what, text(name, "main.ts").split(replace).length - 1]);
    expect(times).toEqual(without.map(({ what }) => [what, 1]));
  });
});
