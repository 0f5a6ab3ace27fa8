import { Lazy, Token } from "cdktf";

/**
 * Makes tokens without cdktf's stack traces. It writes one for each, of any depth, and tsx reads the source map of every file in it: an eighth of a small
 * app's time. Those of our own tokens would name wgchain's lines, which tell nobody anything; a user's keep theirs.
 */
export function untraced<T>(make: () => T): T {
  const errors: { prepareStackTrace?: unknown } = Error;
  const before = errors.prepareStackTrace;
  errors.prepareStackTrace = String;
  try {
    return make();
  } finally {
    errors.prepareStackTrace = before;
  }
}

/** What is known once all is checked; cdktf resolves everything once before, `preparing`. */
export const lazyText = (produce: () => string): string =>
  untraced(() => Lazy.stringValue({ produce: ({ preparing }) => (preparing ? "" : produce()) }));

export const lazyMap = (produce: () => Record<string, string>): Record<string, string> =>
  untraced(() => Token.asStringMap(Lazy.anyValue({ produce: ({ preparing }) => (preparing ? {} : produce()) })));
