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

test("50 clients, each with a label of its own on the way to HK, one address for all of an exit behind it", () => {
  const { ways } = example.network;
  expect(ways).toHaveLength(50);
  expect(ways.map(({ labels }) => labels[0])).toEqual(ways.map(({ address }) => address.replace("10.66.224.", "10.66.220.")));
  expect([...new Set(ways.map(({ labels }) => labels[1]))].sort()).toEqual(["10.66.6.250", "10.66.7.250", "10.66.8.250"]);
});

test("exits take turns", () => {
  expect(["client2", "client3", "client4", "client5"].map((name) => example.network.waysOf(name)[0]?.exit?.node)).toEqual([
    ...["tokyo", "paris", "lima", "tokyo"],
  ]);
});

test("HK selects by one rule an exit, however many labels", () => {
  const rules = (example.files["hk/etc/wgchain/rules"] ?? "").split("\n").filter((line) => line.startsWith("pref 11000"));
  expect(rules.join("\n")).toMatchInlineSnapshot(`
   "pref 11000 iif wgp fwmark 0x53279 lookup 340601 protocol 119
   pref 11000 iif wgp fwmark 0xadb7a lookup 711546 protocol 119
   pref 11000 iif wgp fwmark 0xda63f lookup 894527 protocol 119"
  `);
});
