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
   "forward_sources 0x1020304 : 1.2.3.4
   forward_tcp 8080 : 192.168.1.10 . 80
   forward_tcp_at 192.168.1.1 . 443 : 1.1.1.1 . 443
   forward_tcp_at_mark 192.168.1.1 . 443 : 0x1020304
   forward_tcp_mark 8080 : 0x1e16
   forward_udp 10000 : 192.168.1.10 . 10000
   forward_udp 10010 : 192.168.1.10 . 10010
   forward_udp_mark 10000 : 0x1e15
   forward_udp_mark 10010 : 0x1e15
   forwards 0x1020304
   forwards 0x1e15
   forwards 0x1e16
   lan_addresses 192.168.1.1
   lans 192.168.1.0/24
   "
  `);
});
