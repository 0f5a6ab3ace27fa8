import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Host, Lab } from "../lab";
import { sources, type Source } from "./reference";
import { Broken } from "./row";

/** Destinations of the sources' own, at the internet host. */
export async function addTargets(internet: Host): Promise<void> {
  await internet.sh(sources.map(({ target }) => `ip addr replace ${target}/32 dev lo`).join("\n"));
}

/** Long flows (a ping is one to conntrack) at 50 packets a second, and a new TCP connection every second, from every source. */
const script = `
trap 'kill 0' EXIT
while [ $# -gt 0 ]; do
  ping -n -q -i 0.02 -I "$1" "$2" >/dev/null 2>&1 &
  (while :; do curl -s -o /dev/null --max-time 2 --interface "$1" http://192.0.2.1/ || true; sleep 1; done) >/dev/null 2>&1 &
  shift 2
done
echo started
read -r _ || true`;

/** Traffic from all sources until the returned function is called; it ends with this process too. */
export async function startTraffic(lab: Lab): Promise<() => Promise<void>> {
  const clients = [...new Set(sources.map(({ client }) => client))];
  const stops = clients.map(async (client) => {
    const pairs = sources.filter((one) => one.client === client).flatMap(({ address, target }) => [address, target]);
    const [file = "", ...args] = lab.host(client).command(["setsid", "-w", "bash", "-c", script, "traffic", ...pairs]);
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "ignore"] });
    await once(child.stdout, "data");
    return async () => {
      child.stdin.end("\n");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    };
  });
  const all = await Promise.all(stops);
  return async () => void (await Promise.all(all.map((stop) => stop())));
}

export interface Counted {
  readonly sent: number;
  readonly lost: number;
}

/** Counts, one by one, `packets` at 100 a second from a source; the answer of each has 3 seconds. */
export function count(lab: Lab, source: Source, packets: number): Promise<Counted> {
  const counting = countAll(lab, source, packets);
  // a row that fails meanwhile does not wait for it
  counting.catch(() => undefined);
  return counting;
}

async function countAll(lab: Lab, source: Source, packets: number): Promise<Counted> {
  const argv = ["ping", "-n", "-q", "-i", "0.01", "-c", String(packets), "-W", "3", "-I", source.address, source.target];
  const { stdout } = await lab.host(source.client).exec(argv, { check: false });
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
  if (sent === undefined || received === undefined) throw new Broken(`ping from ${source.address} counted nothing: ${stdout}`);
  return { sent: Number(sent), lost: Number(sent) - Number(received) };
}
