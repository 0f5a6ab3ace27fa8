import { createHash } from "node:crypto";

/** So many objects of one kind have a key each; Terraform's plan takes a second more for every 10,000 keys. */
const most = 1000;

/**
 * What Terraform compares of a host's objects: a key each, so that a plan shows what changes in words. Of a kind of which there are more than 1,000 (peers,
 * sources) there are at most 256 keys, each with the digest of its part of them, so that a plan takes no longer for 10,000 clients than for some
 * hundred; `wgchain diff` has the words then. Which part an object is in depends on its own key alone: a change of one changes one key. What holds a
 * reference, which Terraform resolves, keeps its key.
 */
export function triggerKeys(objects: Readonly<Record<string, string>>): Record<string, string> {
  const counts = new Map<string, number>();
  for (const key of Object.keys(objects)) counts.set(kindOf(key), (counts.get(kindOf(key)) ?? 0) + 1);
  const keys: Record<string, string> = {};
  const parts = new Map<string, string[]>();
  for (const [key, value] of Object.entries(objects)) {
    const kind = kindOf(key);
    if ((counts.get(kind) ?? 0) <= most || value.includes("${")) {
      keys[key] = value;
      continue;
    }
    const name = `${kind}, part ${partOf(key)}`;
    const part = parts.get(name);
    if (part === undefined) parts.set(name, [JSON.stringify([key, value])]);
    else part.push(JSON.stringify([key, value]));
  }
  for (const [name, lines] of parts) keys[name] = `${lines.length}, sha256 ${sha256(lines.sort().join("\n")).slice(0, 32)}`;
  return keys;
}

const kindOf = (key: string): string => key.split(" ", 1)[0] ?? key;
/** FNV-1a: it only has to spread them. */
function partOf(key: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 0xff).toString(16).padStart(2, "0");
}
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
