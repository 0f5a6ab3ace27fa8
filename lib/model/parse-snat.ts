import type { Ipv4Address } from "../address";
import { ParseError } from "../problem";
import type { ParseContext } from "./context";
import type { Node, Tunnel } from "./model";

/** The address that a policy's traffic leaves with: of the label, or else the tunnel's own. */
export function parseSnat(
  labelPath: string | undefined,
  node: Node,
  via: Tunnel | "uplink",
  context: ParseContext,
): Ipv4Address | undefined {
  if (via === "uplink") {
    if (labelPath !== undefined) {
      throw new ParseError("label-on-uplink", "snat names a label, but via is the uplink, which masquerades; leave snat out");
    }
    if (!node.exit) {
      throw new ParseError("not-an-exit", `via is the uplink, but '${node.name}' is no exit; set exit: true on it`);
    }
    return undefined;
  }
  if (via.client.node !== node) {
    throw new ParseError(
      "via-not-ours",
      `via is tunnel '${via.name}', whose client end is '${via.client.node.name}' and not '${node.name}'; traffic goes from a tunnel's client end to its server end`,
    );
  }
  if (labelPath === undefined) {
    if (via.clientAddress === undefined) {
      throw new ParseError(
        "no-snat",
        `needs snat: tunnel '${via.name}' has no clientAddress to leave with; name a SnatLabel or set clientAddress on the tunnel`,
      );
    }
    return via.clientAddress;
  }
  const label = context.labels.get(labelPath);
  if (label !== undefined && label.tunnel !== via) {
    throw new ParseError(
      "label-of-other-tunnel",
      `snat '${label.name}' is a label of tunnel '${label.tunnel.name}', but via is '${via.name}'`,
    );
  }
  return label?.address;
}
