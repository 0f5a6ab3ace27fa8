import { columns } from "../../lib/columns";
import { readInventory } from "../../app/run-app";
import type { AppOptions } from "./verbs";

/** Who there is, and where each leaves. */
export async function list({ app, json }: AppOptions): Promise<void> {
  const { clients, clientsFile } = await readInventory(app);
  const rows = clients.flatMap((client) =>
    client.addresses.map(({ address, promise }) => ({
      client: client.name,
      address,
      exit: promise?.exitNode ?? null,
      entry: `${client.node}/${client.interface}`,
      mtuBytes: client.mtuBytes,
      key: client.publicKey,
      ...(client.dns === undefined ? {} : { dns: client.dns }),
    })),
  );
  const revoked = Object.entries(clientsFile?.revoked ?? {}).map(([client, rest]) => ({ client, ...rest }));
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ clients: rows, revoked }, null, 2)}\n`);
    return;
  }
  const lines = [
    ["CLIENT", "ADDRESS", "LEAVES AT", "ENTERS AT", "MTU", "PUBLIC KEY"],
    ...rows.map(({ client, address, exit, entry, mtuBytes, key }) => [
      client,
      address,
      exit ?? "nowhere",
      entry,
      String(mtuBytes),
      key ?? "missing",
    ]),
  ];
  const gone = revoked.map(({ client, address, keptUntil }) => `revoked: ${client}; nobody gets ${address} before ${keptUntil}`);
  process.stdout.write(`${[...columns(lines), ...(gone.length > 0 ? ["", ...gone] : [])].join("\n")}\n`);
}
