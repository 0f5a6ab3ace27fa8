import { existsSync, readFileSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { parseClientsFile, type ClientsFile } from "../../lib/clients-file/parse";
import type { Inventory } from "../../lib/inventory";
import { readInventory, requireSound } from "../../app/run-app";
import { CliError } from "../../app/error";
import { replaceFile } from "../key-file";
import { exitsOf } from "./exits";

/** The app's clients file, with what stood there before, for when a change turns out to be refused. */
export class ClientsOnDisk {
  private constructor(
    readonly path: string,
    readonly exits: readonly string[],
    private readonly before: string | undefined,
  ) {}

  /** Of an app that takes clients from a file. */
  static of({ clientsFile }: Inventory): ClientsOnDisk {
    if (clientsFile === undefined) {
      throw new CliError(
        `this app has all its clients in the code, where this command writes nothing; give its ExitNetwork clientsFile: "clients.yaml"`,
      );
    }
    const { path, exits } = clientsFile;
    return new ClientsOnDisk(path, exits, existsSync(path) ? readFileSync(path, "utf8") : undefined);
  }

  get text(): string {
    return this.before ?? "";
  }

  get clients(): ClientsFile {
    const { file, problems } = parseClientsFile(this.text, basename(this.path));
    if (problems.length > 0) throw new CliError(problems.join("\n"));
    return file;
  }

  /** One, or several joined by commas. */
  requireExit(text: string): void {
    const exit = [exitsOf(text)].flat().find((one) => !this.exits.includes(one));
    if (exit !== undefined)
      throw new CliError(`there is no exit '${exit}'; this network has ${this.exits.map((name) => `'${name}'`).join(", ")}`);
  }

  /** Writes it and asks the app; what the app refuses leaves the file, and what `undo` takes back, as they were. */
  async change(text: string, app: string, allowed: ReadonlySet<string>, undo: () => void = () => undefined): Promise<Inventory> {
    replaceFile(this.path, text, 0o644);
    try {
      const inventory = await readInventory(app);
      requireSound(inventory, allowed);
      return inventory;
    } catch (error) {
      this.restore();
      undo();
      throw error;
    }
  }

  /** As it was found. */
  restore(): void {
    if (this.before === undefined) rmSync(this.path, { force: true });
    else replaceFile(this.path, this.before, 0o644);
  }
}
