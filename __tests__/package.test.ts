import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { program } from "../constructs/payload";
import type { Inventory } from "../lib/inventory";

jest.setTimeout(180_000);

const repository = join(__dirname, "..");
const read = (...file: string[]): string => readFileSync(join(...file), "utf8");

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

/** A test as a user writes it. */
const networkTest = `
import { App, TerraformStack } from "cdktf";
import { Host, provenNetwork, SourcePolicy, WgNode, WgTunnel } from "wgchain";
import "wgchain/jest";

const key = (name: string): { publicKey: string } => ({ publicKey: Buffer.from(name.padEnd(32)).toString("base64") });
test("who leaves where", () => {
  const stack = new TerraformStack(new App(), "net");
  const entry = new WgNode(stack, "entry", { host: Host.ssh({ address: "198.51.100.1" }) });
  const exit = new WgNode(stack, "exit", { host: Host.ssh({ address: "198.51.100.2" }), exit: true });
  const addresses = { network: "10.2.0.0/24", serverAddress: "10.2.0.1", clientAddress: "10.2.0.2" };
  const ends = { serverEnd: key("server"), clientEnd: key("client") };
  const tunnel = new WgTunnel(stack, "tunnel", { server: exit, client: entry, ...addresses, ...ends });
  const phone = entry.serveClients("wgs", { address: "10.1.0.1/24" }).addClient("phone", { addresses: ["10.1.0.2"], ...key("phone") });
  new SourcePolicy(stack, "out", { on: entry, from: [phone], via: tunnel });
  const network = provenNetwork(stack);
  expect(network).toExit("phone", exit);
  expect(network).toExit(phone, "exit", { as: "198.51.100.2" });
  expect(network).toStayClosedWithout("10.1.0.2", tunnel);
  expect(network).toReachNothing("10.1.0.3");
  expect(network).not.toReachNothing("phone");
  expect(() => expect(network).toTakeHops("phone", ["10.1.0.1"])).toThrow(
    "10.1.0.2 (phone) should take the hops 10.1.0.1, but takes the hops 10.1.0.1 > 10.2.0.1 and leaves at exit as 198.51.100.2",
  );
  // @ts-expect-error: a source is a text or a client.
  expect(() => expect(network).toExit(1, exit)).toThrow();
  // @ts-expect-error: it takes a list.
  expect(() => expect(network).toTakeHops("phone", "10.1.0.1")).toThrow();
});
`;

