import { join } from "node:path";
import { removeTemporaryDirectories } from "../../../__tests__/support/directory";
import { synthesizeExample, type Example } from "../../../__tests__/support/example";

jest.setTimeout(60_000);

let example: Example;
beforeAll(async () => {
  example = await synthesizeExample(join(__dirname, ".."));
});
afterAll(removeTemporaryDirectories);

test("what the gateway's nftables table holds", () => {
  const lines = (example.files["gw/etc/wgchain/elements"] ?? "").split("\n");
  expect(lines.filter((line) => !/ 1000[1-9] :/.test(line)).join("\n")).toMatchInlineSnapshot(`
   "lan_addresses 192.168.1.1
   lans 192.168.1.0/24
   "
  `);
});
