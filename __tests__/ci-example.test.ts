import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { marker } from "../ci/compose";

jest.setTimeout(120_000);

const repository = join(__dirname, "..");
const page = join(repository, "docs", "pull-request-comment.md");
const scratch = mkdtempSync(join(tmpdir(), "wgchain-example-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** An app as a checkout of the repository has it, but for its main.ts. */
function checkout(name: string, main: string): string {
  const directory = join(scratch, name);
  mkdirSync(directory);
  writeFileSync(join(directory, "main.ts"), main.replace('"./constructs"', JSON.stringify(join(repository, "constructs"))));
  writeFileSync(join(directory, "cdktf.json"), readFileSync(join(repository, "cdktf.json")));
  symlinkSync(join(repository, "node_modules"), join(directory, "node_modules"));
  const keys = join(directory, "wgchain", "keys");
  mkdirSync(keys, { recursive: true });
  const ends = ["client.client", "client.client2", "gcp.wg6", "hk.wg6", "hk.wg7", "hk.wgp", "hkt.wg7", "sz.wgp", "sz.wgs"];
  for (const [index, end] of ends.entries()) {
    writeFileSync(
      join(keys, `${end}.pub`),
      `${Buffer.alloc(32, index + 1)
        .fill(1, 0, 1)
        .toString("base64")}\n`,
    );
  }
  const user = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/qcu02W8oOQX1mPBVFzuqWlPKwDCNFeVKRhu9FRmZ1 me\n";
  writeFileSync(join(directory, "wgchain", "authorized_keys"), user);
  return directory;
}

const run = (script: string, ...argv: readonly string[]): string => {
  const { WGCHAIN_DIR: _own, ...env } = process.env;
  return execFileSync(process.execPath, ["--import", "tsx", join(repository, "ci", script), ...argv], { encoding: "utf8", env });
};

/** The plan is from a run against the lab, and stands in the page; all else is made anew here. `UPDATE_DOCS=1` writes the page. */
test("docs/pull-request-comment.md is the comment that comes out when client .2 moves from GCP to HKT", () => {
  const main = readFileSync(join(repository, "main.ts"), "utf8");
  const moved = main
    .replace('from: ["10.66.224.2/32", "10.66.224.3/32"]', 'from: ["10.66.224.3/32"]')
    .replace('from: ["10.66.225.2/32"]', 'from: ["10.66.224.2/32", "10.66.225.2/32"]');
  expect(moved).not.toBe(main);
  run("synth.ts", checkout("before", main), join(scratch, "sides", "base"));
  run("synth.ts", checkout("after", moved), join(scratch, "sides", "head"));

  const text = readFileSync(page, "utf8");
  const [, plan = ""] = /```diff\n(@@ reference: [^`]*)```/.exec(text) ?? [];
  expect(plan).toContain("source 10.66.224.2 on wgs: exit gcp via wgp from 10.66.220.224 -> exit hkt via wgp from 10.66.220.225");
  const planned = join(scratch, "plan");
  mkdirSync(planned);
  writeFileSync(join(planned, "plan.txt"), plan);
  const addresses = { reference: { "google_compute_address.gcp_address.address": "203.0.113.10" } };
  writeFileSync(join(planned, "addresses.json"), JSON.stringify(addresses));

  const out = join(scratch, "comment.md");
  run("comment.ts", "--plan", planned, join(scratch, "sides"), out);
  const comment = readFileSync(out, "utf8");
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(page, `${text.slice(0, text.indexOf(marker))}${comment}`);
  expect(readFileSync(page, "utf8").slice(text.indexOf(marker))).toBe(comment);
  expect(comment).toContain("| `client` (`10.66.224.2`) | `gcp` `203.0.113.10` | `hkt` `198.51.100.30` |");
});
