/** What the exit status of `wgchain` means, for all verbs; what a verb means by one of them stands in its help. */
export const exitStatus = {
  done: 0,
  /** It could not be done, or not all of it; also where the input (the app, a name, a file) is refused. */
  failed: 1,
  /** The command line is wrong: an unknown verb or option, an argument too few or too many, a value that is none. */
  usage: 2,
  /** It was done, and what it looked for was found: packets that do otherwise, a host that differs, ways that change. */
  found: 3,
  /** `diff` alone: files differ, and nobody's way does. */
  onlyFiles: 4,
  /** Ctrl-C; another signal is 128 and its number, too. */
  interrupted: 130,
} as const;

/** For docs/command-line.md. */
export const exitStatusWords: Readonly<Record<keyof typeof exitStatus, string>> = {
  done: "done",
  failed: "failed: it could not be done, or not all of it; or the app, a name or a file was refused",
  usage: "wrong arguments: nothing was begun",
  found: "done, and there is something to look at: a packet that does not arrive, a host that differs, a way that changes",
  onlyFiles: "`diff` alone: files differ, and nobody's way does",
  interrupted: "interrupted by Ctrl-C; ended by another signal it is 128 and that signal's number (143: SIGTERM)",
};
