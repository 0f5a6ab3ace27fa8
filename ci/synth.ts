import { messageOf } from "../app/error";
import { synthesizeSide } from "./synthesis";

const usage = `usage: synth.ts APP OUT

Synthesizes the app in the directory APP into OUT, and writes OUT/synthesis.json. Public keys that are not there yet get stand-ins, which
ci/comment.ts tells. Exit status 0 synthesized, 3 its checks refuse it or it cannot be run (OUT says why), 1 an error here, 2 usage.`;

async function main([app, out, ...more]: readonly string[]): Promise<number> {
  if (app === undefined || out === undefined || more.length > 0) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const { state, missing, problems } = await synthesizeSide(app, out);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stdout.write(`${state}${missing.length === 0 ? "" : `, with ${missing.length} stand-ins for keys that are missing`}\n`);
  return state === "synthesized" ? 0 : 3;
}

main(process.argv.slice(2))
  .then((status) => void (process.exitCode = status))
  .catch((error: unknown) => {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 1;
  });
