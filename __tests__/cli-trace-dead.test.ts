import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { traceCommand } from "../cli/trace";
import { inProcess, Project, type Ran } from "./support/cli-project";
import { removeTemporaryDirectories } from "./support/directory";
import { publicKeyText } from "./support/keys";

// What the lab's exits do when they really die is the example's own probes.
jest.setTimeout(60_000);
afterAll(removeTemporaryDirectories);

let out: string;
beforeAll(async () => {
  const project = Project.make();
  const example = readFileSync(join(__dirname, "../examples/failover/main.ts"), "utf8");
  writeFileSync(join(project.directory, "main.ts"), example.replace("../../constructs", "./constructs"));
  const ends = ["sz.wg-hk", "hk.wg-sz", "hk.wg-gcp", "gcp.wg-hk", "hk.wg-hkt", "hkt.wg-hk", "sz.wgs"];
  for (const name of [...ends, "client.phone", "client.laptop", "client.tablet"])
    writeFileSync(join(project.directory, "wgchain/keys", `${name}.pub`), `${publicKeyText(name)}\n`);
  out = await project.synthesized();
});
const trace = (...parameters: string[]): Promise<Ran> => inProcess(traceCommand(), [...parameters, "--from", out]);
const end = ({ status, stdout }: Ran): readonly [number, string] => [status, stdout.split("\n\n")[1]?.split("\n")[0] ?? ""];

test("the next exit is taken, with the proof's own walk; the way back is that of the first", async () => {
  expect(end(await trace("phone", "1.1.1.1"))).toEqual([0, expect.stringMatching(/^leaves at gcp as 198\.51\.100\.40; /)]);
  expect(end(await trace("phone", "1.1.1.1", "--dead", "gcp"))).toEqual([
    0,
    expect.stringMatching(/^leaves at hkt as 198\.51\.100\.30; the answer comes back by hkt > hk > sz > phone; /),
  ]);
  expect(end(await trace("phone", "1.1.1.1", "--dead", "hkt"))).toEqual([0, expect.stringMatching(/^leaves at gcp /)]);
});

test("with none alive it is told so by the host that chooses", async () => {
  const ran = await trace("phone", "1.1.1.1", "--dead", "gcp", "--dead", "hkt");
  expect(end(ran)).toEqual([3, expect.stringMatching(/^unreachable at hk: an unreachable route of table /)]);
});

test("a client of the dead exit alone is lost there; of the other, nothing changes", async () => {
  const lost = await trace("tablet", "1.1.1.1", "--dead", "gcp");
  expect(end(lost)).toEqual([3, "gcp is dead, and nothing takes its place for this packet"]);
  expect(JSON.parse((await trace("tablet", "1.1.1.1", "--dead", "gcp", "--json")).stdout)).toMatchObject({ lostAt: "gcp" });
  expect(end(await trace("laptop", "1.1.1.1", "--dead", "gcp"))).toEqual([0, expect.stringMatching(/^leaves at hkt /)]);
});

test("an interface can be gone as well", async () => {
  expect(end(await trace("phone", "1.1.1.1", "--dead", "gcp", "--down", "hk/wg-hkt"))[0]).toBe(3);
});

test("an exit that no failover may leave", async () => {
  const { status, stderr } = await trace("phone", "1.1.1.1", "--dead", "us");
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining("error: --dead us is no exit that a failover may leave: there are gcp, hkt"),
  ]);
});
