import { readInventory } from "../../app/run-app";
import { Output } from "../output";
import { table } from "../table";
import { shownExits } from "./exits";
import type { AppOptions } from "./verbs";

/** Who there is, and where each leaves. */
export async function list(options: AppOptions): Promise<void> {
  const out = Output.of(options);
  const { clients, clientsFile } = await out.wait(`asking ${options.app}`, readInventory(options.app));
  const rows = clients.flatMap((client) =>
    client.addresses.map(({ address, promise }) => ({
      client: client.name,
      address,
      exit: promise?.exitNode ?? null,
      ...(promise?.otherExits === undefined ? {} : { otherExits: promise.otherExits }),
      entry: `${client.node}/${client.interface}`,
      mtuBytes: client.mtuBytes,
      key: client.publicKey,
      ...(client.dns === undefined ? {} : { dns: client.dns }),
    })),
  );
  const revoked = Object.entries(clientsFile?.revoked ?? {}).map(([client, rest]) => ({ client, ...rest }));
  const lines = [
    ["CLIENT", "ADDRESS", "LEAVES AT", "ENTERS AT", "MTU", "PUBLIC KEY"],
    ...rows.map(({ client, address, exit, otherExits = [], entry, mtuBytes, key }) => [
      client,
      address,
      exit === null ? "nowhere" : shownExits([exit, ...otherExits]),
      entry,
      String(mtuBytes),
      key ?? "missing",
    ]),
  ];
  const gone = revoked.map(({ client, address, keptUntil }) => `revoked: ${client}; nobody gets ${address} before ${keptUntil}`);
  out.result(
    { clients: rows, revoked },
    () => `${[...table(lines, out.width), ...(gone.length > 0 ? ["", ...gone] : [])].join("\n")}\n`,
  );
}
