import { Ipv4Address } from "../address";
import type { FailoverIntent } from "../intent";
import { parseInteger } from "../name";
import { ParseError } from "../problem";
import type { ParseContext } from "./context";
import type { Choice, Failover, Node, Probing, Tunnel } from "./model";
import { probing } from "./numbers";
import { parseSnat } from "./parse-snat";
import { notPublic } from "./targets";

/** The further choices of a policy whose first is `via`. */
export function parseFailover(intent: FailoverIntent, node: Node, via: Tunnel | "uplink", context: ParseContext): Failover {
  if (via === "uplink") {
    throw new ParseError(
      "uplink-as-choice",
      "via names several choices, the first of them the uplink, which is not measured; name tunnels only",
    );
  }
  const others = intent.others.flatMap(({ tunnel, label }): Choice[] => {
    const other = context.tunnels.get(tunnel);
    const snat = other === undefined ? undefined : parseSnat(label, node, other, context);
    return other === undefined || snat === undefined ? [] : [{ via: other, snat }];
  });
  const names = [via, ...others.map((choice) => choice.via)];
  const twice = names.find((tunnel, index) => names.indexOf(tunnel) !== index);
  if (twice !== undefined) throw new ParseError("choice-twice", `via names tunnel '${twice.name}' twice; name each choice once`);
  return { others, probing: parseProbing(intent) };
}

function parseProbing(intent: FailoverIntent): Probing {
  const within = (value: number, what: keyof FailoverIntent, { least, most }: { least: number; most: number }): number =>
    parseInteger(value, `failover.${what}`, least, most, "failover-out-of-range");
  return {
    targets: parseTargets(intent.targets),
    intervalSeconds: within(intent.intervalSeconds, "intervalSeconds", probing.intervalSeconds),
    failures: within(intent.failures, "failures", probing.failures),
    successes: within(intent.successes, "successes", probing.successes),
    holdSeconds: within(intent.holdSeconds, "holdSeconds", probing.holdSeconds),
  };
}

function parseTargets(texts: readonly string[]): Ipv4Address[] {
  if (texts.length < 1 || texts.length > probing.targetsMost) {
    throw new ParseError("probe-target", `failover.targets has ${texts.length} addresses; name 1 to ${probing.targetsMost}`);
  }
  if (new Set(texts).size < texts.length)
    throw new ParseError("probe-target", `failover.targets names ${texts.join(", ")}; name each once`);
  return texts.map((text) => {
    const address = Ipv4Address.parse(text, "failover.targets");
    const why = notPublic(address);
    if (why !== undefined) {
      throw new ParseError(
        "probe-target",
        `failover.targets has ${text}, ${why}, which no exit reaches; name hosts of the internet that answer a ping, e.g. 1.1.1.1`,
      );
    }
    return address;
  });
}
