import { until, type Host } from "../lab";

export interface Process {
  /** As the host numbers it. */
  readonly pid: number;
  readonly parent: number;
  readonly args: string;
}

export async function processes(host: Host): Promise<Process[]> {
  const { stdout } = await host.exec(["ps", "-ww", "-eo", "pid=,ppid=,args="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, args] = /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args: args ?? "" }];
  });
}

const below = (all: readonly Process[], roots: ReadonlySet<number>): Set<number> => {
  const found = new Set(roots);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return found;
};

/**
 * SIGKILL, in one blow, to the processes of the host that match, and with `tree` to all that they started but those that match `spare` (and
 * what these started). Returns how many.
 */
export async function kill(host: Host, matching: RegExp, options: { tree: boolean; spare?: RegExp }): Promise<number> {
  const all = (await processes(host)).filter(({ args }) => options.spare?.test(args) !== true);
  const roots = new Set(all.filter(({ args }) => matching.test(args)).map(({ pid }) => pid));
  const targets = options.tree ? below(all, roots) : roots;
  if (targets.size > 0) await host.sh(`kill -KILL ${[...targets].join(" ")} 2>/dev/null || true`);
  return targets.size;
}

/** Until no process of the host matches. */
export async function gone(host: Host, matching: RegExp, seconds: number): Promise<void> {
  await until(`processes of ${host.name} like ${matching.source} to end`, seconds, async () =>
    (await processes(host)).some(({ args }) => matching.test(args)) ? undefined : true,
  );
}
