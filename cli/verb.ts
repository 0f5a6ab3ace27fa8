import { Command } from "commander";
import { exitStatus } from "./exit-status";

/** What a verb's help ends with. */
export interface About {
  /** Whole command lines, which a test tries; a remark stands behind ` # `. */
  readonly examples: readonly [string, ...string[]];
  /** What it means by an exit status; 2 and 130 mean the same everywhere. @default 0 done, 1 failed */
  readonly exits?: Readonly<Record<number, string>>;
  /** Paragraphs before the examples. */
  readonly notes?: readonly string[];
  /** Top-level keys of the document that --json prints; undefined: there is no such option, for the output is another program's. */
  readonly json?: readonly string[];
}

/** A verb of `wgchain`, or a group of them: --json and --quiet, the exit status and the end of the help are written once, here. */
export class Verb extends Command {
  private told: About | undefined;

  get described(): About | undefined {
    return this.told;
  }

  /** What its exit statuses mean, in their order. */
  get exits(): readonly (readonly [status: number, meaning: string])[] {
    const all = { 0: "done", 1: "failed", [exitStatus.usage]: "wrong arguments", ...this.told?.exits };
    return Object.entries(all).map(([status, meaning]) => [Number(status), meaning]);
  }

  about(about: About): this {
    this.told = about;
    return this.addHelpText("after", ({ command }) => {
      const width = command.configureOutput().getOutHelpWidth?.() ?? 80;
      const notes = (about.notes ?? []).map((text) => `\n${command.createHelp().boxWrap(text, width)}\n`);
      const exits = this.exits.map(([status, meaning]) => `  ${status}  ${meaning}\n`);
      const isGroup = this.commands.length > 0 && this.registeredArguments.length === 0;
      const end = isGroup ? "" : `\nExit status:\n${exits.join("")}`;
      return `${notes.join("")}${end}\nExamples:\n${about.examples.map((line) => `  ${line}`).join("\n")}`;
    });
  }

  /** What it does; a number is its exit status. */
  runs<Args extends unknown[]>(work: (...args: Args) => Promise<number | void> | number | void): this {
    if (this.told?.json !== undefined) {
      this.option("--json", `print one JSON document: { ${this.told.json.join(", ")} }`);
      this.option("--quiet", "print errors and what was asked for, nothing else");
    }
    return this.action(async (...args: unknown[]) => {
      process.exitCode = (await work(...(args as Args))) ?? exitStatus.done;
    });
  }
}
