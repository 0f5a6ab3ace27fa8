// Loads the types that are added to below; whoever has jest has them.
import type {} from "expect";
import * as assertions from "../lib/assert/assertions";
import { ProvenNetwork } from "../lib/assert/proven-network";
import { endLines, hopLines } from "../lib/assert/show-trace";
import { nameOf, tunnelName, type ExitAssertionProps, type ProofSource } from "./proof";
import type { WgNode } from "./wg-node";
import type { WgTunnel } from "./wg-tunnel";

/** Importing this gives jest's `expect` matchers for `provenNetwork(stack)`. */
export interface NetworkMatchers<R> {
  /** It leaves there, with that host's address, and is answered. With `.not`: none of its addresses does. */
  toExit(source: ProofSource, node: WgNode | string, props?: ExitAssertionProps): R;
  /** It comes neither to the internet, nor to another host of the network, nor to an exit's metadata server. */
  toReachNothing(source: ProofSource): R;
  /** A traceroute shows just these addresses before the target. */
  toTakeHops(source: ProofSource, hops: readonly string[]): R;
  /** It leaves by that tunnel ("node/interface"), and nowhere while the tunnel is down. */
  toStayClosedWithout(source: ProofSource, tunnel: WgTunnel | string): R;
}

/* eslint-disable @typescript-eslint/no-namespace, @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type */
declare global {
  namespace jest {
    interface Matchers<R, T> extends NetworkMatchers<R> {}
  }
}
// What @jest/globals has.
declare module "expect" {
  interface Matchers<R extends void | Promise<void>, T> extends NetworkMatchers<R> {}
}
/* eslint-enable */

interface Context {
  readonly isNot?: boolean;
}

interface Result {
  readonly pass: boolean;
  readonly message: () => string;
}

/** For `expect.extend(matchers)`, where `expect` is no global (jest's injectGlobals is off). */
export const matchers = {
  toExit(this: Context, network: unknown, source: ProofSource, node: WgNode | string, { as }: ExitAssertionProps = {}): Result {
    return result(this, "toExit", network, assertions.toExit(nameOf(source), nameOf(node), as));
  },
  toReachNothing(this: Context, network: unknown, source: ProofSource): Result {
    return result(this, "toReachNothing", network, assertions.toReachNothing(nameOf(source)));
  },
  toTakeHops(this: Context, network: unknown, source: ProofSource, hops: readonly string[]): Result {
    return result(this, "toTakeHops", network, assertions.toTakeHops(nameOf(source), hops));
  },
  toStayClosedWithout(this: Context, network: unknown, source: ProofSource, tunnel: WgTunnel | string): Result {
    return result(this, "toStayClosedWithout", network, assertions.toStayClosedWithout(nameOf(source), tunnelName(tunnel)));
  },
};

/** Whatever is no network, and a name that is nobody's, is an error, with `.not` as well. */
function result({ isNot = false }: Context, name: string, network: unknown, { what, findings }: assertions.Assertion): Result {
  if (!(network instanceof ProvenNetwork)) {
    const got = network === null ? "null" : typeof network;
    throw new Error(
      `expect(...).${name} takes the network of a stack, and got ${got}; write expect(provenNetwork(stack)).${name}(...)`,
    );
  }
  const wrong = findings(network).filter(({ holds }) => holds === isNot);
  const message = (): string =>
    wrong
      .map(({ who, seen, trace }) => {
        const shown = trace();
        const lines = [...hopLines(shown), "", ...endLines(shown)].map((line) => `  ${line}`.trimEnd());
        return [`${who} should ${isNot ? "not " : ""}${what}, but ${seen}`, "", ...lines].join("\n");
      })
      .join("\n\n");
  return { pass: isNot ? wrong.length > 0 : wrong.length === 0, message };
}

const { expect } = globalThis as { readonly expect?: { extend(added: object): void } };
expect?.extend(matchers);
