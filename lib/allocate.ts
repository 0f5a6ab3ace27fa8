/**
 * Numbers for names, such that adding or removing one name moves no other: a name's number is its hash into the range ("home"), or what was
 * recorded for it. A name whose home is taken is a collision: it gets the next free number, but that one must be recorded
 * (`wgchain keys` does) before it may be used, since without a record it would move when the other name goes.
 */
export interface AllocationRequest {
  readonly names: readonly string[];
  /** Number of slots: results are from 0 to `slots` - 1. */
  readonly slots: number;
  /** Set by hand, by name; never moved, never reported. */
  readonly pinned?: ReadonlyMap<string, number>;
  /** From `allocations.json`, by name. */
  readonly recorded?: ReadonlyMap<string, number>;
  /** Slots that nothing may take (an interface's own address). */
  readonly forbidden?: ReadonlySet<number>;
}

export interface Allocation {
  readonly slots: ReadonlyMap<string, number>;
  /** Names that did not get their home and are not recorded. */
  readonly collisions: readonly string[];
  /** Names for which nothing is left. */
  readonly exhausted: readonly string[];
}

export function allocate(request: AllocationRequest): Allocation {
  const { pinned = new Map<string, number>(), recorded = new Map<string, number>(), forbidden = new Set<number>() } = request;
  const names = [...new Set(request.names)].sort();
  const slots = new Map<string, number>();
  const taken = new Set<number>([...forbidden]);
  const claim = (name: string, slot: number): void => {
    slots.set(name, slot);
    taken.add(slot);
  };
  for (const name of names) {
    const slot = pinned.get(name);
    if (slot !== undefined) claim(name, slot);
  }
  for (const name of names) {
    const slot = recorded.get(name);
    if (slots.has(name) || slot === undefined || taken.has(slot) || slot < 0 || slot >= request.slots) continue;
    claim(name, slot);
  }
  const open = names.filter((name) => !slots.has(name));
  const homes = new Map(open.map((name) => [name, homeOf(name, request.slots, forbidden)]));
  const wanted = new Map<number, number>();
  for (const home of homes.values()) wanted.set(home, (wanted.get(home) ?? 0) + 1);
  const collisions: string[] = [];
  for (const [name, home] of homes) {
    if (wanted.get(home) === 1 && !taken.has(home)) claim(name, home);
    else collisions.push(name);
  }
  const exhausted: string[] = [];
  for (const name of collisions) {
    const free = nextFree(homes.get(name) ?? 0, request.slots, taken);
    if (free === undefined) exhausted.push(name);
    else claim(name, free);
  }
  return { slots, collisions, exhausted };
}

function nextFree(home: number, slots: number, taken: ReadonlySet<number>): number | undefined {
  for (let step = 0; step < slots; step++) {
    const slot = (home + step) % slots;
    if (!taken.has(slot)) return slot;
  }
  return undefined;
}

/** First slot of the name's own sequence of hashes that is not forbidden; forbidden slots do not depend on other names. */
export function homeOf(name: string, slots: number, forbidden: ReadonlySet<number> = new Set()): number {
  for (let attempt = 0; attempt < 64; attempt++) {
    const slot = hash(attempt === 0 ? name : `${name}#${attempt}`) % slots;
    if (!forbidden.has(slot)) return slot;
  }
  return hash(name) % slots;
}

/** FNV-1a with a final avalanche (murmur3's), so that names that differ in one letter spread. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text, "utf8")) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b) >>> 0;
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35) >>> 0;
  return (value ^ (value >>> 16)) >>> 0;
}
