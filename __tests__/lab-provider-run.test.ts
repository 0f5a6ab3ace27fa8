import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand, withProviders } from "../lab/provider/run";

jest.setTimeout(20_000);

const backend = { changed: (): Promise<void> => Promise.resolve() };
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "wgchain-run-test-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const shell = (script: string, env: Record<string, string> = {}): Promise<number> =>
  runCommand(["sh", "-c", script], { env, cwd: dir });

test("the command's exit code is passed on, and the environment reaches it", async () => {
  const code = await withProviders({ dir, backend, providers: ["google", "null"] }, (env) =>
    shell(`env > seen; test -S "$(echo "$TF_REATTACH_PROVIDERS" | grep -o '"/[^"]*/google"' | tr -d '"')" && exit 23`, env),
  );
  expect(code).toBe(23);
  const seen = await readFile(join(dir, "seen"), "utf8");
  expect(seen).toMatch(
    /^TF_REATTACH_PROVIDERS=\{"registry.terraform.io\/hashicorp\/google":\{.*"registry.terraform.io\/hashicorp\/null"/m,
  );
  for (const line of ["CDKTF_SKIP_PROVIDER_LOCK=true", "CI=1", "CHECKPOINT_DISABLE=1", "CDKTF_DISABLE_PLUGIN_CACHE_ENV=1"]) {
    expect(seen.split("\n")).toContain(line);
  }
});

test("a command that a signal ended gives 128 and the signal; one that is not there is an error", async () => {
  expect(await shell("kill -TERM $$")).toBe(143);
  await expect(runCommand(["/no/such/command"], { env: {} })).rejects.toThrow(/ENOENT/);
});

test("SIGINT is forwarded once, and the providers outlive it", async () => {
  // The command answers the interrupt slowly, and looks whether the provider's socket is still there.
  const command = `
    socket=$(echo "$TF_REATTACH_PROVIDERS" | grep -o '"/[^"]*/null"' | tr -d '"')
    trap 'echo got; sleep 0.3; test -S "$socket" && exit 7; exit 8' INT
    echo ready
    for i in $(seq 100); do sleep 0.05; done; exit 9`;
  // spawn() returns when the command has long been running, as it may on a busy machine.
  const program = `
    import childProcess from "node:child_process";
    import { runCommand, withProviders } from ${JSON.stringify(join(__dirname, "../lab/provider/run"))};
    const { spawn } = childProcess;
    childProcess.spawn = ((...args) => {
      const command = spawn(...args);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      return command;
    });
    const backend = { changed: () => Promise.resolve() };
    void withProviders({ dir: ${JSON.stringify(dir)}, backend, providers: ["null"] }, (env) =>
      runCommand(["sh", "-c", ${JSON.stringify(command)}], { env }),
    ).then((code) => { process.exitCode = code; });`;
  await writeFile(join(dir, "program.ts"), program);
  const child = spawn(process.execPath, ["--import", "tsx", join(dir, "program.ts")], {
    cwd: join(__dirname, ".."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString();
    if (output === "ready\n") child.kill("SIGINT");
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(output).toBe("ready\ngot\n");
  expect(code).toBe(7);
});
