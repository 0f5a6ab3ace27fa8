import type { Proof } from "../lib/prove/prove";
import type { SynthesizedStack } from "../lib/trace/world";
import { removeTemporaryDirectories } from "./support/directory";
import { publicKeyText } from "./support/keys";
import { largeStack } from "./support/large";
import { costOf } from "./support/proof-cost";
import { synthesizeOf } from "./support/synth";

/** The machine may be busy: CPU time, not the clock's. */
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const mockCpu = cpuMilliseconds;
const mockSpent: number[] = [];
jest.mock("../lib/prove/prove", () => {
  const real = jest.requireActual<{ prove: (stack: SynthesizedStack) => Proof }>("../lib/prove/prove");
  return {
    ...real,
    prove: (stack: SynthesizedStack) => {
      const from = mockCpu();
      const proof = real.prove(stack);
      mockSpent.push(mockCpu() - from);
      return proof;
    },
  };
});

beforeEach(() => mockSpent.splice(0));
afterEach(() => jest.restoreAllMocks());
afterAll(removeTemporaryDirectories);

test("twice as many clients are proved by as many walks, and by 2.2 times as much reading and looking up at most", () => {
  const [once, twice] = [costOf(500), costOf(1000)];
  for (const kind of ["walks", "lookups"] as const) expect(twice[kind]).toBe(once[kind]);
  for (const kind of ["prefixes", "read"] as const) {
    expect(once[kind]).toBeGreaterThan(500);
    expect(twice[kind] / once[kind]).toBeLessThan(2.2);
  }
});

test("10,000 clients over 3 exits are proved in no more time than synthesizing them takes", () => {
  const from = cpuMilliseconds();
  const { files } = synthesizeOf(largeStack(10_000), { "keys/e.clients.pub": `${publicKeyText("clients")}\n` });
  const whole = cpuMilliseconds() - from;
  expect(files["e/etc/wgchain/elements"]?.match(/^exit_of_clients /gm)).toHaveLength(10_000);
  const [proving = 0, ...more] = mockSpent;
  expect(more).toEqual([]);
  console.log(
    `10,000 clients over 3 exits: synthesized in ${(whole - proving).toFixed(0)} ms of CPU time, proved in ${proving.toFixed(0)} ms`,
  );
  // The figure is what is printed; time on a busy machine is no pass mark, so only what is out of all proportion fails.
  expect(proving).toBeLessThan(3 * (whole - proving));
}, 120_000);
