import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTemporaryDirectories } from "../../../__tests__/support/directory";
import { synthesizeExample, type Example } from "../../../__tests__/support/example";

jest.setTimeout(60_000);

const folder = join(__dirname, "..");
let example: Example;
beforeAll(async () => {
  example = await synthesizeExample(folder);
});
afterAll(removeTemporaryDirectories);

test("exactly 1.1.1.1, of the host alone, by the tunnel or nowhere", () => {
  const lines = (name: string): string[] =>
    (example.files[`client/etc/wgchain/${name}`] ?? "").split("\n").filter((line) => line.includes("7710"));
  expect(lines("rules")).toEqual([
    "pref 10080 from 0.0.0.0/32 to 1.1.1.1/32 iif lo lookup 7710 protocol 119",
    "pref 10080 from 10.1.1.2/32 to 1.1.1.1/32 iif lo lookup 7710 protocol 119",
  ]);
  expect(lines("routes")).toEqual([
    "1.1.1.1/32 dev wg src 10.1.1.2 table 7710 protocol 119",
    "10.1.1.0/24 dev wg table 7710 protocol 119",
    "unreachable default table 7710 metric 4278198272 protocol 119",
  ]);
});

test("with AllowedIPs that do not cover it, it is refused, with the reason", async () => {
  const copy = mkdtempSync(join(folder, "..", ".own-routes-"));
  try {
    cpSync(join(folder, "cdktf.json"), join(copy, "cdktf.json"));
    const text = readFileSync(join(folder, "main.ts"), "utf8");
    writeFileSync(join(copy, "main.ts"), text.replace("ownRoutes:", 'allowedIps: ["10.1.1.0/24"], ownRoutes:'));
    await expect(synthesizeExample(copy)).rejects.toThrow(
      "ownRoutes sends 1.1.1.1/32 into the tunnel, but allowedIps of its client end has only 10.1.1.0/24: WireGuard would drop it in silence, although there is a route",
    );
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
