import type { Output } from "./output";

/** Runs the work of all items, at most `limit` at a time. */
export async function inParallel<T, R>(limit: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

/** The same for hosts, told as it goes on: who is asked, and whose answer is still to come. */
export async function askAll<T extends { readonly name: string }, R>(
  out: Output,
  hosts: readonly T[],
  work: (host: T) => Promise<R>,
  stage: { readonly name: string; readonly verb: string } = { name: "hosts", verb: "asking" },
): Promise<R[]> {
  const names = hosts.map(({ name }) => name);
  if (names.length > 0) out.stage(stage.name, `${stage.verb} ${names.join(", ")}`);
  const left = new Set(names);
  return inParallel(16, hosts, async (host) => {
    try {
      return await work(host);
    } finally {
      left.delete(host.name);
      if (left.size > 0) out.lately(`${names.length - left.size} of ${names.length} done, waiting for ${[...left].join(", ")}`);
    }
  });
}
