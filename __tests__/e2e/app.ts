import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = join(__dirname, "..", "..");

/** The reference network's main.ts in a folder of its own, so that a test may edit it. */
export class ReferenceApp {
  readonly directory = mkdtempSync(join(tmpdir(), "wgchain-e2e-"));
  private readonly original = readFileSync(join(repository, "main.ts"), "utf8");

  constructor() {
    for (const name of ["constructs", "lib", "host", "node_modules", "cdktf.json", "package.json", "tsconfig.json"]) {
      symlinkSync(join(repository, name), join(this.directory, name));
    }
    this.restore();
  }

  /** Each replacement must hit, or the test would test nothing. */
  edit(...replacements: readonly (readonly [string, string])[]): void {
    let text = this.original;
    for (const [from, to] of replacements) {
      if (!text.includes(from)) throw new Error(`main.ts has no '${from}' to replace`);
      text = text.replace(from, to);
    }
    writeFileSync(join(this.directory, "main.ts"), text);
  }

  restore(): void {
    writeFileSync(join(this.directory, "main.ts"), this.original);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
