import { linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSynthesis, synthesizeSide } from "../ci/synthesis";
import { requirePlainFiles } from "../ci/untrusted";
import { parsePublicKey } from "../lib/key";

// Each starts programs, and the machine may be busy.
jest.setTimeout(60_000);

const scratch = mkdtempSync(join(tmpdir(), "wgchain-ci-test-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const { WGCHAIN_DIR: _own, ...env } = process.env;

/** An app as cdktf runs it: it needs the key of a client, and writes what the constructs would. */
function app(name: string, rest = ""): string {
  const directory = join(scratch, name);
  mkdirSync(join(directory, "wgchain", "private"), { recursive: true });
  writeFileSync(join(directory, "wgchain", "private", "gcp.wg6.key"), "secret");
  writeFileSync(join(directory, "cdktf.json"), JSON.stringify({ app: "node app.js" }));
  writeFileSync(
    join(directory, "app.js"),
    `
    const fs = require("fs"), path = require("path");
    const directory = path.resolve(process.env.WGCHAIN_DIR ?? "wgchain");
    const read = (file) => fs.existsSync(path.join(directory, file)) ? fs.readFileSync(path.join(directory, file), "utf8").trim() : null;
    const publicKey = read("keys/client.phone.pub"), digest = read("keys/hk.wgp.psk.sha256"), mine = read("keys/hk.wgp.pub");
    const problems = [];
    if (publicKey === null) problems.push({ code: "missing-public-key", path: "s/phone", message: "no key" });
    const preshared = { node: "hk", interface: "wgp", digest };
    ${rest}
    fs.writeFileSync(process.env.WGCHAIN_INVENTORY, JSON.stringify({
      version: 1, stack: "net", directory, problems, allocations: {},
      nodes: [{ name: "hk", interfaces: [{ name: "wgp", publicKey: mine, preshared }] }], clients: [{ name: "phone", publicKey }] }));
    if (problems.length > 0) process.exit(1);
    const out = path.join(process.env.CDKTF_OUTDIR, "stacks/net"), nodes = path.join(out, "wgchain/nodes/hk/etc/wgchain");
    fs.mkdirSync(nodes, { recursive: true });
    fs.writeFileSync(path.join(process.env.CDKTF_OUTDIR, "manifest.json"), "{}");
    fs.writeFileSync(path.join(out, "cdk.tf.json"), '{"provider":{"x":{"password":"secret"}}}');
    fs.writeFileSync(path.join(nodes, "peers"), [publicKey, digest, mine].join(" "));
    fs.writeFileSync(path.join(out, "wgchain/network.json"), "{}");`,
  );
  return directory;
}

const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(directory.length + 1))
    .sort();

describe("one side of a pull request", () => {
  const out = join(scratch, "out");

  test("is synthesized with stand-ins for keys that are not there, the same each time, and its own for those that are", async () => {
    const directory = app("missing");
    mkdirSync(join(directory, "wgchain", "keys"));
    const mine = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";
    writeFileSync(join(directory, "wgchain", "keys", "hk.wgp.pub"), `${mine}\n`);
    const synthesis = await synthesizeSide(directory, out, env);
    expect(synthesis).toEqual({
      version: 1,
      state: "synthesized",
      stack: "net",
      missing: ["keys/client.phone.pub", "keys/hk.wgp.psk.sha256"],
      problems: [],
    });
    const peers = readFileSync(join(out, "stacks/net/wgchain/nodes/hk/etc/wgchain/peers"), "utf8");
    const [phone = "", digest, hk] = peers.split(" ");
    expect(parsePublicKey(phone, "the stand-in")).toBe(phone);
    expect([digest, hk]).toEqual(["0".repeat(64), mine]);
    await synthesizeSide(directory, out, env);
    expect(readFileSync(join(out, "stacks/net/wgchain/nodes/hk/etc/wgchain/peers"), "utf8")).toBe(peers);
    expect(readSynthesis(out)).toEqual(synthesis);
    expect(files(join(directory, "wgchain"))).toEqual(["keys/hk.wgp.pub", "private/gcp.wg6.key"]);
  });

  test("keeps what hosts get and nothing of Terraform's, nor a private key", async () => {
    await synthesizeSide(app("kept"), out, env);
    expect(files(out)).toEqual([
      "manifest.json",
      "stacks/net/wgchain/network.json",
      "stacks/net/wgchain/nodes/hk/etc/wgchain/peers",
      "synthesis.json",
    ]);
    for (const file of files(out)) expect(readFileSync(join(out, file), "utf8")).not.toContain("secret");
  });

  test("that is refused, or cannot be run, says why and leaves nothing of before", async () => {
    await synthesizeSide(app("good"), out, env);
    const loop = 'problems.push({ code: "loop", path: "s/x", message: "comes to hk twice" });';
    const refused = await synthesizeSide(app("loop", loop), out, env);
    expect(refused).toMatchObject({ state: "refused", problems: ["s/x: comes to hk twice"] });
    expect(files(out)).toEqual(["synthesis.json"]);
    expect(await synthesizeSide(app("throws", 'throw new Error("no such thing");'), out, env)).toMatchObject({ state: "failed" });
    expect(readSynthesis(out).problems[0]).toContain("no such thing");
    expect(await synthesizeSide(join(scratch, "nowhere"), out, env)).toMatchObject({ state: "failed" });
    const old = 'setImmediate(() => fs.rmSync(path.join(process.env.CDKTF_OUTDIR, "stacks/net/wgchain/network.json")));';
    expect((await synthesizeSide(app("old", old), out, env)).problems[0]).toContain("wrote no stacks/net/wgchain/network.json");
  });

  test("a record that somebody else wrote is read with care", () => {
    const write = (json: unknown): void =>
      writeFileSync(join(out, "synthesis.json"), typeof json === "string" ? json : JSON.stringify(json));
    const sound = { version: 1, state: "synthesized", stack: "net", missing: [], problems: [] };
    write(sound);
    expect(readSynthesis(out)).toEqual(sound);
    for (const [change, why] of [
      [{ version: 2 }, "has version 2, not 1"],
      [{ state: "fine" }, 'has the state "fine"'],
      [{ stack: "../../etc" }, "names no stack"],
      [{ stack: 5 }, "names no stack"],
      [{ missing: "x" }, "lacks its lists"],
      [{ problems: [1] }, "lacks its lists"],
    ] as const) {
      write({ ...sound, ...change });
      expect(() => readSynthesis(out)).toThrow(why);
    }
    write("{");
    expect(() => readSynthesis(out)).toThrow("cannot be read");
  });
});

describe("a directory that somebody else filled", () => {
  const root = join(scratch, "artifact");
  beforeEach(() => {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(join(root, "head", "nodes"), { recursive: true });
    writeFileSync(join(root, "head", "nodes", "rules"), "12345");
  });

  test("with plain files is taken", () => expect(() => requirePlainFiles(root)).not.toThrow());

  test("with a link is refused, whatever it points to", () => {
    symlinkSync("/etc/hostname", join(root, "head", "nodes", "peers"));
    expect(() => requirePlainFiles(root)).toThrow(
      "the artifact holds head/nodes/peers, which is no plain file; nothing of it is read",
    );
    rmSync(join(root, "head", "nodes", "peers"));
    symlinkSync(scratch, join(root, "base"));
    expect(() => requirePlainFiles(root)).toThrow("holds base, which is no plain file");
    rmSync(join(root, "base"));
    linkSync(join(root, "head", "nodes", "rules"), join(root, "second"));
    expect(() => requirePlainFiles(root)).toThrow("no plain file");
  });

  test("with too much is refused", () => {
    writeFileSync(join(root, "more"), "6");
    expect(() => requirePlainFiles(root, { files: 2, bytes: 6 })).not.toThrow();
    expect(() => requirePlainFiles(root, { files: 1, bytes: 6 })).toThrow("more than 1 files");
    expect(() => requirePlainFiles(root, { files: 2, bytes: 5 })).toThrow("more than 5 bytes");
  });
});
