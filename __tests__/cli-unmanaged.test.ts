import { rmSync } from "node:fs";
import { join } from "node:path";
import { removeTemporaryDirectories } from "./support/directory";
import { Project } from "./support/cli-project";

jest.setTimeout(120_000);

let project: Project;
beforeAll(() => {
  project = Project.make();
  project.edit(['hkt", { host: Host.ssh({', 'hkt", { host: Host.unmanaged({']);
});
afterAll(removeTemporaryDirectories);

/** Neither ssh nor Terraform is asked: there is nobody at those addresses here, and it ends at once. */
describe("a host of somebody else's is asked for nothing", () => {
  test.each<[string, string, number, RegExp]>([
    ["status hkt", "stderr", 1, /^error: hkt: somebody else's host \(Host\.unmanaged\), which is not asked\n$/],
    ["doctor hkt", "stderr", 1, /^error: hkt: somebody else's host \(Host\.unmanaged\), which is not asked\n$/],
    [
      "trust hkt",
      "stdout",
      0,
      /^hkt: somebody else's host \(Host\.unmanaged\); nothing is delivered to it, so nothing is pinned\n$/,
    ],
    ["keys hkt", "stdout", 0, /^elsewhere hkt\/wg7 {2}its host is somebody else's \(Host\.unmanaged\)\n/],
    ["keys rotate hkt/wg7", "stderr", 1, /hkt is somebody else's host \(Host\.unmanaged\); they make a new key/],
    ["adopt hkt/wg7", "stderr", 1, /hkt is somebody else's host \(Host\.unmanaged\); what was made on it stays theirs/],
  ])("wgchain %s", async (command, where, status, says) => {
    const ran = await project.wgchain(...command.split(" "));
    expect(ran[where as "stdout" | "stderr"]).toMatch(says);
    expect(ran.status).toBe(status);
  });

  test("wgchain keys says where its missing public key goes, and makes none", async () => {
    rmSync(join(project.directory, "wgchain/keys/hkt.wg7.pub"));
    const { stdout, status } = await project.wgchain("keys", "hkt");
    expect(stdout).toMatch(
      /^missing {3}hkt\/wg7 {2}its host is .*: put the output of 'wg pubkey' there into keys\/hkt\.wg7\.pub\n/,
    );
    expect(status).toBe(0);
  });
});
