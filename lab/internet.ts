import { labProgram } from "./files";
import type { Host } from "./host";

/**
 * Starts the server in the internet host, or in a machine of a scenario; it ends with the host. At `everyPort` it is reached by any TCP and UDP
 * port but those of a traceroute.
 */
export async function startInternetServer(host: Host, own: string, everyPort: readonly string[]): Promise<void> {
  const command = labProgram("internet-server", [...new Set([own, ...everyPort])])
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
  if (everyPort.length > 0) await host.exec(["nft", "-f", "-"], { input: everyPortOf(everyPort) });
  await host.sh(
    `setsid ${command} </dev/null >/run/internet-server.log 2>&1 &
     end=$((SECONDS + 20))
     until curl --silent --output /dev/null --max-time 1 http://${own}/; do
       [ "$SECONDS" -lt "$end" ] || { cat /run/internet-server.log >&2; exit 1; }
       sleep 0.02
     done`,
  );
}

function everyPortOf(addresses: readonly string[]): string {
  const rules = addresses.flatMap((address) => [
    `ip daddr ${address} meta l4proto tcp dnat to ${address}:80`,
    `ip daddr ${address} udp dport < 33434 dnat to ${address}:7`,
  ]);
  return `table ip every_port {\nchain ports {\ntype nat hook prerouting priority dstnat;\n${rules.join("\n")}\n}\n}\n`;
}
