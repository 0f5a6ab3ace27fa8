import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Change } from "./reference";
import type { Edit } from "./row";

/** What is the product; each row may damage it. */
const code = ["constructs", "lib", "host", "app", "cli", "lab"];
const beside = ["main.ts", "cdktf.json", "package.json", "tsconfig.json"];

/** A copy of the product with the reference network, to be changed at will: what is developed meanwhile does not reach it. */
export class Product {
  private readonly pristine: string;
  private readonly mainTs: string;

  constructor(
    from: string,
    readonly directory: string,
    readonly revertSeconds: number,
  ) {
    mkdirSync(directory);
    this.pristine = join(directory, ".pristine");
    for (const name of code) cpSync(join(from, name), join(this.pristine, name), { recursive: true });
    for (const name of beside) cpSync(join(from, name), join(this.directory, name));
    this.mend();
    symlinkSync(join(from, "node_modules"), join(this.directory, "node_modules"));
    const settings = JSON.parse(readFileSync(join(from, "cdktf.json"), "utf8")) as { context?: Record<string, unknown> };
    settings.context = { ...settings.context, "wgchain:revertSeconds": revertSeconds };
    writeFileSync(join(this.directory, "cdktf.json"), JSON.stringify(settings, null, 2));
    this.mainTs = readFileSync(join(from, "main.ts"), "utf8");
  }

  /** The reference network with these changes and no others. */
  network(change: Change): void {
    let text = this.mainTs;
    for (const [from, to] of change) text = replaceOnce(text, from, to, "main.ts");
    writeFileSync(join(this.directory, "main.ts"), text);
  }

  /** Throws when these cannot be made: the product has moved on. */
  check(edits: readonly Edit[]): void {
    this.damage(edits)();
  }

  /** Changes the product itself; what is returned takes the change back. */
  damage(edits: readonly Edit[]): () => void {
    const before = new Map<string, string>();
    for (const [file, from, to] of edits) {
      const path = join(this.directory, file);
      if (!existsSync(path)) throw new Error(`the product has no ${file}`);
      const text = readFileSync(path, "utf8");
      if (!before.has(path)) before.set(path, text);
      writeFileSync(path, replaceOnce(text, from, to, file));
    }
    return () => {
      for (const [path, text] of before) writeFileSync(path, text);
    };
  }

  mend(): void {
    for (const name of code) {
      rmSync(join(this.directory, name), { recursive: true, force: true });
      cpSync(join(this.pristine, name), join(this.directory, name), { recursive: true });
    }
  }
}

function replaceOnce(text: string, from: string, to: string, file: string): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${from}`);
  return parts.join(to);
}
