/** Download speed over the last few seconds, so that bytes from disk at the start count only briefly. */

const WINDOW_MS = 5000;

export class Rate {
  #samples: { atMs: number; bytes: number }[] = [];

  /** Adds the current total. Returns bytes per second, or 0 while unknown. */
  add(bytes: number, atMs: number): number {
    this.#samples = [...this.#samples.filter((sample) => atMs - sample.atMs < WINDOW_MS), { atMs, bytes }];
    const first = this.#samples[0]!;
    const elapsedMs = atMs - first.atMs;
    return elapsedMs > 0 ? Math.max(0, ((bytes - first.bytes) / elapsedMs) * 1000) : 0;
  }
}
