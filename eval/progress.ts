/** The progress line of a run: finished items and remaining time. */

const MINUTE_MS = 60_000;
/** Interval of lines in a log, where lines cannot be overwritten. */
const LOG_EVERY_MS = 30_000;

/** "7 s", "12 min", "1 h 05 min". */
export function duration(milliseconds: number): string {
  if (milliseconds < MINUTE_MS) return `${Math.round(milliseconds / 1000)} s`;
  const minutes = Math.round(milliseconds / MINUTE_MS);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Computes the progress line of a run from the number of finished items. */
export class Progress {
  readonly #total: number;
  readonly #now: () => number;
  readonly #start: number;
  #done = 0;

  /** `now` in milliseconds. */
  constructor(total: number, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#now = now;
    this.#start = now();
  }

  /** Counts one answer, and returns the progress text. */
  step(what: string): string {
    this.#done++;
    const spent = this.#now() - this.#start;
    const left = (spent / this.#done) * (this.#total - this.#done);
    const each = (spent / this.#done / 1000).toFixed(2);
    return `${this.#done} of ${this.#total}, ${each} s each, ${duration(left)} left: ${what}`;
  }
}

/** Overwrites one line on a terminal, or writes a line to a log now and then. */
export class StatusLine {
  readonly #stream: NodeJS.WriteStream;
  #lastLogged = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(text: string): void {
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\x1b[K${text.slice(0, Math.max(20, (this.#stream.columns ?? 80) - 1))}`);
    } else if (performance.now() - this.#lastLogged > LOG_EVERY_MS) {
      this.#lastLogged = performance.now();
      this.#stream.write(`${text}\n`);
    }
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write("\r\x1b[K");
  }
}
