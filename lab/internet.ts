import { labProgram } from "./files";
import type { Host } from "./host";
import { internetAddress } from "./plan";

/** Starts the server in the internet host; it ends with the host. */
export async function startInternetServer(host: Host): Promise<void> {
  const command = labProgram("internet-server")
    .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
  await host.sh(
    `setsid ${command} </dev/null >/run/internet-server.log 2>&1 &
     end=$((SECONDS + 20))
     until curl --silent --output /dev/null --max-time 1 http://${internetAddress}/; do
       [ "$SECONDS" -lt "$end" ] || { cat /run/internet-server.log >&2; exit 1; }
       sleep 0.02
     done`,
  );
}
