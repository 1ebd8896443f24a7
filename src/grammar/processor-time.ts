/**
 * Tells how much processor time a thread gets, which no browser does. It repeats one piece of work: the fastest
 * repetition is how long it takes when nothing else runs. A worker that runs beside this one gets the same share of the
 * processor.
 */

/** Rounds of one piece, a few tenths of a millisecond. */
const ROUNDS = 100_000;
const REPORT_MS = 100;

/** Works until `report` returns false. @param report called with the processor time since the last report */
export function measureProcessor(report: (milliseconds: number) => unknown): void {
  let fastest = Number.POSITIVE_INFINITY;
  let pieces = 0;
  let value = 1;
  for (;;) {
    // The clock of a page has a resolution of up to a millisecond: ten pieces are longer.
    const start = performance.now();
    for (let i = 0; i < 10 * ROUNDS; i++) value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d) + i;
    fastest = Math.min(fastest, Math.max(0.1, performance.now() - start));
    pieces++;
    if (pieces * fastest < REPORT_MS) continue;
    // The value is used, or the work would be optimised away.
    if (report(pieces * fastest + (value & 0)) === false) return;
    pieces = 0;
  }
}
