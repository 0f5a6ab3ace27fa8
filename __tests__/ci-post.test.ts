import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { compose, marker } from "../ci/compose";
import { GitHub, GitHubError } from "../ci/github";
import { NotItsPullRequest, publish, type Target } from "../ci/publish";

// Each starts programs, and the machine may be busy.
jest.setTimeout(60_000);

const [repository, fork, sha] = ["owner/network", "stranger/network", "a".repeat(40)];
const token = "secret-token-of-the-job";

interface Stored {
  id: number;
  body: string;
  user: { login: string };
  html_url: string;
}

/**
 * A stand-in for GitHub's REST API: what it answers to reading a pull request, and to listing (in pages), making and changing the comments of one, with its
 * refusals of a wrong token and of a body that is too long.
 */
class GitHubStandIn {
  comments: Stored[] = [];
  pull = { number: 7, state: "open", head: { sha, repo: { full_name: repository } as { full_name: string } | null } };
  readonly requests: string[] = [];
  /** Answers to all that writes, as where a job's permissions lack it. */
  readOnly = false;
  /** Lists all comments on every page, as Gitea and Forgejo do. */
  pageless = false;
  redirectTo: string | undefined;
  private readonly server: Server = createServer((request, response) => {
    void this.answer(request).then(({ status, json, headers = {} }) => {
      response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
      response.end(JSON.stringify(json));
    });
  });

  async start(): Promise<this> {
    await once(this.server.listen(0, "127.0.0.1"), "listening");
    return this;
  }
  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  add(login: string, body: string): Stored {
    const id = 1000 + this.comments.length;
    const made = { id, body, user: { login }, html_url: `https://github.test/${repository}/pull/7#issuecomment-${id}` };
    this.comments.push(made);
    return made;
  }

  private async answer(request: IncomingMessage): Promise<{ status: number; json: unknown; headers?: Record<string, string> }> {
    const { method = "", url = "", headers } = request;
    this.requests.push(`${method} ${url}`);
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += String(part);
    if (this.redirectTo !== undefined) return { status: 302, json: {}, headers: { location: this.redirectTo } };
    if (headers.authorization !== `Bearer ${token}`) return { status: 401, json: { message: "Bad credentials" } };
    const { pathname, searchParams } = new URL(url, "http://stand.in");
    const path = pathname.replace(`/repos/${repository}`, "");
    if (method === "GET" && path === "/pulls/7") return { status: 200, json: this.pull };
    if (method === "GET" && path === "/issues/7/comments") {
      if (this.pageless) return { status: 200, json: this.comments };
      const size = Math.min(Number(searchParams.get("per_page") ?? 30), 100);
      const start = (Number(searchParams.get("page") ?? 1) - 1) * size;
      return { status: 200, json: this.comments.slice(start, start + size) };
    }
    if (this.readOnly) return { status: 403, json: { message: "Resource not accessible by integration" } };
    const { body } = JSON.parse(text || "{}") as { body?: string };
    if (body !== undefined && body.length > 65_536) {
      return { status: 422, json: { message: "Validation Failed: body is too long (maximum is 65536 characters)" } };
    }
    if (method === "POST" && path === "/issues/7/comments")
      return { status: 201, json: this.add("github-actions[bot]", body ?? "") };
    const found = this.comments.find(({ id }) => path === `/issues/comments/${id}`);
    if (method !== "PATCH" || found === undefined) return { status: 404, json: { message: "Not Found" } };
    found.body = body ?? "";
    return { status: 200, json: found };
  }
}

const target: Target = { pullRequest: 7, headSha: sha, headRepository: repository, author: "github-actions[bot]" };
const comment = (text: string): string => compose([{ name: "text", markdown: text, rank: 0 }]);

