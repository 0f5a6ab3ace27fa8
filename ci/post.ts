import { readFileSync } from "node:fs";
import { CliError, messageOf } from "../app/error";
import { GitHub } from "./github";
import { publish } from "./publish";

const usage = `usage: post.ts COMMENT.md

Posts the file as the one comment of a pull request, or changes the comment that is there. From the environment:
  GITHUB_TOKEN        may write comments on pull requests; nothing else is asked of it
  GITHUB_REPOSITORY   owner/name
  GITHUB_API_URL      https://api.github.com when absent
  PULL_REQUEST        its number
  HEAD_SHA            the commit that the comment is about; where the pull request is at another one nothing is posted
  HEAD_REPOSITORY     owner/name of the repository that commit comes from
  COMMENT_AUTHOR      whom the token posts as; github-actions[bot] when absent`;

async function main([file, ...more]: readonly string[]): Promise<void> {
  if (file === undefined || more.length > 0) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const repository = variable("GITHUB_REPOSITORY", /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/);
  const github = new GitHub({
    api: variable("GITHUB_API_URL", /^https?:\/\/[^\s?#]+$/, "https://api.github.com"),
    repository,
    token: variable("GITHUB_TOKEN", /^\S+$/),
  });
  const target = {
    pullRequest: Number(variable("PULL_REQUEST", /^[1-9][0-9]{0,8}$/)),
    headSha: variable("HEAD_SHA", /^[0-9a-f]{40}$|^[0-9a-f]{64}$/),
    headRepository: variable("HEAD_REPOSITORY", /^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/),
    author: variable("COMMENT_AUTHOR", /^[A-Za-z0-9-]+(\[bot\])?$/, "github-actions[bot]"),
  };
  const outcome = await publish(github, target, readFileSync(file, "utf8"));
  process.stdout.write(outcome.done === "skipped" ? `nothing posted: ${outcome.why}\n` : `${outcome.done}: ${outcome.url}\n`);
}

/** What is not of its form is told by name, and not repeated: it may be the token. */
function variable(name: string, form: RegExp, otherwise?: string): string {
  const value = process.env[name]?.trim() ?? "";
  if (value === "" && otherwise !== undefined) return otherwise;
  if (value === "") throw new CliError(`${name} is not set; see post.ts without arguments for what it needs`);
  if (!form.test(value)) throw new CliError(`${name} is not of the form ${String(form)}`);
  return value;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
