/** What a deploy brings; peers undefined: the app does not synthesize yet. */
export interface Planned {
  readonly mtuBytes: number;
  readonly port: number;
  readonly addresses: readonly string[];
  readonly peers: readonly PlannedPeer[] | undefined;
}

interface Peer {
  readonly publicKey: string;
  readonly endpoint: string;
  readonly allowedIps: readonly string[];
  readonly keepalive: string;
  readonly preshared: boolean;
}

interface PlannedPeer extends Peer {
  readonly name: string;
}

/** Of the interface as it is, by the lines of `wgchain-host adopt`, against what is planned, in lines for people. */
export function difference(lines: readonly (readonly string[])[], planned: Planned): readonly string[] {
  const of = (source: string, kind: string): readonly (readonly string[])[] =>
    lines.filter(([first, second]) => first === source && second === kind).map((fields) => fields.slice(2));
  const up = of("live", "state").length > 0;
  const source = up ? "live" : "conf";
  const word = (kind: string): string | undefined => of(source, kind)[0]?.[0];
  const addresses = of(source, "address").map(([text = ""]) => text);
  const peers = of(source, "peer").map(([publicKey = "", endpoint = "", allowed = "", keepalive = "", preshared = ""]) => ({
    ...{ publicKey, endpoint, keepalive },
    allowedIps: allowed.split(",").filter((text) => text !== "" && text !== "(none)"),
    preshared: preshared === "yes",
  }));

  const changes = [
    ...changed("listen port", word("port"), String(planned.port)),
    ...changed("MTU", word("mtu"), String(planned.mtuBytes)),
    ...planned.addresses.filter((one) => !addresses.includes(one)).map((one) => `address ${one}: added`),
    ...addresses.filter((one) => !planned.addresses.includes(one)).map((one) => `address ${one}: removed`),
    ...(planned.peers === undefined ? [] : peerChanges(peers, planned.peers)),
  ];
  const unknown =
    planned.peers === undefined
      ? [
          `its ${peers.length} peers cannot be compared yet, for public or pre-shared keys are missing: wgchain keys; a peer that is not in your network is removed`,
        ]
      : [];
  const left = [...of("live", "route").map(([text]) => `route ${text}`), ...of("live", "rule").map(([text]) => `rule ${text}`)];
  const mark = of("live", "fwmark").map(([text]) => `fwmark ${text}`);
  const hooks = of("conf", "hook").map(([text = ""]) => text);
  return [
    ...section(
      up
        ? "the next deploy changes in place, without a restart:"
        : "the interface is down; the next deploy starts it, changed in:",
      [...changes, ...unknown],
      "nothing: it is as planned",
    ),
    ...section("stays until the interface is restarted, which no deploy does:", [...mark, ...left]),
    ...section(
      "WARNING: hooks of the old file, which the deploy's file does not have. What they did stays, nothing undoes it:",
      hooks,
    ),
  ];
}

const changed = (what: string, from: string | undefined, to: string): string[] =>
  from === to ? [] : [`${what}: ${from ?? "not set"} -> ${to}`];

function section(title: string, rows: readonly string[], none?: string): string[] {
  const shown = rows.length === 0 && none !== undefined ? [none] : rows;
  return shown.length === 0 ? [] : [`  ${title}`, ...shown.map((row) => `    ${row}`)];
}

function peerChanges(found: readonly Peer[], planned: readonly PlannedPeer[]): string[] {
  const missing = found.filter((peer) => !planned.some(({ publicKey }) => publicKey === peer.publicKey));
  return [
    ...planned.flatMap((peer) => {
      const label = `peer ${peer.name === "" ? peer.publicKey : `${peer.name} (${peer.publicKey})`}`;
      const former = found.find(({ publicKey }) => publicKey === peer.publicKey);
      if (former === undefined) return [`${label}: added`];
      // A client's endpoint is wherever it is; only one that is planned is set.
      const endpoint = peer.endpoint === "(none)" ? [] : changed("endpoint", former.endpoint, endpointText(peer.endpoint));
      return [
        ...changed("allowed IPs", list(former.allowedIps), list(peer.allowedIps)),
        ...endpoint,
        ...changed("keepalive", former.keepalive, peer.keepalive),
        ...changed("pre-shared key", yes(former.preshared), yes(peer.preshared)),
      ].map((text) => `${label}: ${text}`);
    }),
    ...missing.map(({ publicKey }) => `peer ${publicKey}: removed`),
  ];
}

const endpointText = (text: string): string => text.replace(/@\{[^}]*\}/, "(known at deploy)");
const yes = (is: boolean): string => (is ? "yes" : "none");
const list = (prefixes: readonly string[]): string =>
  prefixes
    .map((text) => (text.includes("/") ? text : `${text}/32`))
    .sort()
    .join(", ");
