/** How fast something arrives, from its last few seconds: what lay on disk at the beginning does not count for long. */

const WINDOW_MS = 5000;

export class Rate {
  #samples: { atMs: number; bytes: number }[] = [];

  /** Notes how much there is now. Returns bytes a second, 0 as long as that cannot be told. */
  add(bytes: number, atMs: number): number {
    this.#samples = [...this.#samples.filter((sample) => atMs - sample.atMs < WINDOW_MS), { atMs, bytes }];
    const first = this.#samples[0]!;
    const elapsedMs = atMs - first.atMs;
    return elapsedMs > 0 ? Math.max(0, ((bytes - first.bytes) / elapsedMs) * 1000) : 0;
  }
}
