import * as fs from "node:fs";
import * as path from "node:path";
import type { parseClientsFile as parse, ParsedClients } from "../lib/clients-file/parse";

/** Reads a clients file, relative to the app's working directory. One that is not there is a problem, not an error. */
export function readClientsFile(file: string): ParsedClients & { readonly absolute: string; readonly missing?: string } {
  const absolute = path.resolve(file);
  if (!fs.existsSync(absolute)) {
    const missing = `clientsFile ${file} is not there; make it: wgchain client add NAME --exit EXIT, or an empty file`;
    return { absolute, file: { clients: {}, revoked: {} }, problems: [], missing };
  }
  // Here, since most apps have no such file, and the YAML parser takes as long to load as all else of lib/ together.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { parseClientsFile } = require("../lib/clients-file/parse") as { parseClientsFile: typeof parse };
  return { absolute, ...parseClientsFile(fs.readFileSync(absolute, "utf8"), file) };
}
