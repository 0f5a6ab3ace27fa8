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

test("the phone leaves at the last host, by all of them", () => {
  expect(example.network).toExit("phone", "dublin", { as: "198.51.100.15" });
  expect(example.network).toTakeHops("phone", [
    ...["10.66.224.1", "10.66.1.1", "10.66.2.1", "10.66.3.1", "10.66.4.1", "10.66.5.1"],
  ]);
});

test("each tunnel fits its own lines, and the phone's packets the narrowest tunnel", () => {
  expect(example.network.tunnels.map(({ id, mtuBytes }) => `${id} ${mtuBytes}`)).toMatchInlineSnapshot(`
   [
     "shenzhen/wg1 1440",
     "hongkong/wg2 1432",
     "taipei/wg3 1340",
     "tokyo/wg4 1340",
     "seattle/wg5 1440",
   ]
  `);
  expect(example.inventory.clients.map(({ name, mtuBytes }) => [name, mtuBytes])).toEqual([["phone", 1340]]);
});

test("with any tunnel down nothing leaves", () => {
  for (const { id } of example.network.tunnels) expect(example.network).toStayClosedWithout("phone", id);
});
