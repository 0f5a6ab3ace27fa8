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

test("a client's address chooses the exit, by the hops of S11", () => {
  expect(example.network).toExit("10.66.224.2", "gcp");
  expect(example.network).toExit("10.66.225.2", "hkt");
  expect(example.network).toTakeHops("10.66.224.2", ["10.66.224.1", "10.66.220.200", "10.66.6.6"]);
  expect(example.network).toTakeHops("10.66.225.2", ["10.66.224.1", "10.66.220.200", "10.66.7.7"]);
});

test("another address has no exit", () => {
  expect(example.network).toReachNothing("10.66.224.3");
});

test("the choice survives NAT as a label", () => {
  expect(example.network.ways.map(({ address, labels }) => [address, ...labels].join(" > "))).toMatchInlineSnapshot(`
   [
     "10.66.224.2 > 10.66.220.224 > 10.66.6.250",
     "10.66.225.2 > 10.66.220.225 > 10.66.7.250",
   ]
  `);
});

test("without its tunnel an address reaches nothing; the other loses nothing", () => {
  expect(example.network).toStayClosedWithout("10.66.224.2", "hk/wg6");
  expect(example.network.waysOf("10.66.225.2")[0]?.tunnels).toEqual(["sz/wgp", "hk/wg7"]);
});
