import type { TracedExit } from "../trace";
import type { Change, NetworkDiff, Nowhere, Placed, Source, Way } from "./network-diff";
import { few, join, say, type Phrase } from "./phrase";
import { fileGroups, type FileGroup } from "./report-files";
import { objectSections } from "./report-objects";

/** A difference in words, for text and Markdown alike. */
export interface Report {
  readonly headline: Phrase;
  readonly moves: readonly Move[];
  readonly sections: readonly Section[];
  readonly files: readonly FileGroup[];
}

/** Some that leave elsewhere. */
export interface Move {
  readonly who: Phrase;
  readonly before: Phrase;
  readonly after: Phrase;
}

export interface Section {
  readonly title: string;
  readonly lines: readonly Phrase[];
}

/** As many that change alike are told one by one; more are told as a group, with this many names. */
const oneByOne = 5;
const named = 3;
/** Lines of one section. */
const most = 20;

export function reportOf(diff: NetworkDiff): Report {
  const { clients, nowhere, mtu, hops, failover, instead, labels } = diff;
  const sections: Section[] = [
    { title: "New and gone clients", lines: [...placed("new", clients.added), ...placed("gone", clients.gone)] },
    { title: "Leave nowhere", lines: nowhereLines(nowhere) },
    ...objectSections(diff),
    {
      title: "MTU",
      lines: changes(mtu, ({ before, after }, who) => say`MTU ${[String(before)]} becomes ${[String(after)]} for ${who}`),
    },
    {
      title: "Another way to the same exit",
      lines: changes(hops, ({ before, after }, who) => say`${who}: ${wayIn(before, after)}`),
    },
    {
      title: "Failover",
      lines: changes(
        instead,
        ({ before, after }, who) => say`with a dead exit, ${who}: ${inOrder(before)} becomes ${inOrder(after)}`,
      ),
    },
    {
      title: "With a tunnel down",
      lines: changes(
        failover,
        ({ tunnel, before, after }, who) => say`with ${tunnel} down, ${who}: ${place(before)} becomes ${place(after)}`,
      ),
    },
    {
      title: "Labels (SNAT addresses)",
      lines: changes(labels, ({ tunnel, before, after }, who) => say`on ${tunnel}, ${who}: ${before} becomes ${after}`),
    },
    { title: "Keys", lines: keyLines(diff) },
    ...(diff.verdict === "nothing" ? [] : [{ title: "Interrupts", lines: interruptLines(diff) }]),
  ];
  return {
    headline: headlineOf(diff),
    moves: capped(movesOf(diff.moved), (more): Move => ({
      who: say`… and ${more} more groups of clients`,
      before: ["…"],
      after: ["…"],
    })),
    sections: sections.flatMap(({ title, lines }) =>
      lines.length === 0 ? [] : [{ title, lines: capped(lines, (more) => say`… and ${more} more`) }],
    ),
    files: capped(fileGroups(diff), (more) => ({ who: say`… and ${more} more groups of hosts`, files: [] })),
  };
}

export function capped<T>(items: readonly T[], rest: (more: number) => T): T[] {
  return items.length <= most ? [...items] : [...items.slice(0, most - 1), rest(items.length - most + 1)];
}

function headlineOf(diff: NetworkDiff): Phrase {
  const { verdict, moved, clients, nowhere, exits, hops, failover, instead, files } = diff;
  if (verdict === "nothing") return say`nothing changes`;
  const parts: Phrase[] = [];
  const add = (sources: readonly Source[], one: string, many: string): void => {
    const clientsOf = new Set(sources.map(({ client, address }) => client ?? address)).size;
    if (sources.length > 0) parts.push(say`${howMany(sources)} ${[clientsOf === 1 ? one : many]}`);
  };
  const exit = (list: readonly { readonly node: string }[], word: string): void => {
    if (list.length > 0)
      parts.push(
        say`${[word]} ${few(
          list.map(({ node }) => say`${node}`),
          named,
        )}`,
      );
  };
  add(moved, "leaves elsewhere", "leave elsewhere");
  const ofOthers = (list: readonly Placed[]): Placed[] => list.filter(({ known }) => !known);
  add(ofOthers(clients.added), "is new", "are new");
  add(ofOthers(clients.gone), "is gone", "are gone");
  add(
    [...clients.added, ...clients.gone].filter(({ known }) => known),
    "has other addresses",
    "have other addresses",
  );
  add(nowhere.now, "leaves nowhere any more", "leave nowhere any more");
  add(nowhere.formerly, "leaves now and did not", "leave now and did not");
  exit(exits.added, exits.added.length === 1 ? "new exit" : "new exits");
  exit(exits.gone, exits.gone.length === 1 ? "gone exit" : "gone exits");
  add(hops, "takes another way", "take another way");
  add(failover, "leaves elsewhere when a tunnel is down", "leave elsewhere when a tunnel is down");
  add(instead, "fails over to other exits", "fail over to other exits");
  if (parts.length > 0) return join(parts, "; ");
  const hosts = new Set(files.map(({ node }) => node)).size;
  if (hosts === 0) return say`everybody leaves as before; no file of a host changes`;
  return say`everybody leaves as before; ${files.length} ${[files.length === 1 ? "file" : "files"]} on ${hosts} ${[hosts === 1 ? "host changes" : "hosts change"]}`;
}

