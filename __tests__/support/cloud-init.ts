import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/**
 * The real cloud-init of Debian or Ubuntu, unpacked and never installed: installed, it would run at the developer's next boot.
 */
const cache = path.join(__dirname, "..", "..", "node_modules", ".cache", "wgchain", "cloud-init");

/** cloud-init and what its program imports; each is fetched only as the distribution has it. */
const packages = [
  "cloud-init",
  ...[
    "attr",
    "certifi",
    "chardet",
    "charset-normalizer",
    "configobj",
    "idna",
    "jinja2",
    "json-pointer",
    "jsonpatch",
    "jsonschema",
  ],
  ...["markupsafe", "netifaces", "oauthlib", "pyrsistent", "requests", "serial", "six", "urllib3", "yaml"],
].map((name) => (name === "cloud-init" ? name : `python3-${name}`));

/** Directory with cloud-init's modules; fetched at the first call on a machine. Throws when that is impossible. */
export function unpackedCloudInit(): string {
  const modules = path.join(cache, "usr", "lib", "python3", "dist-packages");
  if (fs.existsSync(path.join(modules, "cloudinit", "cmd", "main.py"))) return modules;
  fs.mkdirSync(path.dirname(cache), { recursive: true });
  const work = fs.mkdtempSync(path.join(path.dirname(cache), "fetch-"));
  try {
    fetch(work);
    for (const file of fs.readdirSync(work).filter((name) => name.endsWith(".deb"))) run("dpkg", ["-x", file, "root"], work);
    fs.rmSync(cache, { recursive: true, force: true });
    // Whole or not at all: an interrupted fetch leaves no half of it behind.
    fs.renameSync(path.join(work, "root"), cache);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `cloud-init can't be fetched, so user-data can't be checked; this test needs apt-get, dpkg and a Debian or Ubuntu mirror:\n${reason}`,
      { cause: error },
    );
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return modules;
}

/** Packages into `work`; where the machine has no package lists yet, with lists of our own that nothing else sees. */
function fetch(work: string): void {
  const lists = path.join(work, "lists");
  const own = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${path.join(work, "apt")}`, "-o", "Debug::NoLocking=1"];
  const known = (options: readonly string[]): string[] => {
    const { stdout } = spawnSync("apt-cache", [...options, "show", "--no-all-versions", ...packages], { encoding: "utf8" });
    return [...stdout.matchAll(/^Package: (\S+)$/gm)].map(([, name = ""]) => name);
  };
  let options: readonly string[] = [];
  let names = known(options);
  if (!names.includes("cloud-init")) {
    fs.mkdirSync(path.join(lists, "partial"), { recursive: true });
    fs.mkdirSync(path.join(work, "apt", "archives", "partial"), { recursive: true });
    run("apt-get", [...own, "update"], work);
    options = own;
    names = known(options);
  }
  if (!names.includes("cloud-init")) throw new Error("apt knows no package cloud-init");
  run("apt-get", [...options, "download", ...names], work);
}

function run(command: string, parameters: readonly string[], cwd: string): void {
  execFileSync(command, [...parameters], { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
}

export interface Verdict {
  readonly valid: boolean;
  readonly output: string;
}

/** What `cloud-init schema` says of a file. */
export function cloudInitSchema(file: string): Verdict {
  const { status, stdout, stderr, error } = spawnSync(
    "/usr/bin/python3",
    ["-m", "cloudinit.cmd.main", "schema", "--config-file", file],
    { encoding: "utf8", env: { PATH: process.env["PATH"], PYTHONPATH: unpackedCloudInit(), LC_ALL: "C.UTF-8" } },
  );
  if (error !== undefined) throw error;
  const output = `${stdout}${stderr}`;
  // A broken program refuses everything, too; only its own two answers count.
  if (status === 0 && output.includes("Valid")) return { valid: true, output };
  if (status !== 0 && /schema|cloud-config/i.test(output) && !output.includes("Traceback")) return { valid: false, output };
  throw new Error(`cloud-init schema did not run (status ${String(status)}):\n${output}`);
}
