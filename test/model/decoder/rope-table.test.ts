/** The table of rotary angles: which length each row turns by, and when it is made anew. */
import { describe, expect, it } from "vitest";
import { PlanningGpu } from "../../../src/gpu/planning.ts";
import { RopeTable } from "../../../src/model/decoder/rope-table.ts";
import type { RopeSpec } from "../../../src/spec/rope-spec.ts";

const PLAIN: RopeSpec = { frequencies: [1, 0.5], factor: 2 };
/** Frequencies that tell the length that they are of. */
const LENGTH_DEPENDENT: RopeSpec = {
  ...PLAIN,
  beyond: { length: 4, turnsAnew: false, frequenciesOf: (length) => [1 / length, 0.5 / length] },
};
const POSITIONS = 8;

/** A table, and what was uploaded to it. */
function make(rope: RopeSpec) {
  const uploads: Float32Array[] = [];
  const gpu = { upload: (_: unknown, values: unknown) => uploads.push(values as Float32Array) };
  const table = new RopeTable(gpu as never, new PlanningGpu(undefined).arena, rope, POSITIONS);
  return { table, uploads };
}

/** The rows that turn by the frequencies of a length, by position; 0 for the plain ones. */
function tableOf(lengths: readonly number[]): Float32Array {
  const frequencies = (length: number) => (length === 0 ? PLAIN.frequencies : [1 / length, 0.5 / length]);
  return Float32Array.from(
    lengths.flatMap((length, position) => {
      const angles = frequencies(length).map((frequency) => position * frequency);
      return [...angles.map((angle) => 2 * Math.cos(angle)), ...angles.map((angle) => 2 * Math.sin(angle))];
    }),
  );
}

describe("the table", () => {
  it("keeps the length of the prompt for later rows, where the model does", () => {
    const { table, uploads } = make({
      ...LENGTH_DEPENDENT,
      beyond: { ...LENGTH_DEPENDENT.beyond!, keepsPrompt: true },
    });
    for (const length of [3, 6]) table.fit(length);
    expect(uploads).toEqual([tableOf([0, 0, 0, 0, 0, 0, 0, 0]), tableOf([6, 6, 6, 6, 6, 6, 6, 6])]);
  });

  it("grows queries by the logarithm of their row", () => {
    const { uploads } = make({ ...PLAIN, growth: { length: 4, rate: "log" } });
    const growth = Array.from({ length: POSITIONS }, (_, position) => uploads[0]![8 * position + 4]!);
    const expected = [1, 1, 1, 1, 5, 6, 7, 8].map((row, i) => (i < 4 ? 1 : Math.log(row) / Math.log(4)));
    for (const [i, value] of growth.entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  it("holds cosines and sines times the factor, and fits every length", () => {
    const { table, uploads } = make(PLAIN);
    expect(table.tensor.shape).toEqual([POSITIONS, 4]);
    for (const length of [3, 4, 5, 8]) {
      table.fit(length);
      expect(table.turningLength(length)).toBe(0);
    }
    expect(uploads).toEqual([tableOf([0, 0, 0, 0, 0, 0, 0, 0])]);
  });

  it("turns a prompt by its length, and later rows by the length that they make", () => {
    const { table, uploads } = make(LENGTH_DEPENDENT);
    expect([3, 4, 5, 6].map((length) => table.turningLength(length))).toEqual([0, 0, 5, 6]);
    const short = tableOf([0, 0, 0, 0, 5, 6, 7, 8]);
    for (const length of [3, 4]) table.fit(length);
    expect(uploads).toEqual([short]);
    for (const length of [6, 6]) table.fit(length);
    expect(uploads.slice(1)).toEqual([tableOf([6, 6, 6, 6, 6, 6, 7, 8])]);
    table.fit(2);
    expect(uploads.slice(2)).toEqual([short]);
    // Tokens after the prompt make no difference to it.
    expect(table.turningLength(3, 9)).toBe(0);
    expect(table.isOutgrownBy(9)).toBe(false);
  });

  it("where rows turn anew, is outgrown at a length, and fits all longer sequences alike", () => {
    const { table, uploads } = make({ ...PLAIN, beyond: { ...LENGTH_DEPENDENT.beyond!, turnsAnew: true } });
    expect([4, 5, 8].map((length) => table.turningLength(length))).toEqual([0, 5, 5]);
    expect([0, 1, 2].map((generated) => table.turningLength(3, generated))).toEqual([0, 0, 5]);
    expect([4, 5].map((length) => table.isOutgrownBy(length))).toEqual([false, true]);
    table.fit(3, 2);
    expect(uploads[1]).toEqual(tableOf([5, 5, 5, 5, 5, 6, 7, 8]));
    expect(table.isOutgrownBy(5)).toBe(false);
    table.fit(7);
    expect(uploads).toHaveLength(2);
  });
});
