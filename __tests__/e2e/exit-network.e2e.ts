import { join } from "node:path";
import { callersAddress, table } from "../../lab";
import { ownLab } from "./instance";

const lab = ownLab("names");

afterAll(() => lab.down({ force: true }), 60_000);

test("exits and clients by name keep their promises, also where the relay is an exit itself", async () => {
  await lab.up({ app: join(__dirname, "exit-network") });
  const rows = await lab.probe();
  process.stdout.write(`${table(rows)}\n`);
  expect(rows.flatMap((row) => row.problems)).toEqual([]);
  const address = (client: string): string => rows.find((row) => row.client === client)?.address ?? "";
  expect(await callersAddress(lab.host("phone"), address("phone"))).toBe("198.51.100.20");
  expect(await callersAddress(lab.host("laptop"), address("laptop"))).toBe("198.51.100.40");
  expect(await callersAddress(lab.host("tv"), address("tv"))).toBe("198.51.100.40");
}, 180_000);
