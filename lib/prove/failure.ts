/** Something that a packet would do and should not. */
export interface Failure {
  /** Stable name, e.g. "proof-exit". */
  readonly code: string;
  /** Host on which it begins. */
  readonly node: string;
  readonly client: string | null;
  /** What should be, what is, and the trace. */
  readonly message: string;
}