/** The package as another project has it: the tarball unpacked, beside what its package.json asks for and nothing else. */
describe("the package", () => {
  const project = mkdtempSync(join(tmpdir(), "wgchain-package-"));
  const installed = join(project, "node_modules", "wgchain");
  const directory = join(project, "wgchain");
  let tarball = "";
  let manifest: Manifest;

  const run = (argv: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = project) => {
    const [file = "", ...args] = argv;
    const { WGCHAIN_DIR: _ownDirectory, ...own } = process.env;
    return spawnSync(file, args, { cwd, encoding: "utf8", env: { ...own, ...env } });
  };
  const ok = (argv: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = project): string => {
    const { status, stdout, stderr } = run(argv, env, cwd);
    if (status !== 0) throw new Error(`${argv.join(" ")}: status ${String(status)}\n${stdout}${stderr}`);
    return stdout;
  };

  beforeAll(() => {
    tarball = ok(["npm", "pack", "--silent", "--pack-destination", project], {}, repository).trim().split("\n").at(-1) ?? "";
    mkdirSync(installed, { recursive: true });
    ok(["tar", "-xzf", tarball, "--strip-components=1", "-C", installed]);
    manifest = JSON.parse(read(installed, "package.json")) as Manifest;
    for (const name of [...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }), "@types/node"]) {
      const link = join(project, "node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(repository, "node_modules", name), link);
    }
    writeFileSync(join(project, "main.ts"), read(repository, "main.ts").replace('"./constructs"', '"wgchain"'));
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "fresh", private: true }));
    writeFileSync(join(project, "cdktf.json"), JSON.stringify({ language: "typescript", app: "node main.js" }));
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      // All types of the package are looked at, not only those that main.ts uses.
      skipLibCheck: false,
      module: "Node16",
      target: "ES2022",
      types: ["node"],
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test("asks for nothing of the lab's, and is small", () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual([
      "@dagrejs/dagre",
      "commander",
      "ipaddr.js",
      "picocolors",
      "pngjs",
      "uqr",
      "yaml",
    ]);
    expect(Object.keys(manifest.peerDependencies).sort()).toEqual([
      "@cdktf/provider-google",
      "@cdktf/provider-null",
      "cdktf",
      "constructs",
    ]);
    expect(manifest.optionalDependencies).toBeUndefined();
    const bytes = statSync(join(project, tarball)).size;
    console.info(`${tarball}: ${bytes} bytes`);
    expect(bytes).toBeLessThan(500_000);
  });

  test.each(["README.md", "docs/internals.md"])("has the size that %s states", (page) => {
    const [, packed, unpacked] = /(\d+) kB packed and ([\d.]+) MB unpacked/.exec(read(repository, page)) ?? [];
    const kilobytes = statSync(join(project, tarball)).size / 1e3;
    const megabytes = Number(ok(["du", "-sb", installed]).split("\t")[0]) / 1e6;
    expect(Math.abs(Number(packed) / kilobytes - 1)).toBeLessThan(0.15);
    expect(Math.abs(Number(unpacked) / megabytes - 1)).toBeLessThan(0.15);
  });

  test("its constructs load nothing of the command's, the lab's or the tests'", () => {
    const script = 'require("wgchain"); console.log(JSON.stringify(Object.keys(require.cache)))';
    // Links are not followed, so that a file's package is the one that it was asked for by.
    const loaded = ok([process.execPath, "--preserve-symlinks", "-e", script]);
    const files = (JSON.parse(loaded) as string[]).map((file) => relative(join(project, "node_modules"), file));
    const ours = files.filter((file) => file.startsWith("wgchain/"));
    expect(ours).toContain("wgchain/dist/constructs/index.js");
    expect(ours.filter((file) => !/^wgchain\/dist\/(constructs|lib)\//.test(file))).toEqual([]);
    expect(ours.filter((file) => file.startsWith("wgchain/dist/lib/diagram/"))).toEqual([]);
    const others = new Set(
      files.filter((file) => !file.startsWith("wgchain/")).map((file) => /^(@[^/]+\/)?[^/]+/.exec(file)?.[0]),
    );
    // All else is loaded by what needs it, Google's resources by the first VM.
    expect([...others].sort()).toEqual(["@cdktf/provider-null", "cdktf", "constructs"]);
  });

  test("holds programs and types, and no test, key or source", () => {
    const files = ok(["tar", "-tzf", tarball]).trim().split("\n");
    for (const file of ["dist/constructs/index.d.ts", "dist/host/deploy", "dist/host/deliver", "dist/cli/wgchain.js"]) {
      expect(files).toContain(`package/${file}`);
    }
    expect(files.filter((file) => /__tests__|\.test\.|\.key$|\.pub$|known_hosts|(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  test("type-checks in a strict project against its own types", () => {
    ok([process.execPath, join(repository, "node_modules/typescript/bin/tsc"), "-p", "."]);
    writeFileSync(join(project, "wrong.ts"), 'import { Host } from "wgchain";\nHost.ssh({ adress: "198.51.100.10" });\n');
    const wrong = run([
      process.execPath,
      join(repository, "node_modules/typescript/bin/tsc"),
      "--noEmit",
      "--strict",
      "--module",
      "Node16",
      "--types",
      "node",
      "wrong.ts",
    ]);
    expect(wrong.stdout).toMatch(/wrong.ts\(2,\d+\): error TS2561: .*SshHostProps/);
  });

  test("synthesizes the reference network there", () => {
    const [out, file] = [join(project, "cdktf.out"), join(project, "inventory.json")];
    const environment = { CDKTF_OUTDIR: out, WGCHAIN_INVENTORY: file };
    mkdirSync(join(directory, "keys"), { recursive: true });
    writeFileSync(
      join(directory, "authorized_keys"),
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/qcu02W8oOQX1mPBVFzuqWlPKwDCNFeVKRhu9FRmZ1 me\n",
    );
    const first = run([process.execPath, "main.js"], environment);
    expect(first.stderr).toContain("wgchain keys");
    const { nodes, clients } = JSON.parse(read(file)) as Inventory;
    const names = [
      ...nodes.flatMap(({ name, interfaces }) => interfaces.map((one) => `${name}.${one.name}`)),
      ...clients.map(({ name }) => `client.${name}`),
    ];
    for (const name of names) {
      const key = generateKeyPairSync("x25519")
        .publicKey.export({ format: "der", type: "spki" })
        .subarray(-32)
        .toString("base64");
      writeFileSync(join(directory, "keys", `${name}.pub`), `${key}\n`);
    }
    ok([process.execPath, "main.js"], environment);
    const stack = join(out, "stacks", "reference");
    expect(read(stack, "cdk.tf.json")).toContain("google_compute_instance");
    expect(read(stack, "wgchain/nodes/sz/usr/local/lib/wgchain/wgchain-host")).toBe(program());
    for (const name of ["deliver", "deploy"]) expect(read(stack, "wgchain", name)).toBe(read(repository, "host", name));
  });

  test("its matchers have types and work in a project's own jest, by @types/jest and by @jest/globals", () => {
    for (const name of ["@types/jest", "@jest/globals", "expect"]) {
      mkdirSync(dirname(join(project, "node_modules", name)), { recursive: true });
      symlinkSync(join(repository, "node_modules", name), join(project, "node_modules", name));
    }
    mkdirSync(join(directory, "keys"), { recursive: true });
    writeFileSync(join(directory, "keys/entry.wgs.pub"), `${Buffer.from("wgs".padEnd(32)).toString("base64")}\n`);
    writeFileSync(join(project, "global.test.ts"), networkTest);
    writeFileSync(join(project, "imported.test.ts"), `import { expect, test } from "@jest/globals";\n${networkTest}`);
    const files = ["global.test.ts", "imported.test.ts"];
    const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, module: "Node16", target: "ES2022" };
    writeFileSync(
      join(project, "tsconfig.test.json"),
      JSON.stringify({ compilerOptions: { ...compilerOptions, types: ["node", "jest"] }, files }),
    );
    ok([process.execPath, join(repository, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.test.json"]);
    const bin = join(repository, "node_modules/jest/bin/jest.js");
    const { stderr } = run([process.execPath, bin, "--rootDir", project, "--testMatch", "**/*.test.js"]);
    expect(stderr).toMatch(/^Tests: +2 passed, 2 total$/m);
  });

  test("its command works there; the lab says what it needs", () => {
    const wgchain = join(project, "node_modules/wgchain/dist/cli/wgchain.js");
    expect(ok([wgchain, "--help"])).toMatch(/^Usage: wgchain/);
    rmSync(join(directory, "keys/gcp.wg6.pub"));
    expect(ok([wgchain, "keys", "gcp"])).toMatch(/^made +gcp\/wg6 /m);
    expect(existsSync(join(directory, "private/gcp.wg6.key"))).toBe(true);
    const lab = run([wgchain, "lab", "up"]);
    expect([lab.status, lab.stderr]).toEqual([
      1,
      "error: the lab needs the package @grpc/grpc-js, which the constructs do not; install what it stands on: npm install --save-dev @grpc/grpc-js @grpc/proto-loader @msgpack/msgpack\n",
    ]);
  });
});
