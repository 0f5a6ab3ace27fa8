import { InvalidArgumentError, Option } from "commander";
import { CliError, messageOf } from "../app/error";
import { TerraformState } from "../app/terraform-state";
import { Ipv4Address } from "../lib/address";
import { mapTexts, withNames } from "../lib/assert/names";
import { endLines, hopHead, hopLines, hopRow, isAnswered } from "../lib/assert/show-trace";
import { plain } from "../lib/diff/phrase";
import { NetworkTrace, NoFailover, trace, World, type SynthesizedStack, type Trace } from "../lib/trace";
import { exitStatus } from "./exit-status";
import { Output, type OutputOptions } from "./output";
import { networkOf, type WhichNetwork } from "./synthesized-app";
import { block } from "./table";
import { questionOf, type Asked } from "./trace-question";
import { Verb } from "./verb";

export interface TraceOptions extends WhichNetwork, OutputOptions {
  readonly at?: string;
  readonly down?: readonly string[];
  readonly dead?: readonly string[];
  readonly size: number;
  readonly df?: true;
  readonly ttl: number;
  readonly protocol: "icmp" | "udp" | "tcp";
  readonly port?: number;
  readonly state?: string;
  readonly why?: true;
}

export function traceCommand(): Verb {
  return new Verb("trace")
    .description("follow a packet through the files that the hosts get: hops, addresses, MTU, and the line that decided")
    .about({
      notes: ["No packet is sent and no host is asked. 'wgchain doctor' says whether the hosts still are what their files say."],
      exits: { 0: "it arrives and is answered", 1: "an error", 3: "it does not" },
      examples: [
        "wgchain trace 10.66.224.2 1.1.1.1",
        "wgchain trace client2 1.1.1.1 --why --down hk/wg6",
        "wgchain trace phone 1.1.1.1 --dead gcp # where several exits are named: what is taken then",
        "wgchain trace 10.66.224.2 1.1.1.1 --size 1401 --df",
        "wgchain trace 10.66.224.99 1.1.1.1 --at sz/wgs",
        "wgchain trace 1.1.1.1 10.66.224.2 --at sz/uplink",
        "wgchain trace 9.9.9.9 198.51.100.20 --at internet --protocol tcp --port 443",
        "wgchain trace 192.168.1.10 1.1.1.1 --at gw/lan # a private network is named as its NatGateway is",
      ],
      json: ["hops", "verdict", "reply", "mtuBytes", "lostAt"],
    })
    .argument(
      "<source>",
      "a client or its address; a node or its address (what the host itself sends); or any address, with --at",
      party,
    )
    .argument("<destination>", "an address, a client or a node", party)
    .option("--app <dir>", "directory of the app's cdktf.json", ".")
    .option("--from <dir>", "synthesized output (cdktf.out) in place of the app")
    .option("--stack <name>", "the stack that is meant, where there are several")
    .option("--at <place>", "where it comes from: a client, a node, node/interface (it came in there), node/uplink, or internet")
    .option("--down <node/iface>", "without this interface; may be given again", several)
    .option("--dead <exit>", "while this exit does not answer: failovers take their next one; may be given again", several)
    .option("--size <bytes>", "whole packet, with its IP header", number(20, 65_535), 84)
    .option("--df", "may not be cut into fragments")
    .option("--ttl <n>", "time to live", number(1, 255), 64)
    .addOption(new Option("--protocol <name>", "what it carries").choices(["icmp", "udp", "tcp"]).default("icmp"))
    .option("--port <n>", "destination port, of TCP or UDP: what a forward asks for", number(1, 65_535))
    .option("--state <file>", "what 'terraform state pull' printed: shows addresses that only Terraform knows")
    .option("--why", "show the lines of configuration that decided, host by host")
    .runs((source: string, destination: string, options: TraceOptions) => traceVerb({ source, destination }, options));
}

const several = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];

/** What looks like an address is one. */
function party(text: string): string {
  if (!/^[\d.]+$/.test(text)) return text;
  try {
    return Ipv4Address.parse(text).toString();
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,5}$/.test(text) || Number(text) < least || Number(text) > most)
      throw new InvalidArgumentError(`write a whole number from ${least} to ${most}.`);
    return Number(text);
  };
}

/** Prints the way of one packet. Returns the exit status. */
export async function traceVerb(asked: Pick<Asked, "source" | "destination">, options: TraceOptions): Promise<number> {
  const state = options.state === undefined ? undefined : TerraformState.read(options.state);
  const out = Output.of(options);
  const stack = await networkOf(options, out);
  const found = withNames(follow(stack, asked, options), stack.wiring, (address) => state?.value(address));
  // The files may be somebody else's (--from).
  const shown = mapTexts(found, plain);
  // Whom no failover takes elsewhere.
  const lost = found.verdict.end === "left" && options.dead?.includes(found.verdict.at) === true;
  const end = lost ? [`${shown.verdict.at} is dead, and nothing takes its place for this packet`] : endLines(shown);
  out.result({ ...found, ...(lost ? { lostAt: found.verdict.at } : {}) }, () =>
    [...hopText(shown, options.why, out.width), "", ...end, ""].join("\n"),
  );
  return isAnswered(found) && !lost ? exitStatus.done : exitStatus.found;
}

/** A table; where a terminal is narrower than that, lines for each hop. */
export function hopText(found: Pick<Trace, "hops">, why = false, width = Infinity): string[] {
  if (hopLines(found).every((line) => line.length <= width)) return hopLines(found, why);
  return found.hops.flatMap((hop, index) => [
    ...(index === 0 ? [] : [""]),
    ...block(["HOP", ...hopHead], [String(index + 1), ...hopRow(hop)]),
    ...(why ? hop.lines.map((line) => `  ${line}`) : []),
  ]);
}

function follow(stack: SynthesizedStack, asked: Pick<Asked, "source" | "destination">, options: TraceOptions): Trace {
  const { at, down = [], dead = [], size, ttl, protocol, df, port } = options;
  if (port !== undefined && protocol === "icmp")
    throw new CliError(`--port ${port}: ICMP has no ports; add --protocol tcp, or --protocol udp`);
  try {
    const whole = World.of(stack);
    requireInterfaces(whole, down);
    const question = questionOf(stack, whole, { ...asked, ...(at === undefined ? {} : { at }) });
    const packet = {
      sizeBytes: size,
      ttl,
      protocol,
      ...(df === undefined ? {} : { dontFragment: true }),
      ...(port === undefined ? {} : { port }),
    };
    const world = dead.length === 0 ? whole.with({ down }) : worldWithout(stack, dead, down);
    return trace(world, { ...question, ...packet });
  } catch (error) {
    // Files that the trace cannot read, or a place that is not there.
    throw error instanceof CliError ? error : new CliError(messageOf(error));
  }
}

function worldWithout(stack: SynthesizedStack, dead: readonly string[], down: readonly string[]): World {
  try {
    return new NetworkTrace(stack).whileDead(dead, down);
  } catch (error) {
    throw error instanceof NoFailover ? new CliError(`--dead ${error.message}`) : error;
  }
}

function requireInterfaces({ hosts }: World, down: readonly string[]): void {
  const known = [...hosts.values()].flatMap(({ name, interfaces }) => [...interfaces.keys()].map((iface) => `${name}/${iface}`));
  const unknown = down.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new CliError(`--down ${unknown}: there is no such interface; there are ${known.join(", ")}`);
}
