import * as fc from "fast-check";
import { allocate, homeOf } from "../lib/allocate";
import { compile, type Compiled } from "../lib/compile";
import type { NetworkIntent } from "../lib/intent";
import { compileSettled, intentOf, reversed, shapes } from "./support/random-network";

const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/), { minLength: 1, maxLength: 30 });

describe("allocate", () => {
  test("the order of names does not matter", () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 40, max: 4000 }), (list, slots) => {
        const [one, other] = [allocate({ names: list, slots }), allocate({ names: [...list].reverse(), slots })];
        expect([...one.slots].sort()).toEqual([...other.slots].sort());
        expect([...one.collisions].sort()).toEqual([...other.collisions].sort());
      }),
    );
  });

  test("no slot is given twice, none out of range, none forbidden", () => {
    const forbidden = new Set([0, 7, 39]);
    fc.assert(
      fc.property(names, fc.integer({ min: 40, max: 80 }), (list, slots) => {
        const given = [...allocate({ names: list, slots, forbidden }).slots.values()];
        expect(new Set(given).size).toBe(list.length);
        for (const slot of given) expect(slot >= 0 && slot < slots && !forbidden.has(slot)).toBe(true);
      }),
    );
  });

  test("a name that collides with none has its home, whoever else is there", () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 40, max: 200 }), (list, slots) => {
        const { collisions, slots: given } = allocate({ names: list, slots });
        for (const name of list) if (!collisions.includes(name)) expect(given.get(name)).toBe(homeOf(name, slots));
      }),
    );
  });

  test("two names of one home are both reported: neither may be used before it is on record", () => {
    const twins = collidingNames(2000);
    expect([...allocate({ names: twins, slots: 2000 }).collisions].sort()).toEqual([...twins].sort());
  });

  test("a number set by hand that is another's home is reported for the other", () => {
    const [name] = collidingNames(2000);
    const pinned = new Map([["by-hand", homeOf(name, 2000)]]);
    expect(allocate({ names: [name, "by-hand"], slots: 2000, pinned }).collisions).toEqual([name]);
  });

  test("once on record nothing moves, whatever is added, removed or set by hand", () => {
    fc.assert(
      fc.property(names, names, fc.integer({ min: 70, max: 300 }), (before, added, slots) => {
        const recorded = allocate({ names: before, slots }).slots;
        const kept = before.filter((_, index) => index % 3 !== 0);
        const after = allocate({ names: [...kept, ...added], slots, recorded });
        for (const name of kept) expect(after.slots.get(name)).toBe(recorded.get(name));
        for (const name of kept) expect(after.collisions).not.toContain(name);
      }),
    );
  });

  test("when nothing is left it says for whom", () => {
    expect(allocate({ names: ["a", "b", "c"], slots: 2 }).exhausted).toHaveLength(1);
  });
});

/** Two names with one home, found by trying. */
function collidingNames(slots: number): [string, string] {
  const seen = new Map<number, string>();
  for (let index = 0; ; index++) {
    const name = `name-${index}`;
    const other = seen.get(homeOf(name, slots));
    if (other !== undefined) return [other, name];
    seen.set(homeOf(name, slots), name);
  }
}

/** Every number of a network that is allocated, by name. */
const numbers = ({ allocations }: Compiled): Record<string, number> => ({
  ...prefixed("port", allocations),
  ...prefixed("table", allocations),
});
const prefixed = (kind: string, allocations: Compiled["allocations"]): Record<string, number> =>
  Object.fromEntries(Object.entries(allocations[kind] ?? {}).map(([name, number]) => [`${kind} ${name}`, number]));

/** The names that both have keep their numbers. */
function expectNothingMoved(before: Compiled, after: Compiled): void {
  const [old, now] = [numbers(before), numbers(after)];
  const common = Object.keys(old).filter((name) => name in now);
  expect(Object.fromEntries(common.map((name) => [name, now[name]]))).toEqual(
    Object.fromEntries(common.map((name) => [name, old[name]])),
  );
}

describe("a whole network", () => {
  test("the order of declaration does not matter", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        expect(numbers(compile(reversed(intentOf(shape))))).toEqual(numbers(compile(intentOf(shape))));
      }),
    );
  });

  /** Networks in which no two homes collide: nothing is on record, and nothing needs to be. */
  const free = (intent: NetworkIntent): Compiled | undefined => {
    const compiled = compile(intent);
    const collides = compiled.problems.some(({ code }) => code === "unrecorded-allocation");
    if (!collides && compiled.problems.length > 0) throw new Error(JSON.stringify(compiled.problems));
    return collides ? undefined : compiled;
  };

  test("one exit more or less, with its tunnels, labels and policies, renumbers nothing else", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const [all, without] = [free(intentOf(shape)), free(intentOf({ ...shape, exits: shape.exits.slice(1) }))];
        if (all === undefined || without === undefined) return;
        expectNothingMoved(all, without);
        expectNothingMoved(without, all);
      }),
    );
  });

  test("one client, node or prefix more renumbers nothing else", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const all = free(intentOf(shape));
        const exits = shape.exits.map((exit) => ({ ...exit, clients: exit.clients + 1 }));
        for (const more of [
          { ...shape, exits },
          { ...shape, nodes: shape.nodes + 1 },
          { ...shape, prefix: !shape.prefix },
        ]) {
          const after = free(intentOf(more));
          if (all !== undefined && after !== undefined) expectNothingMoved(all, after);
        }
      }),
    );
  });

  test("on record, nothing moves even where homes collide", () => {
    fc.assert(
      fc.property(shapes, shapes, (shape, other) => {
        const before = compileSettled(intentOf(shape));
        const after = compile({ ...intentOf(other), recorded: before.allocations });
        expectNothingMoved(before, after);
      }),
    );
  });
});

describe("a collision in a network", () => {
  /** Twenty tunnels more on one relay than ports: some homes collide. */
  const crowded = (tunnels: number): NetworkIntent => {
    const base = intentOf({ nodes: 2, exits: [{ through: [1], clients: 1, own: 0 }], clientAddresses: true, prefix: false });
    const [first] = base.tunnels;
    if (first === undefined) throw new Error("no tunnel");
    const more = Array.from({ length: tunnels }, (_, index) => ({
      ...first,
      path: `m${index}`,
      name: `m${index}`,
      network: `10.2.${index}.0/24`,
      serverAddress: `10.2.${index}.1`,
      clientAddress: `10.2.${index}.2`,
      server: { ...first.server, interfaceName: `m${index}`, key: { text: keyText(2 * index), source: "" } },
      client: { ...first.client, interfaceName: `m${index}`, key: { text: keyText(2 * index + 1), source: "" } },
    }));
    return { ...base, tunnels: [...base.tunnels, ...more] };
  };
  const keyText = (number: number): string =>
    Buffer.alloc(32, 1)
      .fill(number + 2, 1)
      .toString("base64");

  test("is reported with the mend, and on record it is gone and nothing moves", () => {
    const before = compile(crowded(110));
    const messages = before.problems.map(({ code, message }) => `${code}: ${message.replace(/'.*?'/, "'NAME'")}`);
    expect([...new Set(messages)]).toEqual([
      "unrecorded-allocation: the port of 'NAME' collides with another's and is not on record; run 'wgchain keys', which records allocations, or set listenPort by hand",
    ]);
    expect(before.hosts).toEqual([]);
    const after = compile({ ...crowded(110), recorded: before.allocations });
    expect(after.problems).toEqual([]);
    expectNothingMoved(before, after);
    expectNothingMoved(before, compile({ ...crowded(60), recorded: before.allocations }));
  });
});
