import { coloursOf, type Colours } from "./colour";
import { LiveLine } from "./live-line";

/** What every verb takes. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

let documentPrinted = false;

/** Whether the verb of the moment has printed its document; then an error after it must not print another. */
export const hasPrintedDocument = (): boolean => documentPrinted;

/**
 * What a verb says, and where. Standard output is for what was asked for, and with --json that is one document; everything else goes to standard
 * error. How the work goes on is told there in lines with the seconds since the start, at a terminal with a live line below them; never with --json or
 * --quiet.
 */
export class Output {
  /** Of standard output. */
  readonly colours: Colours = coloursOf(process.stdout);
  private readonly start = Date.now();
  private readonly errorColours = coloursOf(process.stderr);
  private readonly line: LiveLine | undefined;

  private constructor(
    readonly json: boolean,
    readonly quiet: boolean,
    live: boolean,
  ) {
    const { TERM } = process.env;
    if (live && this.tells && process.stderr.isTTY && TERM !== "dumb")
      this.line = new LiveLine(process.stderr, this.errorColours);
  }

  /** `live` false: the verb writes what others say as it comes, which a live line would break. */
  static of({ json, quiet }: OutputOptions, { live = true }: { readonly live?: boolean } = {}): Output {
    documentPrinted = false;
    return new Output(json === true, quiet === true, live);
  }

  private get tells(): boolean {
    return !this.json && !this.quiet;
  }

  /** Columns of a terminal; undefined: as wide as the text is. */
  get width(): number | undefined {
    return process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : undefined;
  }

  /** What was asked for: with --json the document alone, else the text. */
  result(document: unknown, text: () => string): void {
    this.line?.stop();
    if (this.json) this.documentText(`${JSON.stringify(document, null, 2)}\n`);
    else this.print(text());
  }

  /** A document that is written out already. */
  documentText(text: string): void {
    process.stdout.write(text);
    documentPrinted = true;
  }

  /** The document of a verb that says what it does in `done`. */
  document(document: unknown): void {
    if (this.json) this.result(document, () => "");
  }

  /** A line of what was asked for, as it comes; the document has it, too. */
  shown(line: string): void {
    if (!this.json) this.print(`${line}\n`);
  }

  /** A line of what was done, for those who want to know. */
  done(line: string): void {
    if (this.tells) this.print(`${line}\n`);
  }

  /** What is worth knowing beside what was asked for. */
  note(line: string): void {
    if (!this.quiet) this.complain(`${line}\n`);
  }

  error(line: string): void {
    this.complain(`${this.errorColours.red("error:")} ${line}\n`);
  }

  /** What comes next, or was reached: a line that stays, and while it takes its time the live line. */
  stage(name: string, detail: string): void {
    if (!this.tells) return;
    const seconds = `${((Date.now() - this.start) / 1000).toFixed(1)}s`.padStart(7);
    this.complain(`${this.errorColours.dim(seconds)}  ${name.padEnd(9)} ${detail}\n`);
    this.line?.show(name, detail);
  }

  /** At a terminal, while `work` goes on; nothing of it stays. */
  async wait<T>(what: string, work: Promise<T>): Promise<T> {
    this.line?.show(what);
    try {
      return await work;
    } finally {
      this.line?.stop();
    }
  }

  /** At a terminal, how the stage of the moment goes on. */
  lately(text: string): void {
    this.line?.goOn(text);
  }

  /** The last line of work that took stages: what came of it, how many. */
  summary(text: string): void {
    this.line?.stop();
    this.stage("done", text);
    this.line?.stop();
  }

  /** No live line any more: a question follows, or the end. */
  still(): void {
    this.line?.stop();
  }

  private print(text: string): void {
    this.line?.clear();
    process.stdout.write(text);
  }

  private complain(text: string): void {
    this.line?.clear();
    process.stderr.write(text);
  }
}
