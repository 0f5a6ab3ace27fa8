import type { Peer, WgInterface } from "../trace/host";
import type { Obligation } from "./obligations";

/** What wg-quick brings up at boot is what the trace walked through, and nothing that wg-quick would do of its own. */
export const wgQuickAgrees: Obligation = ({ trace }, fail) => {
  for (const host of trace.world.hosts.values()) {
    for (const iface of host.interfaces.values()) {
      const file = `etc/wireguard/${iface.name}.conf`;
      const text = trace.stack.files[host.name]?.[file] ?? "";
      const own = ownSettings(iface, host.wired.kind === "unmanaged");
      if (isWhole(text, own, iface)) continue;
      const wanted = new Set([
        ...own,
        ...[...iface.peers.values()].flatMap((peer) => settingsOf(peer).map((one) => `${peer.publicKey} ${one}`)),
      ]);
      const found = linesOf(text);
      const missing = [...wanted].find((line) => !found.has(line));
      const extra = [...found].find((line) => !wanted.has(line));
      const sections = text.split("\n").filter((line) => line.startsWith("["));
      const lacks =
        missing !== undefined
          ? `lacks '${missing}'`
          : extra !== undefined
            ? `has '${extra}', which they do not say`
            : sections.join() === ["[Interface]", ...[...iface.peers].map(() => "[Peer]")].join()
              ? undefined
              : `its sections are ${sections.slice(0, 5).join(", ")}`;
      if (lacks === undefined) continue;
      const message = `${host.name}:/${file} should bring ${iface.name} up as the state files say (${iface.line.file ?? ""}, addresses, peers), but ${lacks}`;
      fail({ code: "proof-wg-quick", node: host.name, client: null, message });
    }
  }
};

/** One line a setting; a peer's begin with its key. */
function linesOf(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  let peer = "";
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#") || line.startsWith("[")) continue;
    if (line.startsWith(keyIs)) peer = `${line.slice(keyIs.length)} `;
    found.add(peer + line);
  }
  return found;
}

/**
 * Whether each section has its settings and no others, every peer once, in any order of sections. What is written otherwise and means the same is left to
 * the comparison line by line, which takes several times as long for thousands of peers.
 */
function isWhole(text: string, own: readonly string[], { peers }: WgInterface): boolean {
  const seen = new Set<Peer>();
  let wanted: readonly string[] = ["[Interface]", ...own];
  let at = 0;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (line === "[Peer]" && at === wanted.length) [wanted, at] = [nobody, 0];
    else if (wanted === nobody) {
      const peer = line.startsWith(keyIs) ? peers.get(line.slice(keyIs.length)) : undefined;
      if (peer === undefined || seen.has(peer)) return false;
      seen.add(peer);
      [wanted, at] = [settingsOf(peer), 1];
    } else if (line !== wanted[at++]) return false;
  }
  return wanted !== nobody && at === wanted.length && seen.size === peers.size;
}

/** A section has begun, and its key not come. */
const nobody: readonly string[] = [];
const keyIs = "PublicKey = ";
const hooks = [
  "PreUp = /usr/local/lib/wgchain/wgchain-host ready %i",
  "PostUp = wg set %i private-key /etc/wgchain/keys/%i.key",
  "PostUp = /usr/local/lib/wgchain/wgchain-host up %i",
];
/** Where nothing is delivered there is no program, and the owner's key stands beside the file. */
const unmanagedHooks = ["PostUp = wg set %i private-key /etc/wireguard/%i.key"];

const ownSettings = ({ mtuBytes, listenPort, addresses }: WgInterface, unmanaged: boolean): readonly string[] => [
  ...addresses.map((address) => `Address = ${address.toString()}`),
  `ListenPort = ${listenPort}`,
  `MTU = ${mtuBytes}`,
  "Table = off",
  ...(unmanaged ? unmanagedHooks : hooks),
];

/** The key first. */
function settingsOf({ publicKey, allowedIps, endpoint, keepalive }: Peer): readonly string[] {
  const settings = [keyIs + publicKey, `AllowedIPs = ${allowedIps.replaceAll(",", ", ")}`];
  if (endpoint !== undefined) settings.push(`Endpoint = ${endpoint}`);
  if (keepalive !== "off") settings.push(`PersistentKeepalive = ${keepalive}`);
  return settings;
}
