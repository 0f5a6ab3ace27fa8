/** One thing wrong with what was written: where, what was got, how to mend it. Never holds a private key. */
export interface Problem {
  /** Stable name of the check, e.g. "host-bits". */
  readonly code: string;
  /** Path of the construct it was found on, e.g. "wgchain/wgp". */
  readonly path: string;
  readonly message: string;
}

/** Thrown by the strict parsers; `code` names the check. */
export class ParseError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ParseError";
  }
}

/** Collects problems instead of stopping at the first. */
export class Problems {
  private readonly found: Problem[] = [];

  report(code: string, path: string, message: string): void {
    this.found.push({ code, path, message });
  }

  /** Runs a parser; a ParseError becomes a problem of `path` and the result is undefined. */
  attempt<T>(path: string, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      this.report(error.code, path, error.message);
      return undefined;
    }
  }

  /** Parses each field for itself, so that each reports its own problem; undefined when one of them did. */
  attemptAll<T extends Record<string, () => unknown>>(path: string, fields: T): { [K in keyof T]: ReturnType<T[K]> } | undefined {
    const before = this.found.length;
    const values = Object.entries(fields).map(([name, parse]) => [name, this.attempt(path, parse)] as const);
    return this.found.length > before ? undefined : (Object.fromEntries(values) as { [K in keyof T]: ReturnType<T[K]> });
  }

  get all(): readonly Problem[] {
    return [...this.found];
  }

  get any(): boolean {
    return this.found.length > 0;
  }
}
