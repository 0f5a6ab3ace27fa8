import { compile, type Compiled } from "../lib/compile";
import { wiringOf } from "../lib/render/wiring";
import { World, trace, type Question, type SynthesizedStack, type Trace, type Wiring } from "../lib/trace";
import { build, type Built } from "./build";
import { Capture } from "./capture";
import { difference, unsaid } from "./compare";
import { breakHost, edited, faultOf, type Fault, type Model, type Pick } from "./faults";
import type { Host } from "./host";
import { intentOf } from "./intent";
import { observe } from "./observe";
import { questionsOf, strangeSources } from "./questions";
import { number, sendAll, type Sent } from "./send";
import type { Shape } from "./shape";

/** A network and what breaks in it, one after the other; random ones have picks, kept ones faults. */
export interface Case {
  readonly shape: Shape;
  readonly faults: readonly (Fault | Pick)[];
}

export interface Disagreement {
  /** All that was broken then. */
  readonly faults: readonly Fault[];
  readonly question: Question;
  readonly text: string;
}

export interface Outcome {
  readonly packets: number;
  /** Sent once more, for a first packet may wait too long for a handshake or be lost. */
  readonly again: number;
  readonly faults: readonly Fault[];
  readonly disagreements: readonly Disagreement[];
}

/** What is done to the trace's input only, to see that a disagreement is found. */
export type Lie = (model: Model) => Model;

/** Builds a network and sends all its packets: as it was deployed, then after each fault. */
export async function check({ shape, faults }: Case, lie: Lie = (model) => model, stopAtFirst = false): Promise<Outcome> {
  const compiled = compileSettled(shape);
  const wiring = wiringFor(shape, compiled);
  const files = Object.fromEntries(compiled.hosts.map((host) => [host.node, host.files]));
  const started: Host[] = [];
  try {
    const built = await build(
      { shape, compiled, clientMtu: (name) => wiring.clients.find((one) => one.name === name)?.mtuBytes ?? 1280, strangeSources },
      started,
    );
    const bench: Bench = { shape, compiled, wiring, built, capture: await Capture.start(built.hosts), packets: 0, again: 0 };
    let model: Model = { files, down: [] };
    const broken: Fault[] = [];
    const disagreements: Disagreement[] = [];
    const compareNow = async (): Promise<void> => {
      for (const one of await round(bench, lie(model))) disagreements.push({ faults: [...broken], ...one });
    };
    await compareNow();
    for (const one of faults) {
      if (stopAtFirst && disagreements.length > 0) break;
      const fault = "pick" in one ? faultOf(model, one) : one;
      if (fault === undefined) continue;
      // First in the files: a kept case that is older than the renderer ends here.
      const next = edited(model, fault);
      await breakHost(built, model, fault);
      model = next;
      broken.push(fault);
      await compareNow();
    }
    return { packets: bench.packets, again: bench.again, faults: broken, disagreements };
  } finally {
    await Promise.all(started.map((host) => host.stop()));
  }
}

interface Bench {
  readonly shape: Shape;
  readonly compiled: Compiled;
  readonly wiring: Wiring;
  readonly built: Built;
  readonly capture: Capture;
  packets: number;
  again: number;
}

type Found = Omit<Disagreement, "faults">;

async function round(bench: Bench, { files, down }: Model): Promise<Found[]> {
  const stack: SynthesizedStack = { stack: "differential", wiring: bench.wiring, files };
  const world = World.of(stack, { down });
  let questions = questionsOf(bench.shape, bench.compiled.network, world);
  bench.packets += questions.length;
  let found: Found[] = [];
  for (let attempt = 0; attempt < 3 && questions.length > 0; attempt++) {
    if (attempt > 0) bench.again += questions.length;
    const sent: Sent[] = questions.map((question) => ({ question, ...number(question) }));
    await sendAll(bench.built, sent);
    await bench.capture.quiet([60, 250, 1000][attempt] ?? 1000);
    const results = sent.map((one) => ({
      ...one,
      traced: trace(world, one.question),
      seen: observe(bench.capture.sights(one.key), one.sender),
    }));
    const silent = unsaid(results);
    found = results.flatMap(({ question, traced, seen }) => {
      const text = difference(traced, seen) ?? (silent.has(traced) ? unsaidText(traced) : undefined);
      return text === undefined ? [] : [{ question, text }];
    });
    questions = found.map(({ question }) => question);
  }
  return found;
}

const unsaidText = ({ verdict }: Trace): string =>
  `error: the trace says ${verdict.at} from ${verdict.answers ?? ""}: unreachable, which it never said to this source`;

/** As after `wgchain keys`: chance collisions are on record. */
function compileSettled(shape: Shape): Compiled {
  const intent = intentOf(shape);
  const first = compile(intent);
  const compiled = first.problems.length === 0 ? first : compile({ ...intent, recorded: first.allocations });
  if (compiled.problems.length > 0)
    throw new Error(`the generator made a network that is refused: ${JSON.stringify(compiled.problems)}`);
  return compiled;
}

function wiringFor(shape: Shape, { network }: Compiled): Wiring {
  const wiring = wiringOf(network);
  if (shape.clientMtu === "path") return wiring;
  const own = (name: string): number => network.clientInterfaces.find((one) => one.name === name)?.mtuBytes ?? 1280;
  return { ...wiring, clients: wiring.clients.map((client) => ({ ...client, mtuBytes: own(client.interface) })) };
}
