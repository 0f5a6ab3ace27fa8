import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly if?: string;
  readonly "timeout-minutes"?: number;
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const repository = join(__dirname, "..");
const directory = join(repository, ".github", "workflows");
const files = readdirSync(directory).sort();
const text = (file: string): string => readFileSync(join(directory, file), "utf8");
const workflows = new Map(files.map((file) => [file, parse(text(file)) as Workflow]));
const jobs = [...workflows].flatMap(([file, { jobs }]) =>
  Object.entries(jobs).map(([name, job]) => ({ where: `${file} ${name}`, job })),
);
const steps = jobs.flatMap(({ where, job }) => job.steps.map((step) => ({ where, step })));
const get = (file: string): Workflow => {
  const found = workflows.get(file);
  if (found === undefined) throw new Error(`${file} is not there`);
  return found;
};

/** What nobody would see before it is too late: a workflow is only tried by GitHub. */
describe("the workflows", () => {
  test("are these three", () => expect(files).toEqual(["comment.yml", "pull-request.yml", "tests.yml"]));

  test("pin every action to a commit, and say which version it is", () => {
    const lines = files.flatMap((file) =>
      text(file)
        .split("\n")
        .filter((line) => line.includes("uses:")),
    );
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(line).toMatch(/uses: [a-z-]+\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    const pins = new Set(lines.map((line) => line.replace(/.*uses: /, "")));
    expect(pins.size).toBe(new Set([...pins].map((pin) => pin.split("@")[0])).size);
  });

  test("leave no credentials behind a checkout, and end by themselves", () => {
    const checkouts = steps.filter(({ step }) => step.uses?.startsWith("actions/checkout@"));
    expect(checkouts).toHaveLength(jobs.length);
    for (const { step } of checkouts) expect(step.with?.["persist-credentials"]).toBe(false);
    for (const { where, job } of jobs) expect([where, job["timeout-minutes"]]).toEqual([where, expect.any(Number)]);
    for (const { concurrency } of workflows.values()) expect(concurrency).toBeDefined();
  });

  test("put nothing of a pull request into a script's text", () => {
    for (const { where, step } of steps) {
      const expressions = [...(step.run ?? "").matchAll(/\$\{\{\s*([^}]+?)\s*\}\}/g)].map(([, expression]) => expression);
      expect([where, expressions.filter((one) => !one?.startsWith("matrix."))]).toEqual([where, []]);
    }
  });

  test("what runs a pull request's code reads only, but for the plan", () => {
    for (const file of ["pull-request.yml", "tests.yml"]) {
      const { on, permissions, jobs: all } = get(file);
      expect(Object.keys(on)).not.toContain("pull_request_target");
      expect(permissions).toEqual({ contents: "read" });
      for (const [name, job] of Object.entries(all)) {
        if (name === "plan") expect(job.permissions).toEqual({ contents: "read", "id-token": "write" });
        else expect(job.permissions).toBeUndefined();
      }
    }
    for (const file of files) expect(text(file)).not.toContain("secrets.");
  });

  test("the plan is made only where it is set up, and not for a fork; its packages come before its credentials", () => {
    const { plan } = get("pull-request.yml").jobs;
    expect(plan?.if).toContain("vars.WGCHAIN_PLAN_PROVIDER != ''");
    expect(plan?.if).toContain("github.event.pull_request.head.repo.full_name == github.repository");
    expect(plan?.if?.split("&&")).toHaveLength(3);
    expect(plan?.if).not.toContain("||");
    expect(plan?.environment).toBe("plan");
    const order = plan?.steps.map(({ uses, run }) => uses?.split("@")[0] ?? run?.split(" ").slice(0, 2).join(" "));
    expect(order?.slice(3)).toEqual([
      "npm ci",
      "npx cdktf",
      "google-github-actions/auth",
      "bash ci/plan",
      "actions/upload-artifact",
    ]);
  });

  test("what may write takes no code from a pull request, and the token only to post", () => {
    const { on, permissions, jobs: all } = get("comment.yml");
    expect(on).toEqual({ workflow_run: { workflows: [get("pull-request.yml").name], types: ["completed"] } });
    expect(permissions).toEqual({});
    const { comment } = all;
    expect(comment?.permissions).toEqual({ contents: "read", actions: "read", "pull-requests": "write" });
    const [checkout] = comment?.steps ?? [];
    expect(Object.keys(checkout?.with ?? {})).toEqual(["persist-credentials"]);
    const withToken = comment?.steps.filter((step) => JSON.stringify(step).includes("github.token"));
    expect(withToken?.map(({ uses, run }) => uses?.split("@")[0] ?? /ci\/[a-z-]+\.ts/.exec(run ?? "")?.[0])).toEqual([
      "actions/download-artifact",
      "ci/post.ts",
    ]);
    const download = comment?.steps.find(({ uses }) => uses?.startsWith("actions/download-artifact@"));
    // Not among what was checked out, where it could take the place of code.
    expect(download?.with?.path).toBe("${{ runner.temp }}/wgchain");
  });

  test("call scripts that are there", () => {
    const called = steps.flatMap(({ step }) => [...(step.run ?? "").matchAll(/\b(?:ci|tools)\/[a-z.-]+/g)].map(([path]) => path));
    expect(new Set(called)).toEqual(new Set(["ci/pull-request", "ci/plan", "ci/comment.ts", "ci/post.ts", "tools/test"]));
    for (const path of called) expect([path, existsSync(join(repository, path))]).toEqual([path, true]);
  });
});
