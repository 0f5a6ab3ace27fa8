/** Problems as Terraform shows them. */

/** Attribute names and list indexes from the top of a resource. */
export type Path = readonly (string | number)[];

export interface Diagnostic {
  readonly severity: "ERROR" | "WARNING";
  readonly summary: string;
  readonly detail: string;
  readonly attribute?: { readonly steps: readonly object[] };
}

/** What a person did or met; anything else that is thrown is a fault of this program. */
export class ProviderError extends Error {
  constructor(
    readonly summary: string,
    readonly detail = "",
    readonly path?: Path,
  ) {
    super(detail === "" ? summary : `${summary}: ${detail}`);
    this.name = "ProviderError";
  }
}

export const wirePath = (path: Path): { steps: object[] } => ({
  steps: path.map((step) => (typeof step === "number" ? { element_key_int: step } : { attribute_name: step })),
});

export function diagnosticOf(error: unknown): Diagnostic {
  if (error instanceof ProviderError) {
    const attribute = error.path === undefined ? {} : { attribute: wirePath(error.path) };
    return { severity: "ERROR", summary: error.summary, detail: error.detail, ...attribute };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { severity: "ERROR", summary: "the lab's provider failed", detail };
}
