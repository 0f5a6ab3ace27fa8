import { join } from "node:path";
import { removeTemporaryDirectories } from "../../../__tests__/support/directory";
import { synthesizeExample, type Example } from "../../../__tests__/support/example";
import "../../../constructs/jest";

jest.setTimeout(60_000);

let example: Example;
beforeAll(async () => {
  example = await synthesizeExample(join(__dirname, ".."));
});
afterAll(removeTemporaryDirectories);

test("the phone leaves at the friend's, the printer nowhere", () => {
  expect(example.network).toExit("phone", "friend");
  expect(example.network).toTakeHops("phone", ["10.66.224.1", "10.66.6.6"]);
  expect(example.network).toReachNothing("printer");
});

test("a wg-quick file for the friend, with no program of wgchain's in it", () => {
  const text = example.files["friend/etc/wireguard/wg6.conf"] ?? "";
  expect(text.replace(/^PublicKey = .*$/m, "PublicKey = (sz's)")).toMatchInlineSnapshot(`
   "# made by wgchain, for who keeps this host: what the other ends count on; the private key goes into a file beside this one
   [Interface]
   Address = 10.66.6.6/24
   ListenPort = 51866
   MTU = 1440
   Table = off
   PostUp = wg set %i private-key /etc/wireguard/%i.key

   # sz
   [Peer]
   PublicKey = (sz's)
   AllowedIPs = 10.66.6.0/24
   "
  `);
});

test("nothing is delivered there", () => {
  expect(Object.keys(example.resource["null_resource"] ?? {}).sort()).toEqual(["deploy", "sz_config", "sz_membership"]);
  expect(JSON.stringify(example.resource["null_resource"]?.["deploy"])).not.toContain("friend");
});
