import type { InterfacePlan, PeerPlan } from "../plan/host-plan";

/**
 * What wg-quick runs on every interface; an object of its own for Terraform, since a change of them must be delivered like any other.
 * `ready` fails unless the rules that close the host stand, and wg-quick then brings nothing up; `up` gives what is not in the file (addresses and
 * peers that have changed since, the pre-shared key).
 */
export const wgQuickHooks: readonly string[] = [
  "PreUp = /usr/local/lib/wgchain/wgchain-host ready %i",
  "PostUp = wg set %i private-key /etc/wgchain/keys/%i.key",
  "PostUp = /usr/local/lib/wgchain/wgchain-host up %i",
];

/** Where wgchain is not: the key stands beside the file, as its owner put it there. */
export const unmanagedHooks: readonly string[] = ["PostUp = wg set %i private-key /etc/wireguard/%i.key"];

/**
 * A file that wg-quick(8) takes. Private and pre-shared keys stay in files of their own on the host; routes and rules are not wg-quick's here.
 */
export function renderWgQuick(one: InterfacePlan, unmanaged = false): string {
  const lines = [
    unmanaged
      ? "# made by wgchain, for who keeps this host: what the other ends count on; the private key goes into a file beside this one"
      : "# made by wgchain; changes are overwritten by the next deploy",
    "[Interface]",
    ...one.addresses.map((address) => `Address = ${address.toString()}`),
    `ListenPort = ${one.listenPort}`,
    `MTU = ${one.mtuBytes}`,
    "Table = off",
    ...(unmanaged ? unmanagedHooks : wgQuickHooks),
    ...one.peers.map(peerText),
  ];
  return `${lines.join("\n")}\n`;
}

/** Of a peer one text, not a list of lines: there are thousands. */
function peerText({ name, publicKey, allowedIps, endpoint, keepaliveSeconds }: PeerPlan): string {
  const allowed = allowedIps.map(String).sort().join(", ");
  let text = `\n# ${name}\n[Peer]\nPublicKey = ${publicKey}\nAllowedIPs = ${allowed}`;
  if (endpoint !== undefined) text += `\nEndpoint = ${endpoint.address.toString()}:${endpoint.port}`;
  if (keepaliveSeconds !== 0) text += `\nPersistentKeepalive = ${keepaliveSeconds}`;
  return text;
}
