import type { Inventory, InventoryClient, InventoryPromise } from "../lib/inventory";
import type { Host } from "./host";
import { internetAddress } from "./plan";
import { until } from "./run";

export interface Seen {
  /** What a traceroute to the internet host shows, its own address last; "*" is a hop that did not answer. */
  readonly hops: readonly string[];
  /** The caller's address as the internet host sees it; null: no answer. */
  readonly exit: string | null;
  /** The largest packet that gets through is this, and one byte more fails at the client itself; null: not so. */
  readonly mtuBytes: number | null;
}

export interface Promised {
  readonly hops: readonly string[];
  readonly exit: string | null;
  readonly exitNode: string;
  readonly mtuBytes: number;
}

export interface Row {
  readonly client: string;
  readonly address: string;
  /** Null: it must reach nothing. */
  readonly promised: Promised | null;
  readonly seen: Seen;
  readonly pass: boolean;
  readonly problems: readonly string[];
}

export interface ProbeOptions {
  readonly host: (name: string) => Host;
  /** The exit's public address, also one that only apply knows. */
  readonly exitAddress: (promise: InventoryPromise) => string | undefined;
  /** How long a chain may take to shake hands. */
  readonly settleSeconds?: number;
}

/** Real packets from every address of every client, all at once. */
export async function probe(inventory: Inventory, options: ProbeOptions): Promise<Row[]> {
  const rows = inventory.clients.flatMap((client) => client.addresses.map((entry) => probeAddress(client, entry, options)));
  return Promise.all(rows);
}

async function probeAddress(
  client: InventoryClient,
  entry: InventoryClient["addresses"][number],
  options: ProbeOptions,
): Promise<Row> {
  const host = options.host(client.name);
  const { address, promise } = entry;
  const row = { client: client.name, address };
  if (promise === null) return { ...row, promised: null, ...(await nothing(host, client, address, options)) };
  const promised: Promised = {
    hops: [...promise.hops, internetAddress],
    exit: options.exitAddress(promise) ?? null,
    exitNode: promise.exitNode,
    mtuBytes: Math.min(promise.mtuBytes, client.mtuBytes),
  };
  await settle(host, address, options.settleSeconds ?? 45);
  const [exit, hops, fits] = await Promise.all([
    callersAddress(host, address),
    traceroute(host, address, promised.hops.length + 2),
    mtuIs(host, address, promised.mtuBytes),
  ]);
  const problems: string[] = [];
  if (exit !== promised.exit)
    problems.push(`leaves as ${exit ?? "nobody"}, promised ${promised.exit ?? "an address that the state does not have"}`);
  if (hops.join() !== promised.hops.join())
    problems.push(`goes by ${hops.join(" ") || "nowhere"}, promised ${promised.hops.join(" ")}`);
  if (fits !== undefined) problems.push(fits);
  const seen = { hops, exit, mtuBytes: fits === undefined ? promised.mtuBytes : null };
  return { ...row, promised, seen, pass: problems.length === 0, problems };
}

/** Until the chain's tunnels have shaken hands; if they never do, the probes say what is seen then. */
async function settle(host: Host, address: string, seconds: number): Promise<void> {
  const asked = until(`an answer to ${address}`, seconds, async () => {
    const { status } = await host.exec(["ping", "-c1", "-W1", "-q", "-I", address, internetAddress], {
      check: false,
      timeoutMs: 3000,
    });
    return status === 0 ? true : undefined;
  });
  await asked.catch(() => undefined);
}

export async function callersAddress(host: Host, address: string, seconds = 5): Promise<string | null> {
  const curl = [
    "curl",
    "--silent",
    "--show-error",
    "--max-time",
    String(seconds),
    "--interface",
    address,
    `http://${internetAddress}/`,
  ];
  const { status, stdout } = await host.exec(curl, { check: false, timeoutMs: (seconds + 3) * 1000 });
  return status === 0 ? stdout.trim() : null;
}

/** UDP, as everybody's traceroute; a hop that kept silent once is asked again. */
export async function traceroute(host: Host, address: string, most: number, target = internetAddress): Promise<string[]> {
  let best: string[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const argv = ["traceroute", "-n", "-q", "1", "-w", "2", "-m", String(most), "-s", address, target];
    const { stdout } = await host.exec(argv, { check: false, timeoutMs: 30_000 });
    const hops = stdout
      .split("\n")
      .slice(1)
      .flatMap((line) => /^\s*\d+\s+(\S+)/.exec(line)?.[1] ?? []);
    const silent = (list: readonly string[]): number => list.filter((hop) => hop === "*").length;
    if (attempt === 0 || silent(hops) < silent(best)) best = hops;
    if (silent(best) === 0) break;
  }
  // a target that never answers is a row of stars: one says it
  while (best.length > 1 && best.at(-1) === "*" && best.at(-2) === "*") best.pop();
  return best;
}

/** Undefined when packets of `mtuBytes` pass unfragmented and one byte more fails at the client. */
async function mtuIs(host: Host, address: string, mtuBytes: number): Promise<string | undefined> {
  const ping = (bytes: number): Promise<{ status: number; stdout: string; stderr: string }> => {
    const size = String(bytes - 28); // IPv4 and ICMP headers
    const argv = ["ping", "-M", "do", "-c1", "-W2", "-s", size, "-I", address, internetAddress];
    return host.exec(argv, { check: false, timeoutMs: 6000 });
  };
  let fits = await ping(mtuBytes);
  if (fits.status !== 0) fits = await ping(mtuBytes);
  if (fits.status !== 0) return `packets of ${mtuBytes} bytes do not pass`;
  const over = await ping(mtuBytes + 1);
  if (over.status === 0) return `packets of ${mtuBytes + 1} bytes pass, so the MTU of ${mtuBytes} is not set`;
  if (!/message too long/i.test(over.stdout + over.stderr))
    return `packets of ${mtuBytes + 1} bytes are not refused at the client`;
  return undefined;
}

async function nothing(
  host: Host,
  client: InventoryClient,
  address: string,
  options: ProbeOptions,
): Promise<Pick<Row, "seen" | "pass" | "problems">> {
  // A silent tunnel would prove nothing: if another address of this client has a promise, wait until that one's chain answers.
  const other = client.addresses.find(({ promise }) => promise !== null);
  if (other !== undefined) await settle(host, other.address, options.settleSeconds ?? 45);
  const [exit, ping] = await Promise.all([
    callersAddress(host, address, 3),
    host.exec(["ping", "-c3", "-i0.3", "-W1", "-q", "-I", address, internetAddress], { check: false, timeoutMs: 8000 }),
  ]);
  const problems = [
    ...(exit === null ? [] : [`leaves as ${exit}, though no policy selects it`]),
    ...(ping.status === 0 ? ["its packets are answered, though no policy selects it"] : []),
  ];
  return { seen: { hops: [], exit, mtuBytes: null }, pass: problems.length === 0, problems };
}
