/** The lab's cloud: its state in `cloud.json`, which outlives this process, and the backend that makes it real. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CloudObjects, objectsOf } from "./cloud-objects";
import { ProviderError } from "./errors";
import { type CloudFile, World } from "./world";

export type * from "./cloud-objects";

export interface CloudBackend {
  /**
   * Makes what runs equal to `objects`, the complete set. Awaited before Terraform is answered, one call at a time; an error becomes
   * Terraform's, and the change is not kept: the next call's `objects` are without it.
   */
  changed(objects: CloudObjects): Promise<void>;
}

export class Cloud {
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly path: string,
    private readonly backend: CloudBackend,
  ) {}

  static async open(dir: string, backend: CloudBackend): Promise<Cloud> {
    await mkdir(dir, { recursive: true });
    return new Cloud(join(dir, "cloud.json"), backend);
  }

  /** Read anew each time: a person may have edited the file. */
  async read(): Promise<World> {
    let json: string;
    try {
      json = await readFile(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new World();
      throw error;
    }
    return World.of(parse(json, this.path));
  }

  /** Edits, lets the backend follow, and only then writes: what could not be made real is not kept. */
  change<Result>(edit: (world: World) => Result): Promise<Result> {
    const run = async (): Promise<Result> => {
      const world = await this.read();
      const result = edit(world);
      await this.follow(objectsOf(world));
      await this.write(world.toFile());
      return result;
    };
    const mine = this.last.then(run, run);
    this.last = mine.catch(() => undefined);
    return mine;
  }

  /** When no change is under way. */
  async idle(): Promise<void> {
    await this.last;
  }

  private async follow(objects: CloudObjects): Promise<void> {
    try {
      await this.backend.changed(objects);
    } catch (error) {
      throw new ProviderError("the lab could not make this change", error instanceof Error ? error.message : String(error));
    }
  }

  private async write(file: CloudFile): Promise<void> {
    const temporary = `${this.path}.${randomBytes(6).toString("hex")}`;
    try {
      await writeFile(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flush: true });
      await rename(temporary, this.path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

function parse(json: string, path: string): CloudFile {
  let file: unknown;
  try {
    file = JSON.parse(json);
  } catch {
    throw new ProviderError("the lab's cloud state is not JSON", `mend ${path}, or remove it to begin with an empty cloud`);
  }
  if ((file as { version?: unknown } | null)?.version !== 1) {
    throw new ProviderError("the lab's cloud state is of another version", `remove ${path} to begin with an empty cloud`);
  }
  return file as CloudFile;
}
