import type { InterfacePlan, PeerPlan } from "../plan/host-plan";

/** A file that wg-quick(8) takes. The private key stays in a file of its own on the host; routes and rules are not wg-quick's here. */
export function renderWgQuick(one: InterfacePlan): string {
  const lines = [
    "# made by wgchain; changes are overwritten by the next deploy",
    "[Interface]",
    ...one.addresses.map((address) => `Address = ${address.toString()}`),
    `ListenPort = ${one.listenPort}`,
    `MTU = ${one.mtuBytes}`,
    "Table = off",
    "PostUp = wg set %i private-key /etc/wgchain/keys/%i.key",
    "PostUp = /usr/local/lib/wgchain/wgchain-host up %i",
    ...one.peers.flatMap(peerLines),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function peerLines(peer: PeerPlan): string[] {
  return [
    "",
    `# ${peer.name}`,
    "[Peer]",
    `PublicKey = ${peer.publicKey}`,
    `AllowedIPs = ${peer.allowedIps.map(String).sort().join(", ")}`,
    ...(peer.endpoint === undefined ? [] : [`Endpoint = ${peer.endpoint.address.toString()}:${peer.endpoint.port}`]),
    ...(peer.keepaliveSeconds === 0 ? [] : [`PersistentKeepalive = ${peer.keepaliveSeconds}`]),
  ];
}
