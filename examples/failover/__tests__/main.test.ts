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

test("each leaves at its first exit", () => {
  for (const [client, exit] of Object.entries({ phone: "gcp", laptop: "hkt", tablet: "gcp" }))
    expect(example.network).toExit(client, exit);
});

test("who names one exit has no other", () => {
  const instead = example.network.ways.map(
    ({ client, instead: all = [] }) => `${client ?? ""}: ${all.map(({ exit }) => exit.node).join(", ")}`,
  );
  expect(instead).toEqual(["phone: hkt", "laptop: ", "tablet: "]);
});

test("HK measures both, and chooses", () => {
  const files = ["failover", "choices"].map((name) => example.files[`hk/etc/wgchain/${name}`]);
  expect(files.join("")).toMatchInlineSnapshot(`
   "gcp:wg-gcp,hkt:wg-hkt table 200627 every 1 down 3 up 3 hold 10 ask 1.1.1.1,8.8.8.8
   gcp:wg-gcp,hkt:wg-hkt 1 exit gcp dev wg-gcp table 647878 from 10.77.242.27
   gcp:wg-gcp,hkt:wg-hkt 2 exit hkt dev wg-hkt table 879716 from 10.77.172.65
   "
  `);
});
