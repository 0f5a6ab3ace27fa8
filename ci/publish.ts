import { marker } from "./compose";
import type { GitHub } from "./github";

export interface Target {
  /** As the pull request's own run says; taken for true only when the rest agrees. */
  readonly pullRequest: number;
  /** What the run was started for, as GitHub says. */
  readonly headSha: string;
  readonly headRepository: string;
  /** Whose comment is looked for: the login that the token posts as. */
  readonly author: string;
}

export type Outcome =
  | { readonly done: "created" | "updated" | "unchanged"; readonly url: string }
  | { readonly done: "skipped"; readonly why: string };

/** The number in an artifact is not that of the pull request that the run was for. */
export class NotItsPullRequest extends Error {
  override readonly name = "NotItsPullRequest";
}

/** One comment a pull request: made by the first run, changed by later ones. */
export async function publish(github: GitHub, target: Target, body: string): Promise<Outcome> {
  if (!body.startsWith(`${marker}\n`))
    throw new Error(`the comment does not begin with its marker ${marker}; make it with ci/comment.ts`);
  const why = await reasonToSkip(github, target);
  if (why !== undefined) return { done: "skipped", why };
  // The marker alone is anybody's to write.
  const ours = (await github.comments(target.pullRequest)).find(
    (one) => one.user?.login === target.author && one.body?.startsWith(marker) === true,
  );
  if (ours === undefined) return { done: "created", url: (await github.create(target.pullRequest, body)).html_url };
  if (normal(ours.body ?? "") === normal(body)) return { done: "unchanged", url: ours.html_url };
  return { done: "updated", url: (await github.update(ours.id, body)).html_url };
}

async function reasonToSkip(github: GitHub, { pullRequest, headSha, headRepository }: Target): Promise<string | undefined> {
  const { state, head } = await github.pullRequest(pullRequest);
  if (head.repo?.full_name !== headRepository) {
    throw new NotItsPullRequest(
      `pull request ${pullRequest} comes from ${head.repo?.full_name ?? "a repository that is gone"}, this run from ${headRepository}; nothing is posted`,
    );
  }
  if (state !== "open") return `pull request ${pullRequest} is ${state}`;
  if (head.sha !== headSha)
    return `pull request ${pullRequest} has moved on from ${headSha} to ${head.sha}; the newer run comments`;
  return undefined;
}

const normal = (body: string): string => body.replaceAll("\r\n", "\n").trimEnd();
