import type { WgInterface } from "../trace/host";
import type { Obligation } from "./obligations";

/** What wg-quick brings up at boot is what the trace walked through, and nothing that wg-quick would do of its own. */
export const wgQuickAgrees: Obligation = ({ trace }, fail) => {
  for (const host of trace.world.hosts.values()) {
    for (const iface of host.interfaces.values()) {
      const file = `etc/wireguard/${iface.name}.conf`;
      const wanted = new Set(linesWanted(iface, host.wired.kind === "unmanaged"));
      const found = linesOf(trace.stack.files[host.name]?.[file] ?? "");
      const missing = [...wanted].find((line) => !found.has(line));
      const extra = [...found].find((line) => !wanted.has(line));
      if (missing === undefined && extra === undefined) continue;
      const lacks = missing === undefined ? `has '${extra ?? ""}', which they do not say` : `lacks '${missing}'`;
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
    if (line.startsWith("PublicKey = ")) peer = `${line.slice("PublicKey = ".length)} `;
    found.add(peer + line);
  }
  return found;
}

const hooks = [
  "PreUp = /usr/local/lib/wgchain/wgchain-host ready %i",
  "PostUp = wg set %i private-key /etc/wgchain/keys/%i.key",
  "PostUp = /usr/local/lib/wgchain/wgchain-host up %i",
];
/** Where nothing is delivered there is no program, and the owner's key stands beside the file. */
const unmanagedHooks = ["PostUp = wg set %i private-key /etc/wireguard/%i.key"];

function linesWanted({ mtuBytes, listenPort, addresses, peers }: WgInterface, unmanaged: boolean): readonly string[] {
  return [
    "Table = off",
    `MTU = ${mtuBytes}`,
    `ListenPort = ${listenPort}`,
    ...addresses.map((address) => `Address = ${address.toString()}`),
    ...(unmanaged ? unmanagedHooks : hooks),
    ...[...peers.values()].flatMap(({ publicKey, line }) => {
      const [, , endpoint = "", allowed = "", keepalive = ""] = line.text.split("\t");
      const settings = [
        `PublicKey = ${publicKey}`,
        `AllowedIPs = ${allowed.replaceAll(",", ", ")}`,
        ...(endpoint === "(none)" ? [] : [`Endpoint = ${endpoint}`]),
        ...(keepalive === "off" ? [] : [`PersistentKeepalive = ${keepalive}`]),
      ];
      return settings.map((setting) => `${publicKey} ${setting}`);
    }),
  ];
}
