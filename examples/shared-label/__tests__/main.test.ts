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

test("who leaves where, and by which label at HK", () => {
  const lines = example.network.ways.map(
    ({ client, exit, labels }) => `${client ?? "-"}: ${labels[0] ?? "-"} to ${exit?.node ?? "-"}`,
  );
  expect(lines.join("\n")).toMatchInlineSnapshot(`
   "ann: 10.66.220.224 to gcp
   bob: 10.66.220.224 to gcp
   cas: 10.66.220.224 to gcp
   dan: 10.66.220.224 to gcp
   eve: 10.66.220.224 to gcp
   fay: 10.66.220.225 to hkt
   gus: 10.66.220.225 to hkt
   hal: 10.66.220.225 to hkt"
  `);
});

test("HK knows two labels, and none of the clients", () => {
  const sources = (example.files["hk/etc/wgchain/sources"] ?? "").trimEnd().split("\n");
  expect(sources.map((line) => line.split(/\s/)[1])).toEqual(["10.66.220.224", "10.66.220.225"]);
});
