import type { TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { Assertion } from "../lib/assert/assertions";
import type { ProvenNetwork } from "../lib/assert/proven-network";
import { WgClient } from "./client-interface";
import { WgNetwork } from "./network";
import { onDemand } from "./on-demand";
import { WgNode } from "./wg-node";
import { WgTunnel } from "./wg-tunnel";

/** A client (all its addresses), by name or as it was made; or an address, whether somebody has it or not; or a prefix that a policy names. */
export type ProofSource = string | WgClient;

/** What every address of a source is asserted to do. */
export interface ExitAssertionProps {
  /** The address that the world sees; for a Google VM the Terraform address. @default any of the node's */
  readonly as?: string;
}

/**
 * What you assert of your network's packets yourself, beside what is proved of every network. Held against the files that the hosts get; what does
 * not hold is a problem of synth, at the path of the construct that `of` was given.
 */
export class Proof {
  private constructor(
    private readonly network: WgNetwork,
    private readonly path: string,
  ) {}

  /** Of the network that the construct is in: a stack, an `ExitNetwork`, any construct. */
  static of(scope: Construct): Proof {
    return new Proof(WgNetwork.of(scope), scope.node.path);
  }

  /** It leaves there, with that host's address (or with `as`), and is answered. */
  toExit(source: ProofSource, node: WgNode | string, props: ExitAssertionProps = {}): this {
    return this.assert(source, onDemand.assertions().toExit(nameOf(source), nameOf(node), props.as));
  }

  /** It comes neither to the internet, nor to another host of the network, nor to an exit's metadata server. */
  toReachNothing(source: ProofSource): this {
    return this.assert(source, onDemand.assertions().toReachNothing(nameOf(source)));
  }

  /** A traceroute shows just these addresses before the target. */
  toTakeHops(source: ProofSource, hops: readonly string[]): this {
    return this.assert(source, onDemand.assertions().toTakeHops(nameOf(source), hops));
  }

  /** It leaves by that tunnel ("node/interface"), and nowhere while the tunnel is down. */
  toStayClosedWithout(source: ProofSource, tunnel: WgTunnel | string): this {
    return this.assert(source, onDemand.assertions().toStayClosedWithout(nameOf(source), tunnelName(tunnel)));
  }

  /** Whatever can be asked of the traced network; also an error thrown by `predicate` is a problem of synth. */
  holds(what: string, predicate: (network: ProvenNetwork) => boolean): this {
    this.network.addAssertion({
      path: this.path,
      words: what,
      failures: (network) => {
        const result: unknown = predicate(network);
        if (typeof result === "boolean") return result ? [] : ["the predicate is false"];
        throw new Error(`the predicate gave ${result instanceof Promise ? "a Promise" : typeof result}; return true or false`);
      },
    });
    return this;
  }

  private assert(source: ProofSource, assertion: Assertion): this {
    const { traceLine } = onDemand.showTrace();
    this.network.addAssertion({
      path: this.path,
      words: `${nameOf(source)} should ${assertion.what}`,
      failures: (network) =>
        assertion
          .findings(network)
          .filter(({ holds }) => !holds)
          .map(({ who, seen, trace }) => `${who} ${seen}; ${traceLine(trace())}`),
    });
    return this;
  }
}

/** The network of a stack, to be asked in tests; writes nothing. Throws all problems of it, as synth would. */
export function provenNetwork(stack: TerraformStack): ProvenNetwork {
  const network = stack.node.tryFindChild(WgNetwork.id);
  if (network instanceof WgNetwork) return network.proven();
  throw new Error(`stack '${stack.node.id}' holds no network of wgchain's constructs; make a WgNode in it first`);
}

/** As the trace knows it. @internal */
export const nameOf = (one: WgClient | WgNode | string): string =>
  one instanceof WgClient ? one.node.id : one instanceof WgNode ? one.name : one;

/** @internal */
export const tunnelName = (tunnel: WgTunnel | string): string => (tunnel instanceof WgTunnel ? tunnel.clientInterface : tunnel);
