/** What is read of an IPv4 packet. */
export interface Seen {
  /** Names the packet of ours that this is, answers, or quotes: "icmp 12" by its ICMP id, "udp 20012" by the port it was for. */
  readonly key: string;
  readonly kind: "request" | "reply" | "error";
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  /** Of an error: e.g. "expired", "too-big 1380", "unreachable 1". */
  readonly says?: string;
}

interface Ip {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly ttl: number;
  readonly payload: Buffer;
}

/** Undefined: none of ours, or a later fragment. */
export function readPacket(data: Buffer): Seen | undefined {
  const ip = readIp(data);
  if (ip === undefined || ip.payload.length < 8) return undefined;
  const { source, destination, ttl, payload } = ip;
  const seen = (kind: Seen["kind"], key: string, says?: string): Seen => ({
    key,
    kind,
    source,
    destination,
    ttl,
    ...(says === undefined ? {} : { says }),
  });
  if (ip.protocol === 6) return seen(...ported("tcp", payload));
  if (ip.protocol === 17) return seen(...ported("udp", payload));
  if (ip.protocol !== 1) return undefined;
  const [type, code] = [payload.readUInt8(0), payload.readUInt8(1)];
  if (type === 8 || type === 0) return seen(type === 8 ? "request" : "reply", `icmp ${payload.readUInt16BE(4)}`);
  if (type !== 3 && type !== 11) return undefined;
  const quoted = readPacket(payload.subarray(8));
  if (quoted === undefined) return undefined;
  // How a host answers UDP that nobody listens to.
  if (type === 3 && code === 3) return seen("reply", quoted.key);
  const says = type === 11 ? "expired" : code === 4 ? `too-big ${payload.readUInt16BE(6)}` : `unreachable ${code}`;
  // An error about an answer is no error about the packet.
  return quoted.kind === "request" ? seen("error", quoted.key, says) : undefined;
}

/** Of the two ports the one of ours is the server's. */
function ported(protocol: string, payload: Buffer): ["request" | "reply", string] {
  const [from, to] = [payload.readUInt16BE(0), payload.readUInt16BE(2)];
  const request = to >= 20_000 && to < 32_000;
  return [request ? "request" : "reply", `${protocol} ${request ? to : from}`];
}

function readIp(data: Buffer): Ip | undefined {
  if (data.length < 20 || data.readUInt8(0) >> 4 !== 4) return undefined;
  if ((data.readUInt16BE(6) & 0x1fff) !== 0) return undefined;
  return {
    protocol: data.readUInt8(9),
    ttl: data.readUInt8(8),
    source: [...data.subarray(12, 16)].join("."),
    destination: [...data.subarray(16, 20)].join("."),
    payload: data.subarray((data.readUInt8(0) & 15) * 4),
  };
}
