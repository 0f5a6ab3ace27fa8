import * as fs from "node:fs";
import * as path from "node:path";
import type { ParsedClients } from "../lib/clients-file/parse";
import { onDemand } from "./on-demand";

/** Reads a clients file, relative to the app's working directory. One that is not there is a problem, not an error. */
export function readClientsFile(file: string): ParsedClients & { readonly absolute: string; readonly missing?: string } {
  const absolute = path.resolve(file);
  if (!fs.existsSync(absolute)) {
    const missing = `clientsFile ${file} is not there; make it: wgchain client add NAME --exit EXIT, or an empty file`;
    return { absolute, file: { clients: {}, revoked: {} }, problems: [], missing };
  }
  return { absolute, ...onDemand.clientsFile().parseClientsFile(fs.readFileSync(absolute, "utf8"), file) };
}
