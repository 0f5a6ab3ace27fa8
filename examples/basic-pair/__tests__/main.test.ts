import { join } from "node:path";
import { removeTemporaryDirectories } from "../../../__tests__/support/directory";
import { synthesizeExample, type Example } from "../../../__tests__/support/example";

jest.setTimeout(60_000);

let example: Example;
beforeAll(async () => {
  example = await synthesizeExample(join(__dirname, ".."));
});
afterAll(removeTemporaryDirectories);

test("the client's file lets in the server's network, and nothing else", () => {
  const text = (example.files["client/etc/wireguard/wg.conf"] ?? "").replace(/^PublicKey = .*$/m, "PublicKey = (the server's)");
  expect(text.split("[Peer]")[1]?.replace(/:\d+$/m, ":PORT")).toMatchInlineSnapshot(`
   "
   PublicKey = (the server's)
   AllowedIPs = 10.1.1.0/24
   Endpoint = 198.51.100.10:PORT
   PersistentKeepalive = 25
   "
  `);
});

test("neither host sends anything else another way", () => {
  expect(example.files["client/etc/wgchain/rules"]).not.toMatch(/fwmark|lookup (main|[1-9]\d{5})/);
  expect(example.files["server/etc/wgchain/rules"]).not.toMatch(/fwmark|lookup (main|[1-9]\d{5})/);
});
