/**
 * Timing. Candidates take turns, round after round, so that a slow moment of the machine affects all of them.
 * Comparisons are within a round; the median of the rounds counts. The first round never counts.
 */
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";

/** Work that is done when its promise settles. */
export type Work = () => Promise<unknown>;

/** Records work for the GPU. Memory of `scratch` is freed after the run. */
export type Recording = (recorder: Recorder, scratch: Arena) => void;

/** The middle of the values; the mean of both middle ones for an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median of a[i] / b[i]: for times, the speedup of b over a. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, round) => value / b[round]!));
}

/** The squared difference over the squares of `expected`; NaN if any value is NaN. */
export function nmse(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.NaN;
  let [error, energy] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    energy += expected[i]! ** 2;
  }
  return error / energy;
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
  /** A batch of repetitions takes at least this long: clocks are coarse, and a submit has a cost of its own. */
  batchMs: number;
}

/** Most repetitions in a batch. */
const MOST_REPEATS = 512;

/** Milliseconds of one run of each recording in each round, repeated within one submit; result[recording][round]. */
export async function timeRecordings(
  gpu: Gpu,
  recordings: readonly Recording[],
  { rounds, batchMs }: BatchOptions,
): Promise<number[][]> {
  const repeats: number[] = [];
  for (const record of recordings) {
    await withScratch(gpu, (scratch) => gpu.compile((recorder) => record(recorder, scratch)));
    const once = await runBatch(gpu, record, 1);
    const guess = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(batchMs / once)));
    // The first run may include one-off costs.
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
function runBatch(gpu: Gpu, record: Recording, times: number): Promise<number> {
  return withScratch(gpu, async (scratch) => {
    const start = performance.now();
    gpu.submit("bench", (pass) => {
      for (let time = 0; time < times; time++) record(pass, scratch);
    });
    await gpu.idle();
    return (performance.now() - start) / times;
  });
}

async function withScratch<T>(gpu: Gpu, work: (scratch: Arena) => Promise<T>): Promise<T> {
  const scratch = gpu.arena.scope();
  try {
    return await work(scratch);
  } finally {
    scratch.dispose();
  }
}
