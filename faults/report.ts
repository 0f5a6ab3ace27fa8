import type { Row } from "./row";
import type { Outcome } from "./run-row";

const first = (text: string): string => (text.split("\n")[0] ?? "").slice(0, 160);

/** A line for every row as it ends; the last line of all is `N passed, N failed`. */
export class Report {
  private readonly start = Date.now();
  private passed = 0;
  private failed = 0;

  row({ name }: Row, { passed, text, leaked, seconds }: Outcome): void {
    this.line(name, passed ? "ok" : "FAILED", seconds, passed ? `${text}; ${leaked} leaked` : `${text}\n`);
    this.count(passed);
  }

  /** Good is that it fails; a row that was not even tried proves nothing. */
  without({ name, protection }: Row, { passed, untried, text, seconds }: Outcome): void {
    const failsWithout = !passed && untried !== true;
    const verdict = failsWithout ? "yes" : untried === true ? "NOT TRIED" : "NO";
    this.line(
      `  ${name}`,
      failsWithout ? "ok" : "FAILED",
      seconds,
      `fails without ${protection?.what}: ${verdict} (${first(text)})`,
    );
    this.count(failsWithout);
  }

  end(): number {
    console.log(`\nfault matrix: ${((Date.now() - this.start) / 1000).toFixed(0)} s`);
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }

  private line(name: string, verdict: string, seconds: number, text: string): void {
    console.log(`${name.padEnd(26)} ${verdict.padEnd(7)} ${seconds.toFixed(0).padStart(4)} s  ${text}`);
  }

  private count(good: boolean): void {
    if (good) this.passed += 1;
    else this.failed += 1;
  }
}
