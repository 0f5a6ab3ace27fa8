import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CommanderError, type Command } from "commander";
import { exitStatus } from "../cli/exit-status";
import { labCommand } from "../cli/lab";
import { makeProgram } from "../cli/program";
import { Verb } from "../cli/verb";
import { commandLinePage, renderPage } from "../tools/command-line-page";
import { wgchain } from "./support/cli-in-process";
import { Project } from "./support/cli-project";
import { removeTemporaryDirectories, temporaryDirectory } from "./support/directory";

jest.setTimeout(60_000);
afterAll(removeTemporaryDirectories);

const program = (): Command => makeProgram(labCommand());

const nameOf = (one: Command): string => (one.parent?.parent ? `${nameOf(one.parent)} ${one.name()}` : one.name());
const all = (one: Command): readonly Command[] => [one, ...one.commands.filter((sub) => sub.name() !== "help").flatMap(all)];
const [, ...verbs] = all(program());
/** Those that do something; the others are groups. */
const leaves = verbs.filter((one) => one.commands.length === 0 || one.registeredArguments.length > 0);
const describedOf = (one: Command) => (one instanceof Verb ? one.described : undefined);
const examples = verbs.flatMap((one) => describedOf(one)?.examples ?? []);

/** As a shell takes it apart; quotes are all that examples use. */
const wordsOf = (example: string): string[] =>
  [...example.replace(/ # .*$/, "").matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "").slice(1);

describe("every verb", () => {
  test("is known here", () => {
    expect(leaves.map(nameOf)).toEqual([
      ...["trust", "keys", "keys rotate", "adopt", "client add", "client move", "client revoke", "client config", "client list"],
      ...["prove", "trace", "diff", "diagram", "status", "doctor", "lab up", "lab probe", "lab diff", "lab shell", "lab down"],
    ]);
  });

  test.each(verbs.map((one) => [nameOf(one), one] as const))("%s: help with examples", (name, verb) => {
    const about = describedOf(verb);
    expect(about?.examples.some((line) => line.startsWith(`wgchain ${name}`))).toBe(true);
    const options = verb.options.map(({ long }) => long);
    // What a group or a program in a host prints is not the verb's.
    const isUniform = leaves.includes(verb) && name !== "lab shell";
    expect(["--json", "--quiet"].map((option) => options.includes(option))).toEqual([isUniform, isUniform]);
    for (const [status] of verb instanceof Verb ? verb.exits : []) expect(Object.values(exitStatus)).toContain(status);
  });

  test("has its help at the terminal: what it takes, its exit statuses, its examples", async () => {
    const { status, stdout, stderr } = await wgchain("doctor", "--help");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^ {2}--json +print one JSON document: \{ nodes, repaired \}$/m);
    expect(stdout).toMatch(
      /\n\nExit status:\n {2}0 {2}all healthy\n(.*\n)* {2}3 {2}something differs.*\n\nExamples:\n {2}wgchain doctor\n/,
    );
  });
});

test("the page of the command line is what the commands are", () => {
  expect(readFileSync(commandLinePage, "utf8")).toBe(renderPage(program()));
});

test("help groups verbs by what people do, and fits 80 columns", async () => {
  const { stdout } = await wgchain("--help");
  expect(stdout.match(/^\S.*:$/gm)).toEqual(
    expect.arrayContaining(["To begin with:", "People's devices:", "What runs:", "To rehearse on this machine:"]),
  );
  const long = stdout.split("\n").filter((line) => line.length > 80);
  expect(long).toEqual([]);
});

test("the version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(join(__dirname, "..", "package.json"), "utf8")) as { version: string };
  expect(await wgchain("--version")).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
});

describe("examples", () => {
  test.each(examples.map((line) => [line]))("%s: the parser takes it", async (line) => {
    const whole = program();
    let taken = 0;
    for (const leaf of all(whole)) leaf.action(() => void (taken += 1));
    await whole.parseAsync(wordsOf(line), { from: "user" });
    expect(taken).toBe(1);
  });

  test("one with a wrong option would be found", async () => {
    const write = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    try {
      await expect(program().parseAsync(wordsOf("wgchain prove --form x"), { from: "user" })).rejects.toBeInstanceOf(
        CommanderError,
      );
    } finally {
      write.mockRestore();
    }
  });

  /** The reference network has none of these. */
  const elsewhere = /gw\/lan|--state|--dead|diff (main|v1\.2)/;
  const harmless = examples.filter((line) => /^wgchain (prove|trace|diff|diagram)/.test(line) && !elsewhere.test(line));

  test("those that ask no host do what they show, as text and as the document that the help names", async () => {
    const project = Project.make();
    const out = await project.synthesized();
    const picture = join(temporaryDirectory(), "network.svg");
    for (const line of harmless) {
      const words = wordsOf(line).map((word) => (word.endsWith("cdktf.out") ? out : word === "network.svg" ? picture : word));
      if (!words.includes(out)) words.push(...(words[0] === "diagram" ? [out] : ["--from", out]));
      const text = await wgchain(...words.filter((word) => word !== "--json"));
      expect([line, text.status === 0 || text.status === 3, text.stderr]).toEqual([line, true, ""]);
      const json = await wgchain(...words, "--json");
      expect([json.status, json.stderr]).toEqual([text.status, ""]);
      const documented = verbs.find((one) => nameOf(one) === words[0]);
      const keys = documented === undefined ? undefined : describedOf(documented)?.json;
      expect(keys).toEqual(expect.arrayContaining(Object.keys(JSON.parse(json.stdout) as object)));
    }
    expect(readFileSync(picture, "utf8")).toMatch(/^<svg/);
    expect(harmless.length).toBeGreaterThan(8);
  });
});

describe("what is typed wrong", () => {
  test.each([
    [["statsu"], "unknown command 'statsu'\n(Did you mean status?)"],
    [["lab", "upp"], "unknown command 'upp'\n(Did you mean up?)"],
    [["prove", "--jsn", "--json"], "unknown option '--jsn'\n(Did you mean --json?)"],
    [["keys", "rotate"], "missing required argument 'node/iface'"],
    [["trust", "--forget"], "--forget takes the nodes to forget, e.g. wgchain trust --forget hk"],
    [["trace", "1.1.1", "2.2.2.2"], /command-argument value '1\.1\.1' is invalid for argument 'source'/],
  ])("%j ends with status 2, and is named", async (words, message) => {
    const told = await wgchain(...words);
    const isJson = words.includes("--json");
    expect(told.status).toBe(exitStatus.usage);
    expect(told.stderr).toMatch(message);
    expect(told.stderr).toMatch(/^error: /);
    expect(told.stderr).toMatch(/\n\(with --help it says what there is\)\n$/);
    if (isJson) expect(JSON.parse(told.stdout)).toEqual({ error: { kind: "usage", message, status: 2 } });
    else expect(told.stdout).toBe("");
  });

  test("nothing: the help, on standard error", async () => {
    const { status, stdout, stderr } = await wgchain();
    expect([status, stdout]).toEqual([exitStatus.usage, ""]);
    expect(stderr).toMatch(/^Usage: wgchain/);
  });
});
