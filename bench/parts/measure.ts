/**
 * Timing. Candidates take turns, round after round, so that a machine that is slow for a while slows all of them; what is
 * compared is compared within its round, and the median of the rounds counts. A first round never counts.
 */
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";

/** Some work; done when the promise settles. */
export type Work = () => Promise<unknown>;

/** Records some work for the GPU. */
export type Recording = (recorder: Recorder) => void;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median of a[i] / b[i]: of times, how many times b is faster than a. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, round) => value / b[round]!));
}

/** Milliseconds of each work in each round: result[work][round]. */
export async function takeTurns(works: readonly Work[], rounds: number): Promise<number[][]> {
  const times: number[][] = works.map(() => []);
  for (let round = 0; round <= rounds; round++)
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      await work();
      if (round > 0) times[i]!.push(performance.now() - start);
    }
  return times;
}

export interface BatchOptions {
  rounds: number;
  /** What a batch of repetitions should take at least: clocks are coarse, and a submit costs something by itself. */
  batchMs: number;
}

/** The most dispatches that a batch repeats. */
const MOST_REPEATS = 512;

/** Milliseconds of one run of each recording in each round, each repeated in one submit; result[recording][round]. */
export async function timeRecordings(
  gpu: Gpu,
  recordings: readonly Recording[],
  { rounds, batchMs }: BatchOptions,
): Promise<number[][]> {
  const repeats: number[] = [];
  for (const record of recordings) {
    await gpu.compile(record);
    const once = await runBatch(gpu, record, 1);
    const guess = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(batchMs / once)));
    // The first run may have paid for what later ones find ready.
    const again = guess > 1 ? await runBatch(gpu, record, guess) : once;
    repeats.push(Math.min(MOST_REPEATS, Math.max(1, Math.ceil(batchMs / again))));
  }
  const times = await takeTurns(
    recordings.map((record, i) => () => runBatch(gpu, record, repeats[i]!)),
    rounds,
  );
  return times.map((each, i) => each.map((ms) => ms / repeats[i]!));
}

/** Milliseconds of one of `times` runs in one submit. */
async function runBatch(gpu: Gpu, record: Recording, times: number): Promise<number> {
  const start = performance.now();
  gpu.submit("bench", (pass) => {
    for (let time = 0; time < times; time++) record(pass);
  });
  await gpu.idle();
  return (performance.now() - start) / times;
}
