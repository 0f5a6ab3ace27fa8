/** A message for the person at the terminal: where, what was got, how to mend it. Printed without a stack; exit status 1. */
export class CliError extends Error {
  override readonly name: string = "CliError";
}

/** Of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;
