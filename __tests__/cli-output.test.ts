import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../app/error";
import { isColoured, noColours } from "../cli/colour";
import { LiveLine, type TerminalStream } from "../cli/live-line";
import { asksForJson, report } from "../cli/report";
import { table } from "../cli/table";
import { hopText } from "../cli/trace";
import type { Trace } from "../lib/trace";
import { quickApp, wgchain } from "./support/cli-in-process";
import { removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { progressLine } from "./support/progress";

afterAll(removeTemporaryDirectories);

test.each([
  ["a terminal", { isTTY: true }, {}, true],
  ["a pipe", {}, {}, false],
  ["a dumb terminal", { isTTY: true }, { TERM: "dumb" }, false],
  ["NO_COLOR", { isTTY: true }, { NO_COLOR: "1" }, false],
  ["an empty NO_COLOR, which is none", { isTTY: true }, { NO_COLOR: "" }, true],
  ["FORCE_COLOR in a pipe", {}, { FORCE_COLOR: "1" }, true],
  ["an empty FORCE_COLOR, which is one", {}, { FORCE_COLOR: "" }, true],
  ["FORCE_COLOR=0", { isTTY: true }, { FORCE_COLOR: "0" }, false],
  ["both", { isTTY: true }, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
])("colour: %s", (_what, stream, env, expected) => {
  expect(isColoured(stream, env)).toBe(expected);
});

describe("the live line", () => {
  /** What a terminal of that width would show in the end, and the longest line that it was given. */
  function terminal(columns: number): {
    readonly line: LiveLine;
    readonly wait: (ms: number) => void;
    readonly shown: () => string;
    readonly widest: () => number;
  } {
    let [text, widest, now] = ["", 0, 0];
    const stream = {
      columns,
      isTTY: true,
      write: (more: string) => {
        text = (text + more).replace(/[^\n]*\r\u001b\[2K/g, "");
        widest = Math.max(widest, [...text].length);
        return true;
      },
    } as unknown as TerminalStream;
    const line = new LiveLine(stream, noColours, () => now);
    return { line, wait: (ms) => ((now += ms), line.draw()), shown: () => text, widest: () => widest };
  }

  test("says what, and for how long, once that takes its time; nothing of it stays", () => {
    const { line, wait, shown } = terminal(80);
    line.show("hosts asking sz, hk");
    wait(100);
    expect(shown()).toBe("");
    wait(300);
    expect(shown()).toBe("⠋ hosts asking sz, hk  0.4s");
    line.goOn("waiting for hk");
    wait(1000);
    expect(shown()).toBe("⠙ hosts asking sz, hk: waiting for hk  1.4s");
    line.show("next");
    wait(500);
    expect(shown()).toBe("⠹ next  0.5s");
    line.stop();
    expect(shown()).toBe("");
  });

  test.each([30, 12, 8, 1])("never is as wide as a terminal of %d columns", (columns) => {
    const { line, wait, widest } = terminal(columns);
    line.show("hosts asking a, b, c, d, e, f, g, h, i, j, k, l", "waiting for all of them");
    for (let i = 0; i < 200; i += 1) wait(1000);
    line.stop();
    expect(widest()).toBeLessThan(columns);
  });

  test("what a host says cannot move it", () => {
    const { line, wait, shown } = terminal(80);
    line.show("cdktf", "one\ntwo\r\u001b[2J\u001b[31mred\u009b");
    wait(1000);
    expect(shown()).toBe("⠋ cdktf: one two red   1.0s");
    line.stop();
  });
});

test("a table that is wider than the terminal is lines for each row, and nothing is lost", () => {
  const rows = [
    ["CLIENT", "HOPS", "MTU"],
    ["phone", "10.0.0.1 > 10.0.0.2", "1400"],
    ["tv", "", "1420"],
  ];
  const wide = ["CLIENT  HOPS                 MTU", "phone   10.0.0.1 > 10.0.0.2  1400", "tv                           1420"];
  expect(table(rows)).toEqual(wide);
  expect(table(rows, 33)).toEqual(wide);
  expect(table(rows, 32)).toEqual([
    ...["CLIENT  phone", "HOPS    10.0.0.1 > 10.0.0.2", "MTU     1400", ""],
    ...["CLIENT  tv", "MTU     1420"],
  ]);
});

test("so are the hops of a trace, with the lines that decided", () => {
  const hop = {
    at: "sz",
    iif: "wgs",
    oif: "wgp",
    source: "10.0.0.2",
    destination: "1.1.1.1",
    mtuBytes: 1440,
    lines: ["sz:/etc/x:1: y"],
  };
  const found = { hops: [hop, { ...hop, at: "hk" }] } as unknown as Trace;
  const wide = hopText(found, true);
  expect(wide[1]).toMatch(/^1 {2}sz +wgs +wgp +10\.0\.0\.2 +1\.1\.1\.1 +1440$/);
  expect(hopText(found, true, 100)).toEqual(wide);
  expect(hopText(found, true, 40)).toEqual([
    ...["HOP          1", "HOST         sz", "IN           wgs", "OUT          wgp", "SOURCE       10.0.0.2"],
    ...["DESTINATION  1.1.1.1", "MTU          1440", "  sz:/etc/x:1: y", "", "HOP          2", "HOST         hk"],
    ...["IN           wgs", "OUT          wgp", "SOURCE       10.0.0.2", "DESTINATION  1.1.1.1", "MTU          1440"],
    "  sz:/etc/x:1: y",
  ]);
});

describe("what ends a verb", () => {
  function told(error: unknown, ...words: string[]): { status: number; stdout: string; stderr: string } {
    const said = { stdout: "", stderr: "" };
    const spies = (["stdout", "stderr"] as const).map((name) =>
      jest.spyOn(process[name], "write").mockImplementation((text) => ((said[name] += String(text)), true)),
    );
    try {
      return { status: report(error, words), ...said };
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  }

  test("what a person can mend is a line, without a stack", () => {
    expect(told(new CliError("no such thing"))).toEqual({ status: 1, stdout: "", stderr: "error: no such thing\n" });
    const system = Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: "EACCES", syscall: "open" });
    expect(told(system)).toEqual({ status: 1, stdout: "", stderr: "error: EACCES: permission denied, open '/x'\n" });
  });

  test("a fault of its own has a stack, and says where it goes", () => {
    const { status, stderr, stdout } = told(new TypeError("x is not a function"), "prove", "--json");
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^error: a fault of wgchain's own: x is not a function\nplease report it .* 'wgchain --version', Node v.*:\nTypeError: x is not a function\n {4}at /,
    );
    expect(JSON.parse(stdout)).toEqual({
      error: { kind: "internal", message: "a fault of wgchain's own: x is not a function", status: 1 },
    });
  });

  test.each([
    [["prove", "--json"], true],
    [["prove"], false],
    [["diff", "--", "--json"], false],
    [["lab", "shell", "hk", "ip", "--json"], false],
    [["lab", "up", "--json"], true],
  ])("%j asks for JSON: %s", (words, expected) => expect(asksForJson(words)).toBe(expected));

  test("after a verb's own document there is no second", async () => {
    expect((await wgchain("client", "list", "--app", quickApp(), "--json")).stdout).not.toBe("");
    expect(told(new CliError("late"), "client", "list", "--json")).toEqual({ status: 1, stdout: "", stderr: "error: late\n" });
  });

  test("with --json it is a document", async () => {
    const nobody = await wgchain("keys", "nobody", "--app", quickApp(), "--json");
    const message = "'nobody' is no node or NODE/IFACE of this app; it has gcp/wg6, friend/wg7";
    expect(nobody.stderr).toBe(`error: ${message}\n`);
    expect([nobody.status, JSON.parse(nobody.stdout)]).toEqual([1, { error: { kind: "failed", message, status: 1 } }]);
  });
});

describe("a verb that asks", () => {
  const stagesOf = (stderr: string): (string | undefined)[] =>
    stderr.split("\n").flatMap((line) => (line === "" ? [] : [progressLine.exec(line)?.[1]]));

  test("keys: stages and their end; the document; silence", async () => {
    const app = quickApp();
    const first = await wgchain("keys", "--app", app);
    expect(stagesOf(first.stderr)).toEqual(["app", "done"]);
    expect(first.stderr).toMatch(/done {6}3 of 3 keys well, 0 hosts asked\n$/);
    expect(first.stdout).toMatch(/^made +gcp\/wg6 .*\n/m);
    const json = await wgchain("keys", "--app", app, "--json");
    expect([json.status, json.stderr]).toEqual([0, ""]);
    const document = JSON.parse(json.stdout) as { keys: { name: string; result: string }[] };
    expect(Object.keys(document)).toEqual(["directory", "keys", "allocations"]);
    expect(document.keys.map(({ name }) => name)).toEqual(["client/phone", "friend/wg7", "gcp/wg6"]);
    expect(await wgchain("keys", "--app", app, "--quiet")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("keys --quiet still says what is wrong", async () => {
    const app = quickApp();
    await wgchain("keys", "gcp", "--app", app);
    writeFileSync(join(app, "wgchain/private/gcp.wg6.key"), "no key\n");
    const quiet = await wgchain("keys", "gcp", "--app", app, "--quiet");
    expect([quiet.status, quiet.stdout]).toEqual([1, ""]);
    expect(quiet.stderr).toMatch(/^error: gcp\/wg6: /);
  });

  test.each(["status", "doctor"])("%s: who cannot be asked, in the document and on standard error", async (verb) => {
    const app = quickApp();
    const text = await wgchain(verb, "--app", app);
    expect(stagesOf(text.stderr)).toEqual(["app", undefined, "state", "hosts", undefined, "done"]);
    expect(text.stderr).toContain("friend: somebody else's host (Host.unmanaged), which is not asked\n");
    expect(text.stderr).toMatch(/done {6}0 of 1 host answered/);
    const json = await wgchain(verb, "--app", app, "--json");
    expect(JSON.parse(json.stdout)).toEqual({
      nodes: [{ node: "gcp", error: expect.stringMatching(/^not deployed yet/) as string }],
    });
    const quiet = await wgchain(verb, "--app", app, "--quiet");
    expect([quiet.status, quiet.stdout]).toEqual([1, ""]);
    expect(quiet.stderr).toMatch(/^error: gcp: not deployed yet.*\n$/);
  });

  test("trust: a document of what became of each", async () => {
    const app = quickApp();
    const { status, stdout, stderr } = await wgchain("trust", "--app", app, "--json");
    expect([status, stderr]).toEqual([0, ""]);
    const { nodes } = JSON.parse(stdout) as { nodes: { node: string; result: string }[] };
    expect(nodes.map(({ node, result }) => [node, result])).toEqual([
      ["gcp", "later"],
      ["friend", "others"],
    ]);
    const forget = await wgchain("trust", "--forget", "gcp", "--app", app, "--json");
    expect(forget.stderr).toMatch(/^error: gcp: nothing is pinned in /);
    expect([forget.status, (JSON.parse(forget.stdout) as { nodes: object[] }).nodes]).toEqual([
      1,
      [{ node: "gcp", result: "failed", detail: expect.stringMatching(/^nothing is pinned/) as string }],
    ]);
  });

  test("client list: a table and a document, nothing beside it", async () => {
    const app = quickApp();
    expect((await wgchain("client", "list", "--app", app)).stderr).toBe("");
    const { stdout } = await wgchain("client", "list", "--app", app, "--json");
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(["clients", "revoked"]);
  });
});

describe("as a process", () => {
  const command = (...words: string[]): string[] => ["--import", "tsx", join(__dirname, "..", "cli/wgchain.ts"), ...words];

  test("a reader that goes away ends nothing, and work that was begun is done", () => {
    const app = quickApp();
    const words = command("keys", "--app", app).map((word) => `'${word}'`);
    // The reader is gone before the first byte.
    const { status, stderr } = spawnSync("bash", ["-c", `set -o pipefail; '${process.execPath}' ${words.join(" ")} | true`], {
      encoding: "utf8",
    });
    expect(stderr).not.toMatch(/EPIPE|at .*:\d+/);
    expect(status).toBe(0);
    expect(readdirSync(join(app, "wgchain/keys"))).toEqual(["gcp.wg6.pub"]);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s in its midst: status %d, a document, and no file is left", async (signal, status) => {
    const app = quickApp();
    const temporary = temporaryDirectory();
    const started = join(app, "started");
    writeFileSync(join(app, "cdktf.json"), JSON.stringify({ app: `touch '${started}'; exec sleep 5` }));
    const child = spawn(process.execPath, command("client", "list", "--app", app, "--json"), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TMPDIR: temporary },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    while (!existsSync(started)) await new Promise((done) => setTimeout(done, 20));
    child.kill(signal);
    expect(await once(child, "close")).toEqual([status, null]);
    expect(stderr).toBe(`\nerror: interrupted by ${signal}\n`);
    expect(JSON.parse(stdout)).toEqual({ error: { kind: "interrupted", message: `interrupted by ${signal}`, status } });
    expect(readdirSync(temporary).filter((name) => !name.startsWith("tsx-"))).toEqual([]);
  });

  test("what nobody awaited is told as any fault, once, and ends it", () => {
    const ends = JSON.stringify(join(__dirname, "..", "cli/ends.ts"));
    const script = `require(${ends}).watchEnds(["prove", "--json"]); setTimeout(() => { throw new Error("late"); }, 1); setTimeout(() => 0, 5000);`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--require", "tsx/cjs", "-e", script], {
      encoding: "utf8",
      cwd: join(__dirname, ".."),
    });
    expect(stderr).toMatch(/^error: a fault of wgchain's own: late\nplease report it/);
    expect([status, JSON.parse(stdout)]).toMatchObject([1, { error: { kind: "internal" } }]);
  });

  test("at a terminal: a live line and colour, and with NO_COLOR none", () => {
    const app = quickApp();
    writeFileSync(join(app, "cdktf.json"), JSON.stringify({ app: 'sleep 0.6; cp inventory.json "$WGCHAIN_INVENTORY"; exit 1' }));
    const typed = (env: NodeJS.ProcessEnv): string => {
      const words = [process.execPath, ...command("status", "--app", app)].join(" ");
      const { FORCE_COLOR: _colour, NO_COLOR: _none, ...own } = process.env;
      return spawnSync("script", ["-qec", words, "/dev/null"], { encoding: "utf8", env: { ...own, TERM: "xterm", ...env } })
        .stdout;
    };
    const coloured = typed({});
    expect(coloured).toMatch(/⠋.* app: .*0\.\ds/);
    expect(coloured).toContain("\u001b[31merror:\u001b[39m gcp");
    const plain = typed({ NO_COLOR: "1" });
    expect(plain).toMatch(/⠋ app: .*0\.\ds/);
    expect(plain.replaceAll("\u001b[2K", "")).not.toMatch(/\u001b/);
  });
});

test("nothing of the command writes past its output", () => {
  const folder = join(__dirname, "..", "cli");
  const writers = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .filter((name) => /process\.std(out|err)\.write|console\./.test(readFileSync(join(folder, name), "utf8")));
  // lab.ts: what cdktf says, as it comes.
  expect(writers.sort()).toEqual(["ends.ts", "lab.ts", "output.ts", "report.ts"]);
});
