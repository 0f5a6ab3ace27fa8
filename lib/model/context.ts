import type { KeyIntent } from "../intent";
import { parsePskDigest, parsePublicKey } from "../key";
import type { Problems } from "../problem";
import type { ClientInterface, Label, Node, Tunnel } from "./model";

/** What is shared while an intent is parsed: things by their construct's path, and the problems so far. */
export interface ParseContext {
  readonly problems: Problems;
  readonly nodes: Map<string, Node>;
  readonly tunnels: Map<string, Tunnel>;
  readonly labels: Map<string, Label>;
  readonly clientInterfaces: Map<string, ClientInterface>;
  /** Listen port by "node/interface". */
  readonly ports: ReadonlyMap<string, number>;
  readonly incomplete: { readonly arrivals: Set<string>; readonly policies: Set<string> };
}

/** Paths of nodes of which something did not parse: what is missed there only for that is no problem of its own. */
export interface Incomplete {
  readonly arrivals: ReadonlySet<string>;
  readonly policies: ReadonlySet<string>;
}

/** How a missing public key of a node's interface is mended; undefined: by `wgchain keys`. */
export const keyMend = (node: Node): string | undefined =>
  node.kind === "unmanaged" ? "its host is somebody else's: put the output of 'wg pubkey' there into it" : undefined;

/** Missing is a problem of its own code, the one that `wgchain keys` mends. */
export function parseKey(
  key: KeyIntent,
  path: string,
  what: string,
  problems: Problems,
  mend = "run 'wgchain keys' to make it",
): string | null {
  const { text } = key;
  if (text === undefined) {
    problems.report("missing-public-key", path, `${what} has no public key: ${key.source} is not there; ${mend}`);
    return null;
  }
  return problems.attempt(path, () => parsePublicKey(text, `public key of ${what} (${key.source})`)) ?? null;
}

/** The same for a pre-shared key, of which there is only the digest. */
export function parsePsk(psk: KeyIntent, path: string, problems: Problems): string | null {
  const { text } = psk;
  if (text === undefined) {
    const message = `the tunnel has no pre-shared key: its digest ${psk.source} is not there; run 'wgchain keys' to make both`;
    problems.report("missing-preshared-key", path, message);
    return null;
  }
  return problems.attempt(path, () => parsePskDigest(text, `digest of the pre-shared key (${psk.source})`)) ?? null;
}
