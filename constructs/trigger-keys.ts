import { createHash } from "node:crypto";

/** So many objects of one kind have a key each; Terraform's plan takes a second more for every 10,000 keys. */
const most = 1000;

/**
 * What Terraform compares of a host's objects: a key each, so that a plan shows what changes in words. Of a kind of which there are more than 1,000 (peers,
 * sources) there are at most 256 keys, each with the digest of its part of them, so that a plan takes no longer for 10,000 clients than for some
 * hundred; `wgchain diff` has the words then. Which part an object is in depends on its own key alone: a change of one changes one key. What holds a
 * reference, which Terraform resolves, keeps its key.
 */
export function triggerKeys(
  objects: Readonly<Record<string, string>>,
  resolve: (value: string) => string = (value) => value,
): Record<string, string> {
  const kinds = new Map<string, string[]>();
  for (const key of Object.keys(objects)) {
    const kind = kindOf(key);
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, [key]);
    else known.push(key);
  }
  const keys: Record<string, string> = {};
  for (const [kind, own] of kinds) {
    const parts = new Map<number, string[]>();
    for (const key of own) {
      const value = resolve(objects[key] ?? "");
      if (own.length <= most || value.includes("${")) {
        keys[key] = value;
        continue;
      }
      const name = partOf(key);
      const part = parts.get(name);
      if (part === undefined) parts.set(name, [JSON.stringify([key, value])]);
      else part.push(JSON.stringify([key, value]));
    }
    for (const [part, lines] of parts)
      keys[`${kind}, part ${part.toString(16).padStart(2, "0")}`] =
        `${lines.length}, sha256 ${sha256(lines.sort().join("\n")).slice(0, 32)}`;
  }
  return keys;
}

const kindOf = (key: string): string => {
  const end = key.indexOf(" ");
  return end < 0 ? key : key.slice(0, end);
};
/** FNV-1a: it only has to spread them. */
function partOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 0xff;
}
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
