import type { Inventory, InventoryClient } from "../lib/inventory";
import type { Host } from "./host";
import { gatewayAddress } from "./plan";
import { LabError } from "./run";

/** What a person's machine gets: a wg-quick file with a full tunnel, its endpoint kept on the uplink. */
export function clientConfig(client: InventoryClient, inventory: Inventory, endpointAddress: string): string {
  const server = inventory.nodes
    .find(({ name }) => name === client.node)
    ?.interfaces.find(({ name }) => name === client.interface);
  if (server === undefined || server.publicKey === null)
    throw new LabError(`client '${client.name}': interface ${client.interface} of ${client.node} has no public key`);
  return [
    "[Interface]",
    ...client.addresses.map(({ address }) => `Address = ${address}/32`),
    `MTU = ${client.mtuBytes}`,
    "Table = off",
    "PostUp = wg set %i private-key /etc/wireguard/wg0.key",
    `PostUp = ip route replace ${endpointAddress}/32 via ${gatewayAddress} dev eth0 onlink`,
    "PostUp = ip route add 0.0.0.0/1 dev %i",
    "PostUp = ip route add 128.0.0.0/1 dev %i",
    "",
    "[Peer]",
    `PublicKey = ${server.publicKey}`,
    `Endpoint = ${endpointAddress}:${server.listenPort}`,
    "AllowedIPs = 0.0.0.0/0",
    "PersistentKeepalive = 25",
    "",
  ].join("\n");
}

/** Brings wg0 up with this file, or up again if the file has changed. Returns whether it did anything. */
export async function bringUp(host: Host, config: string): Promise<boolean> {
  const { stdout } = await host.sh(
    `new=$(cat)
     # Somebody made its pair elsewhere (wgchain client add): its owner brings it up.
     [ -s /etc/wireguard/wg0.key ] || exit 0
     if [ -d /sys/class/net/wg0 ] && [ "$new" = "$(cat /etc/wireguard/wg0.conf)" ]; then exit 0; fi
     install -d -m 0700 /etc/wireguard
     if [ -d /sys/class/net/wg0 ]; then wg-quick down wg0 >/dev/null 2>&1; fi
     # wireguard-go ends a moment after its interface
     for _ in {1..100}; do [ -S /var/run/wireguard/wg0.sock ] || break; sleep 0.05; done
     (umask 077; printf '%s\\n' "$new" >/etc/wireguard/wg0.conf)
     wg-quick up wg0 >/run/wg-quick.log 2>&1 || { cat /run/wg-quick.log >&2; exit 1; }
     echo changed`,
    { input: config, timeoutMs: 30_000 },
  );
  return stdout.includes("changed");
}