/** "12 clients", "1 client and 1 source". */
export function howMany(sources: readonly Source[]): Phrase {
  const clients = new Set(sources.flatMap(({ client }) => client ?? [])).size;
  const others = sources.filter(({ client }) => client === null).length;
  const part = (number: number, word: string): Phrase[] =>
    number === 0 ? [] : [say`${number} ${[number === 1 ? word : `${word}s`]}`];
  return join([...part(clients, "client"), ...part(others, "source")], " and ");
}

const one = ({ client, address }: Source): Phrase => (client === null ? say`${address}` : say`${client} (${address})`);
const inOrder = (exits: readonly string[]): Phrase =>
  exits.length === 0
    ? ["nowhere"]
    : join(
        exits.map((exit) => say`${exit}`),
        ", then ",
      );
const short = ({ client, address }: Source): Phrase => (client === null ? say`${address}` : say`${client} ${address}`);

/** Those that are alike, one by one where they are few, else all at once: "12 clients on sz/wgs (phone 10.66.224.2, … and 9 more)". */
export function told<T extends Source>(
  items: readonly T[],
  alike: (item: T) => string,
): { readonly first: T; readonly who: Phrase }[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = JSON.stringify([item.entry, alike(item)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()].flatMap((group) =>
    group.length <= oneByOne
      ? group.map((item) => ({ first: item, who: one(item) }))
      : [{ first: group[0] as T, who: crowd(group) }],
  );
}

const crowd = (group: readonly Source[]): Phrase =>
  say`${howMany(group)} on ${group[0]?.entry ?? ""} (${few(group.map(short), named)})`;

const exitAt = ({ node, address }: TracedExit): Phrase => say`${node} ${address}`;
const place = (node: string | null): Phrase => (node === null ? ["nowhere"] : say`${node}`);

const movesOf = (moved: NetworkDiff["moved"]): Move[] =>
  told(moved, ({ before, after }) => JSON.stringify([before, after])).map(({ first, who }) => ({
    who,
    before: exitAt(first.before),
    after: exitAt(first.after),
  }));

/** Changes with the same values are told together, whoever they are for. */
function changes<T extends Source & Change<unknown>>(items: readonly T[], line: (item: T, who: Phrase) => Phrase): Phrase[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const { client: _client, address: _address, entry: _entry, ...values } = item;
    const key = JSON.stringify(values);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()].map((group) => {
    const who = group.length === 1 ? one(group[0] as T) : say`${howMany(group)} (${few(group.map(short), named)})`;
    return line(group[0] as T, who);
  });
}

function placed(word: string, sources: readonly Placed[]): Phrase[] {
  const leaves = word === "new" ? "leaves at" : "left at";
  return told(sources, ({ exit, known }) => JSON.stringify([exit, known])).map(({ first: { exit, why, known }, who }) => {
    const where = exit === null ? say`nowhere${why === undefined || why === "" ? [] : say` (${why})`}` : exitAt(exit);
    return say`${[known ? `${word} address of` : word]} ${who}: ${exit === null ? [] : [`${leaves} `]}${where}`;
  });
}

function nowhereLines({ now, formerly }: NetworkDiff["nowhere"]): Phrase[] {
  const alike = ({ exit }: Nowhere): string => JSON.stringify(exit);
  return [
    ...told(now, alike).map(({ first, who }) => say`${who}: ${exitAt(first.exit)} becomes nowhere (${first.why})`),
    ...told(formerly, alike).map(({ first, who }) => say`${who}: nowhere becomes ${exitAt(first.exit)}`),
  ];
}

function wayIn(before: Way, after: Way): Phrase {
  const entry = before.entry === after.entry ? [] : [say`comes in by ${after.entry} in place of ${before.entry}`];
  const way = ({ tunnels, hops }: Way): Phrase =>
    say`${hops.join(" → ")}${tunnels.length === 0 ? [] : say` by ${tunnels.join(", ")}`}`;
  const same = before.hops.join() === after.hops.join() && before.tunnels.join() === after.tunnels.join();
  return join([...entry, ...(same ? [] : [say`${way(before)} becomes ${way(after)}`])], "; ");
}

const keyWords = { changed: "has another", added: "gets a", gone: "has no more a" };

function keyLines({ keys }: NetworkDiff): Phrase[] {
  const ofClients = keys.filter(({ kind }) => kind === "client");
  const lines = keys
    .filter(({ kind }) => kind !== "client")
    .map(({ kind, of, change }) => {
      const noun = kind === "preshared" ? "pre-shared key" : "key";
      return say`${of} ${[keyWords[change]]} ${[noun]}`;
    });
  if (ofClients.length > 0) {
    const who = few(
      ofClients.map(({ of }) => say`${of}`),
      named,
    );
    lines.push(
      say`${ofClients.length} ${[ofClients.length === 1 ? "client has" : "clients have"]} another key of their own (${who})`,
    );
  }
  return lines;
}

function interruptLines({ interrupts }: NetworkDiff): Phrase[] {
  if (interrupts.length === 0) return [say`nobody`];
  const lines = interrupts.map(({ at, what, howLong, clients }) => {
    const who = clients.length === 1 ? one(clients[0] as Source) : say`${howMany(clients)} (${few(clients.map(short), named)})`;
    return say`${at}, ${who}: ${[what]}; how long: ${[howLong]}`;
  });
  return [...lines, say`nobody else`];
}
