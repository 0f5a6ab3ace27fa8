import type { ChangedKey } from "./keys";
import type { Action, PlannedResource, PlanSummary } from "./plan";

/** So many alike are shown; of more, the first three. */
const fewAlike = 6;
const shownOfMany = 3;

/** A few lines that belong together, in the form of a diff: `-` goes, `+` is new, `!` is another. */
interface Entry {
  readonly sign: Sign;
  readonly title: string;
  readonly lines: readonly string[];
  /** What makes entries alike: of many such the first are shown. */
  readonly kind: string;
}

type Sign = "-" | "+" | "!";

const signs: Readonly<Record<Action, Sign>> = { destroy: "-", replace: "!", forget: "-", update: "!", create: "+", read: "!" };
/** What becomes of resources, after "is" or "are". */
const fates: Readonly<Record<Action, string>> = {
  destroy: "destroyed",
  replace: "destroyed and made anew",
  forget: "forgotten by Terraform, and left as it is",
  update: "changed in place",
  create: "made",
  read: "read",
};

/** For a block of a language that colours `-`, `+` and `!`: machines and clouds first, the gravest on top, then hosts and the deploy. */
export function renderPlan({ resources, outputs }: PlanSummary): string {
  const others = resources.filter((one) => partOf(one) === undefined);
  const hosts = resources.filter((one) => ["config", "membership"].includes(partOf(one)?.part ?? ""));
  const deploys = resources.filter((one) => partOf(one)?.part === "deploy");
  const entries = [...alike(others.map(resourceEntry)), ...alike(merged(hosts.flatMap(hostEntry))), ...deploys.map(deployEntry)];
  const lines = entries.flatMap(({ sign, title, lines }) => [`${sign} ${title}`, ...lines]);
  if (outputs.length > 0) lines.push(`! outputs that change: ${outputs.join(", ")}`);
  return lines.length === 0 ? "no change\n" : lines.map((line) => `${line}\n`).join("");
}

