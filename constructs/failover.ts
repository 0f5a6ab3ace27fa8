import type { PolicyIntent } from "../lib/intent";
import { probing } from "../lib/model/numbers";
import type { Problem } from "../lib/problem";
import type { SnatLabel } from "./snat-label";
import type { SourcePolicyProps } from "./source-policy";
import type { WgTunnel } from "./wg-tunnel";

/**
 * How a node measures exits: by a ping through each, from the label that its traffic has there. Whether an interface is up says nothing, and a tunnel's
 * handshake nothing of what is behind it.
 */
export interface FailoverProps {
  /** IPv4 addresses in the internet, 1 to 4; an exit is alive while any of them answers through it. @default ["1.1.1.1", "8.8.8.8"] */
  readonly targets?: readonly string[];
  /** Seconds between two measurements of an exit, 1 to 60. @default 1 */
  readonly intervalSeconds?: number;
  /** So many measurements without an answer in a row, 1 to 60, and the exit is dead: sources go to the next at once. @default 3 */
  readonly failures?: number;
  /** So many answers in a row, 1 to 60, and it is alive again. @default 5 */
  readonly successes?: number;
  /** Seconds, 0 to 86400, for which a better exit must have been alive before sources go back to it: one that comes and goes moves them once. @default 60 */
  readonly holdSeconds?: number;
}

/** What is written of a policy's way, and what is wrong with it that only constructs can tell. */
export interface Choices {
  readonly intent?: Pick<PolicyIntent, "via" | "label" | "failover">;
  readonly problem?: Pick<Problem, "code" | "message">;
}

/** What a policy sends by, its choices in order. */
export function choicesOf({ via, snat, failover }: SourcePolicyProps): Choices {
  const labels: readonly SnatLabel[] = snat === undefined ? [] : [snat].flat();
  const tunnels: readonly WgTunnel[] = via === "uplink" ? [] : [via].flat();
  const [first, ...others] = tunnels;
  if (failover !== undefined && others.length === 0) {
    return wrong(
      "failover-without-choice",
      "failover is set, but via names one way only; name several tunnels in via, or leave failover out",
    );
  }
  if (via === "uplink") return { intent: { via, ...labelled(labels[0]) } };
  if (first === undefined) return wrong("no-choice", "via is empty; name at least one tunnel");
  if (others.length === 0 && labels.length < 2) return { intent: { via: { tunnel: first.node.path }, ...labelled(labels[0]) } };
  const stray = labels.find(
    (label, index) => !tunnels.includes(label.tunnel) || labels.findIndex(({ tunnel }) => tunnel === label.tunnel) < index,
  );
  if (stray !== undefined) {
    const why = tunnels.includes(stray.tunnel) ? "which has another one in snat" : "which is not in via";
    return wrong(
      "label-of-other-tunnel",
      `snat '${stray.node.id}' is a label of tunnel '${stray.tunnel.node.id}', ${why}; name one label a tunnel`,
    );
  }
  const labelOf = (tunnel: WgTunnel): SnatLabel | undefined => labels.find((label) => label.tunnel === tunnel);
  return {
    intent: {
      via: { tunnel: first.node.path },
      ...labelled(labelOf(first)),
      failover: {
        others: others.map((tunnel) => ({ tunnel: tunnel.node.path, ...labelled(labelOf(tunnel)) })),
        targets: failover?.targets ?? probing.targets,
        intervalSeconds: failover?.intervalSeconds ?? probing.intervalSeconds.normal,
        failures: failover?.failures ?? probing.failures.normal,
        successes: failover?.successes ?? probing.successes.normal,
        holdSeconds: failover?.holdSeconds ?? probing.holdSeconds.normal,
      },
    },
  };
}

const wrong = (code: string, message: string): Choices => ({ problem: { code, message } });
const labelled = (label: SnatLabel | undefined): { readonly label?: string } =>
  label === undefined ? {} : { label: label.node.path };
