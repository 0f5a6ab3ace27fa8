import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Product } from "../faults/product";
import { rows } from "../faults/rows";

// A row proves its protection by failing without it: what it takes out must stand there.
const directory = mkdtempSync(join(tmpdir(), "wgchain-edits-"));
const product = new Product(join(__dirname, ".."), join(directory, "product"), 60);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.each(rows.flatMap(({ name, protection }) => (protection === undefined ? [] : [[name, protection] as const])))(
  "%s finds what it takes out of the product",
  (_, { edits }) => {
    expect(edits.length).toBeGreaterThan(0);
    expect(() => product.check(edits)).not.toThrow();
  },
);
