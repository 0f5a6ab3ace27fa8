import type { Colours } from "./colour";

export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** To the line's begin, and the line is empty. */
const taken = "\r\u001b[2K";

let current: LiveLine | undefined;

/** Before somebody else writes, for good: an error, or the end. */
export const stopLive = (): void => current?.stop();

/** What is over sooner needs no line. */
const patienceMs = 300;

/**
 * The last line of a terminal while something takes its time: what, what of it lately, and for how long. It is never longer than the terminal is wide,
 * for a line that wraps cannot be taken back. Who writes anything else calls `clear` before; the line comes again with its next frame.
 */
export class LiveLine {
  private timer: NodeJS.Timeout | undefined;
  private shown = false;
  private frame = 0;
  private text = "";
  private lately = "";
  private since = 0;
  constructor(
    private readonly stream: TerminalStream,
    private readonly colours: Colours,
    private readonly now: () => number = Date.now,
  ) {}

  show(text: string, lately = ""): void {
    [this.text, this.since] = [oneLine(text), this.now()];
    this.goOn(lately);
    if (this.timer !== undefined) return;
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- there is one terminal
    current = this;
    this.timer = setInterval(() => this.draw(), 100).unref();
  }

  /** The same goes on. */
  goOn(lately: string): void {
    this.lately = oneLine(lately);
  }

  clear(): void {
    if (this.shown) this.stream.write(taken);
    this.shown = false;
  }

  stop(): void {
    this.clear();
    clearInterval(this.timer);
    [this.timer, this.text] = [undefined, ""];
  }

  draw(): void {
    const milliseconds = this.now() - this.since;
    if (milliseconds < patienceMs) return;
    const frame = frames[this.frame++ % frames.length] ?? "";
    const seconds = `${(milliseconds / 1000).toFixed(1)}s`;
    const words = this.lately === "" ? this.text : `${this.text}: ${this.lately}`;
    // A terminal that knows no width says 0.
    const room = (this.stream.columns || 80) - 1 - `${frame}   ${seconds}`.length;
    if (room < 1) return this.clear();
    // In one piece: a line that is gone for a moment flickers.
    this.stream.write(`${this.shown ? taken : ""}${this.colours.cyan(frame)} ${cut(words, room)}  ${this.colours.dim(seconds)}`);
    this.shown = true;
  }
}

/** What hosts and Terraform say may hold anything; a control character would move the line. */
const oneLine = (text: string): string =>
  text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");

function cut(text: string, room: number): string {
  const letters = [...text];
  return letters.length <= room ? text : `${letters.slice(0, Math.max(0, room - 1)).join("")}…`;
}