/** One line: how many of what. */
export function countPlan({ resources }: PlanSummary): string {
  const hosts = resources.filter((one) => partOf(one)?.part === "config").length;
  const others = resources.filter((one) => partOf(one) === undefined);
  const words = Object.entries(fates).flatMap(([action, fate]) => {
    const count = others.filter((one) => one.action === action).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? "resource is" : "resources are"} ${fate}`];
  });
  if (hosts > 0) words.push(`${hosts} ${hosts === 1 ? "host gets" : "hosts get"} another configuration`);
  return words.length === 0 ? "no change" : words.join(", ");
}

interface HostPart {
  readonly host: string;
  readonly part: "config" | "membership" | "deploy";
}

/** The constructs' own null_resources stand for hosts: to replace one is to deliver. */
function partOf({ type, name }: PlannedResource): HostPart | undefined {
  if (type !== "null_resource") return undefined;
  if (name === "deploy") return { host: "", part: "deploy" };
  const [, host = "", part] = /^(.+)_(config|membership)$/.exec(name) ?? [];
  return part === "config" || part === "membership" ? { host, part } : undefined;
}

function resourceEntry({ address, type, action, reason, keys }: PlannedResource): Entry {
  const because = reason === undefined ? "" : ` (${reason})`;
  // Of what is made or destroyed as a whole the attributes say nothing new.
  const whole = action === "create" || action === "destroy" || action === "forget" || action === "read";
  const lines = whole
    ? []
    : keyLines(
        [...keys].sort((a, b) => Number(b.forces) - Number(a.forces)),
        action === "replace",
      );
  const nothing = !whole && lines.length === 0 ? ["!     (all that Terraform shows of it is the same)"] : [];
  return {
    sign: signs[action],
    title: `${address} is ${fates[action]}${because}`,
    lines: [...lines, ...nothing],
    kind: `${type}, ${fates[action]}`,
  };
}

function deployEntry({ action, keys, reason }: PlannedResource): Entry {
  if (action === "destroy") return { sign: "-", title: "the deploy goes with the network", lines: [], kind: "deploy" };
  // A deploy that failed asks every host again.
  const asked = reason === undefined ? keys.flatMap(({ key, after }) => (after === undefined ? [] : [key])) : [];
  const whom = asked.length === 0 ? "every host" : asked.join(", ");
  return { sign: "!", title: `the deploy asks ${whom}${reason === undefined ? "" : ` (${reason})`}`, lines: [], kind: "deploy" };
}

function hostEntry(resource: PlannedResource): Entry[] {
  const { action, keys } = resource;
  const { host, part } = partOf(resource) ?? { host: "", part: "config" };
  if (part === "membership") {
    if (action !== "destroy" && action !== "replace") return [];
    return [{ sign: "-", title: `host ${host} leaves: wgchain is taken off it`, lines: [], kind: "hosts leave" }];
  }
  if (action === "create")
    return [{ sign: "+", title: `host ${host} is new: ${objects(keys)}`, lines: [], kind: "hosts are new" }];
  if (action === "destroy")
    return [{ sign: "-", title: `host ${host}: ${objects(keys)} go`, lines: [], kind: "hosts' configurations go" }];
  return [
    {
      sign: "!",
      title: `host ${host}: ${objects(keys)} of its configuration`,
      lines: keyLines(keys, false),
      kind: "hosts change",
    },
  ];
}

const objects = (keys: readonly ChangedKey[]): string => (keys.length === 1 ? "1 object" : `${keys.length} objects`);

/** Of keys that begin with the same word and go the same way, many are shown as a few. */
function keyLines(keys: readonly ChangedKey[], markForcing: boolean): string[] {
  const groups = new Map<string, { sign: Sign; word: string; lines: string[] }>();
  for (const key of keys) {
    const sign = key.after === undefined ? "-" : key.before === undefined ? "+" : "!";
    const word = key.key.split(/[ .[]/)[0] ?? "";
    const group = groups.get(`${sign}${word}`) ?? { sign, word, lines: [] };
    groups.set(`${sign}${word}`, group);
    const value = [key.before, key.after].filter((one) => one !== undefined).join(" -> ");
    group.lines.push(`${sign}     ${key.key}: ${value}${markForcing && key.forces ? " (it is made anew for this)" : ""}`);
  }
  return [...groups.values()].flatMap(({ sign, word, lines }) =>
    lines.length <= fewAlike
      ? lines
      : [...lines.slice(0, shownOfMany), `${sign}     … and ${lines.length - shownOfMany} more of '${word}'`],
  );
}

/** Hosts that change in the same way are one entry, as when a new version of the host program goes to all. */
function merged(entries: readonly Entry[]): Entry[] {
  const byLines = new Map<string, Entry[]>();
  for (const entry of entries) {
    const id = entry.lines.length === 0 ? entry.title : entry.lines.join("\n");
    byLines.set(id, [...(byLines.get(id) ?? []), entry]);
  }
  return [...byLines.values()].map((same): Entry => {
    const [first] = same as [Entry, ...Entry[]];
    if (same.length === 1) return first;
    const names = same.map(({ title }) => title.replace(/^host (\S+):.*$/, "$1")).sort();
    const shown =
      names.length <= fewAlike
        ? names.join(", ")
        : `${names.slice(0, shownOfMany).join(", ")} and ${names.length - shownOfMany} more`;
    return { ...first, title: `${names.length} hosts alike (${shown})` };
  });
}

function alike(entries: readonly Entry[]): Entry[] {
  const kinds = new Map<string, Entry[]>();
  for (const entry of entries) kinds.set(entry.kind, [...(kinds.get(entry.kind) ?? []), entry]);
  return [...kinds.values()].flatMap((same) => {
    if (same.length <= 2 * fewAlike) return same;
    const { sign, kind } = same[0] as Entry;
    const rest: Entry = { sign, title: `… and ${same.length - fewAlike} more: ${kind}`, lines: [], kind };
    return [...same.slice(0, fewAlike), rest];
  });
}
