import { join } from "node:path";
import "../../../constructs/jest";
import { removeTemporaryDirectories } from "../../../__tests__/support/directory";
import { synthesizeExample, type Example } from "../../../__tests__/support/example";

jest.setTimeout(60_000);

let example: Example;
beforeAll(async () => {
  example = await synthesizeExample(join(__dirname, ".."));
});
afterAll(removeTemporaryDirectories);

test("all of the clients' network leaves at Google, whoever sends", () => {
  for (const source of ["phone", "laptop", "10.66.224.0/19", "10.66.240.9"]) expect(example.network).toExit(source, "gcp");
  expect(example.network).toTakeHops("phone", ["10.66.224.1", "10.66.220.200", "10.66.6.6"]);
  expect(example.network).toStayClosedWithout("laptop", "sz/wgp");
});

test("client-to-client stays at SZ", () => {
  const { hops } = example.network.trace("phone", "10.66.255.254");
  expect(hops.map(({ at }) => at)).toEqual(["phone", "sz", "laptop"]);
});

test("SZ's table has the article's two routes, and an end", () => {
  const table = (example.files["sz/etc/wgchain/routes"] ?? "").split("\n").filter((line) => !line.includes("table 7700"));
  expect(table.join("\n")).toMatchInlineSnapshot(`
   "10.66.220.0/24 dev wgp table 429214 protocol 119
   10.66.224.0/19 dev wgs table 429214 protocol 119
   default dev wgp table 429214 protocol 119
   unreachable default table 429214 metric 4278198272 protocol 119
   "
  `);
});
