import * as fc from "fast-check";

/** One exit: the nodes behind the entry, in order, and the client addresses that leave there. */
export interface ExitShape {
  readonly through: readonly number[];
  /** The first is client a's, the others are b's. */
  readonly addresses: number;
  /** Whether the last of them has a label of its own on the first tunnel. */
  readonly own: boolean;
}

/** A network in short, and in a kept case: node 0 is the entry, tunnels go from lower to higher numbers. */
export interface Shape {
  readonly nodes: number;
  readonly exits: readonly ExitShape[];
  /** Whether tunnels' client ends have an address of their own, beside their labels. */
  readonly clientAddresses: boolean;
  /** Where one exit alone uses a tunnel, the far end selects the whole tunnel, and needs no label where the near end has an address. */
  readonly whole: boolean;
  /** A prefix beside the single addresses, for the first exit. */
  readonly prefix: boolean;
  /** Clients at the first exit's first relay, too. */
  readonly second: boolean;
  /** The tunnels between two of the first nodes go over one private line. */
  readonly privateNodes: number;
  /** One a node. */
  readonly uplinkMtus: readonly number[];
  /** What a tunnel's MTU is less than the most it could be; taken in turn. */
  readonly smaller: readonly number[];
  /** Whether a client's MTU is its path's, as `wgchain` tells people, or its interface's alone. */
  readonly clientMtu: "path" | "interface";
  readonly random: number;
}

const exitsOf = (nodes: number): fc.Arbitrary<ExitShape[]> =>
  fc.uniqueArray(
    fc.record({
      through: fc.subarray(
        Array.from({ length: nodes - 1 }, (_, index) => index + 1),
        { maxLength: Math.min(5, nodes - 1) },
      ),
      addresses: fc.integer({ min: 1, max: 2 }),
      own: fc.boolean(),
    }),
    { minLength: 1, maxLength: Math.min(5, nodes), selector: ({ through }) => through.at(-1) ?? 0 },
  );

const sized = (nodes: number): fc.Arbitrary<Shape> =>
  fc.record({
    nodes: fc.constant(nodes),
    exits: exitsOf(nodes),
    clientAddresses: fc.boolean(),
    whole: fc.boolean(),
    prefix: fc.boolean(),
    second: fc.boolean(),
    privateNodes: fc.constantFrom(0, 0, 2, 3),
    uplinkMtus: fc.array(fc.constantFrom(1500, 1460, 1400), { minLength: nodes, maxLength: nodes }),
    smaller: fc.array(fc.constantFrom(0, 20, 77), { minLength: 1, maxLength: 4 }),
    clientMtu: fc.constantFrom("path", "interface"),
    random: fc.nat(1_000_000),
  });

/** Nodes that no way comes by are left out: they would cost time and prove nothing. */
export const usedNodes = ({ exits }: Shape): number[] => [...new Set([0, ...exits.flatMap(({ through }) => through)])].sort();

/** 2 to 8 nodes, 1 to 5 exits, ways of at most 5 tunnels; ways share nodes and tunnels, an exit can be another's relay, or the entry itself. */
export const shapes: fc.Arbitrary<Shape> = fc
  .noBias(fc.constantFrom(2, 3, 4, 5, 6, 7, 8).chain(sized))
  .filter((shape) => usedNodes(shape).length > 1);
