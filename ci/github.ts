/** The few calls of GitHub's REST API that a comment needs. */
export interface GitHubOptions {
  /** e.g. "https://api.github.com". */
  readonly api: string;
  /** "owner/name". */
  readonly repository: string;
  readonly token: string;
}

export interface PullRequest {
  readonly number: number;
  readonly state: string;
  /** The repository is null where the fork was deleted. */
  readonly head: { readonly sha: string; readonly repo: { readonly full_name: string } | null };
}

export interface Comment {
  readonly id: number;
  readonly body?: string | null;
  readonly user: { readonly login: string } | null;
  readonly html_url: string;
}

/** GitHub refused, or did not answer. Never holds the token. */
export class GitHubError extends Error {
  override readonly name = "GitHubError";
}

const timeoutMilliseconds = 30_000;
const commentsPerPage = 100;
/** More than any pull request has; ends a list that would never end. */
const mostPages = 200;

export class GitHub {
  private readonly root: string;

  constructor(private readonly options: GitHubOptions) {
    this.root = `${options.api.replace(/\/$/, "")}/repos/${options.repository}`;
  }

  async pullRequest(number: number): Promise<PullRequest> {
    return (await this.call("GET", `/pulls/${number}`)) as PullRequest;
  }

  /** All of them, oldest first. */
  async comments(pullRequest: number): Promise<Comment[]> {
    const all = new Map<number, Comment>();
    for (let page = 1; page <= mostPages; page++) {
      const path = `/issues/${pullRequest}/comments?per_page=${commentsPerPage}&page=${page}`;
      const some = (await this.call("GET", path)) as Comment[];
      const before = all.size;
      for (const one of some) all.set(one.id, one);
      // Gitea and Forgejo know no pages here, and give all each time.
      if (some.length < commentsPerPage || all.size === before) return [...all.values()];
    }
    throw new GitHubError(`pull request ${pullRequest} has more than ${mostPages * commentsPerPage} comments`);
  }

  async create(pullRequest: number, body: string): Promise<Comment> {
    return (await this.call("POST", `/issues/${pullRequest}/comments`, { body })) as Comment;
  }

  async update(comment: number, body: string): Promise<Comment> {
    return (await this.call("PATCH", `/issues/comments/${comment}`, { body })) as Comment;
  }

  private async call(method: string, path: string, json?: object): Promise<unknown> {
    const what = `${method} ${path.replace(/\?.*/, "")}`;
    let answer: Response;
    try {
      answer = await fetch(`${this.root}${path}`, {
        method,
        headers: {
          accept: "application/vnd.github+json",
          authorization: `Bearer ${this.options.token}`,
          "x-github-api-version": "2022-11-28",
          "user-agent": "wgchain",
          ...(json === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        // The token is for this server alone.
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
    } catch (error) {
      const { message, cause } = error as Error;
      throw new GitHubError(`${what}: no answer (${cause instanceof Error ? cause.message : message})`);
    }
    if (answer.ok) return answer.json();
    const said = (await answer.json().catch(() => ({}))) as { message?: unknown };
    const mend =
      answer.status === 403 || answer.status === 404
        ? "; the job's permissions need pull-requests: write, and the repository's settings must allow it"
        : "";
    throw new GitHubError(
      `${what}: ${answer.status} ${typeof said.message === "string" ? said.message.slice(0, 300) : answer.statusText}${mend}`,
    );
  }
}