describe("the one comment of a pull request", () => {
  let standIn: GitHubStandIn;
  let github: GitHub;
  beforeEach(async () => {
    standIn = await new GitHubStandIn().start();
    github = new GitHub({ api: standIn.url, repository, token });
  });
  afterEach(() => standIn.stop());

  test("is made once, changed in place, and left alone when nothing is new", async () => {
    expect(await publish(github, target, comment("one"))).toMatchObject({ done: "created" });
    expect(await publish(github, target, comment("two"))).toMatchObject({ done: "updated" });
    const before = standIn.requests.length;
    expect(await publish(github, target, comment("two"))).toMatchObject({ done: "unchanged" });
    expect(standIn.requests.slice(before).filter((line) => !line.startsWith("GET"))).toEqual([]);
    expect(standIn.comments.map(({ body }) => body)).toEqual([comment("two")]);
  });

  test("is found behind hundreds of others", async () => {
    for (let i = 0; i < 250; i++) standIn.add("somebody", `remark ${i}`);
    standIn.add("github-actions[bot]", comment("old"));
    for (let i = 0; i < 120; i++) standIn.add("somebody", `remark ${i}`);
    expect(await publish(github, target, comment("new"))).toMatchObject({ done: "updated" });
    expect(standIn.comments).toHaveLength(371);
    expect(standIn.comments[250]?.body).toBe(comment("new"));
    expect(standIn.requests.filter((line) => line.includes("/issues/7/comments?"))).toHaveLength(4);
  });

  test("is found where there are no pages", async () => {
    standIn.pageless = true;
    for (let i = 0; i < 150; i++) standIn.add("somebody", `remark ${i}`);
    expect(await publish(github, target, comment("one"))).toMatchObject({ done: "created" });
    expect(await publish(github, target, comment("two"))).toMatchObject({ done: "updated" });
    expect(standIn.comments).toHaveLength(151);
  });

  test("is the bot's own: a marker in another's comment, or in the middle of one, is nothing", async () => {
    standIn.add("stranger", comment("I am the verdict"));
    standIn.add("github-actions[bot]", `of another workflow, which quotes ${marker}`);
    expect(await publish(github, target, comment("true"))).toMatchObject({ done: "created" });
    expect(standIn.comments).toHaveLength(3);
    expect(standIn.comments[0]?.body).toBe(comment("I am the verdict"));
  });

  test("GitHub's line ends are no change", async () => {
    standIn.add("github-actions[bot]", comment("same").replaceAll("\n", "\r\n"));
    expect(await publish(github, target, comment("same"))).toMatchObject({ done: "unchanged" });
  });

  test("goes to the pull request of the run and to no other", async () => {
    standIn.pull.head.repo = { full_name: fork };
    await expect(publish(github, target, comment("x"))).rejects.toThrow(NotItsPullRequest);
    await expect(publish(github, target, comment("x"))).rejects.toThrow(
      "pull request 7 comes from stranger/network, this run from owner/network; nothing is posted",
    );
    standIn.pull.head.repo = null;
    await expect(publish(github, target, comment("x"))).rejects.toThrow("a repository that is gone");
    expect(standIn.comments).toEqual([]);
  });

  test("is not posted for a commit that is not the newest, or where the pull request is closed", async () => {
    const late = await publish(github, { ...target, headSha: "b".repeat(40) }, comment("x"));
    expect(late).toEqual({
      done: "skipped",
      why: `pull request 7 has moved on from ${"b".repeat(40)} to ${sha}; the newer run comments`,
    });
    standIn.pull.state = "closed";
    expect(await publish(github, target, comment("x"))).toEqual({ done: "skipped", why: "pull request 7 is closed" });
    expect(standIn.comments).toEqual([]);
  });

  test("a text without the marker would be posted anew each time, and is refused", async () => {
    await expect(publish(github, target, "hello")).rejects.toThrow("does not begin with its marker");
    expect(standIn.requests).toEqual([]);
  });

  test("a refusal says what to mend, and never the token", async () => {
    standIn.readOnly = true;
    const refused = publish(github, target, comment("x"));
    await expect(refused).rejects.toThrow(
      "POST /issues/7/comments: 403 Resource not accessible by integration; the job's permissions need pull-requests: write",
    );
    const wrong = new GitHub({ api: standIn.url, repository, token: "another" });
    await expect(wrong.comments(7)).rejects.toThrow("GET /issues/7/comments: 401 Bad credentials");
    standIn.stop();
    const gone: unknown = await github.comments(7).catch((error: unknown) => error);
    expect(gone).toBeInstanceOf(GitHubError);
    expect((gone as Error).message).toMatch(/^GET \/issues\/7\/comments: no answer/);
    expect(inspect(gone)).not.toContain(token);
  });

  test("the token does not follow a redirect", async () => {
    const other = await new GitHubStandIn().start();
    try {
      standIn.redirectTo = `${other.url}/repos/${repository}/pulls/7`;
      await expect(github.pullRequest(7)).rejects.toThrow(GitHubError);
      expect(other.requests).toEqual([]);
    } finally {
      other.stop();
    }
  });
});

describe("post.ts, as the workflow calls it", () => {
  const directory = mkdtempSync(join(tmpdir(), "wgchain-post-"));
  const file = join(directory, "comment.md");
  let standIn: GitHubStandIn;
  beforeEach(async () => void (standIn = await new GitHubStandIn().start()));
  afterEach(() => standIn.stop());
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const post = async (variables: NodeJS.ProcessEnv, argv = [file]): Promise<{ status: number | null; output: string }> => {
    const { PATH } = process.env;
    const child = spawn(process.execPath, ["--import", "tsx", join(__dirname, "../ci/post.ts"), ...argv], {
      env: { PATH, ...variables },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    const [status] = (await once(child, "close")) as [number | null];
    return { status, output };
  };

  test("posts with what is in the environment; arguments and output never hold the token", async () => {
    writeFileSync(file, comment("from the command"));
    const variables = {
      GITHUB_API_URL: standIn.url,
      GITHUB_REPOSITORY: repository,
      GITHUB_TOKEN: token,
      PULL_REQUEST: "7",
      HEAD_SHA: sha,
      HEAD_REPOSITORY: repository,
    };
    const first = await post(variables);
    expect(first).toEqual({ status: 0, output: `created: https://github.test/${repository}/pull/7#issuecomment-1000\n` });
    expect((await post(variables)).output).toMatch(/^unchanged: /);
    expect(standIn.comments.map(({ body }) => body)).toEqual([comment("from the command")]);
    for (const [name, value, why] of [
      ["PULL_REQUEST", "7; true", "is not of the form"],
      ["PULL_REQUEST", "0", "is not of the form"],
      ["HEAD_SHA", "main", "is not of the form"],
      ["GITHUB_REPOSITORY", "owner/../network/x", "is not of the form"],
      ["GITHUB_TOKEN", "", "is not set"],
    ] as const) {
      const wrong = await post({ ...variables, [name]: value });
      expect(wrong.status).toBe(1);
      expect(wrong.output).toContain(`error: ${name} ${why}`);
      expect(wrong.output).not.toContain(token);
    }
    expect(await post(variables, [])).toMatchObject({ status: 2 });
  });
});
