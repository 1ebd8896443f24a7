/** Weights that lie in several buffers: every kernel that reads them gives what it gives with one, to the bit. */
import { describe, expect, test } from "vitest";
import { isSplit, type Matrix, partsOf, type Tensor, tensorByteLength } from "../../src/gpu/tensor.ts";
import { linear } from "../../src/kernels/linear.ts";
import { NO_TOKEN, tokenEmbed } from "../../src/kernels/token-embed.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { smallArena } from "../support/small-arena.ts";

const [COLS, INNER] = [200, 96];
/** Of 64 rows and one more: parts of 64, 64, 64 and 8. */
const LIMIT = tensorByteLength({ shape: [65, INNER], type: "f32" });

describe("weights in several buffers", () => {
  const { gpu: device } = useGpu();

  /** The same f32 matrix in one buffer and in several. */
  function both(values: Float32Array): { whole: Tensor; split: Matrix; dispose: () => void } {
    const gpu = device();
    const arena = smallArena(gpu, LIMIT);
    const split = arena.matrix("split", [COLS, INNER]);
    expect(isSplit(split)).toBe(true);
    expect(partsOf(split).map(({ shape }) => shape)).toEqual([64, 64, 64, 8].map((rows) => [rows, INNER]));
    let at = 0;
    for (const part of partsOf(split)) {
      gpu.upload(part, values.slice(at, at + part.shape[0]! * INNER));
      at += part.shape[0]! * INNER;
    }
    return { whole: inputTensor(gpu, [COLS, INNER], values), split, dispose: () => arena.dispose() };
  }

  test.for([
    [1, false],
    [1, true],
    [5, false],
    [70, true],
  ] as const)("products of %i rows, accumulate %j", async ([rows, accumulate]) => {
    const gpu = device();
    const random = freshRandom("split products");
    const { whole, split, dispose } = both(random.floats(COLS * INNER));
    const x = inputTensor(gpu, [rows, INNER], random.floats(rows * INNER));
    const bias = inputTensor(gpu, [COLS], random.floats(COLS));
    const norm = rows === 1 ? { weight: inputTensor(gpu, [INNER], random.floats(INNER)), eps: 1e-5 } : undefined;
    const residual = random.floats(rows * COLS);
    for (const changes of [{}, { software: false }, { software: false, subgroups: false }]) {
      const results: Float32Array[] = [];
      for (const weight of [whole, split]) {
        const y = accumulate ? inputTensor(gpu, [rows, COLS], residual) : outputTensor(gpu, [rows, COLS]);
        const args = { x, weight, bias, y, norm, accumulate, activation: "quick_gelu" } as const;
        const record = withCapabilities(changes, (recorder) => linear(recorder, args));
        results.push((await runAndRead(gpu, y, record)) as Float32Array);
      }
      expect(results[0]!.every(Number.isFinite)).toBe(true);
      expect(results[1], JSON.stringify(changes)).toEqual(results[0]);
    }
    dispose();
  });

  test("token embeddings, at every border", async () => {
    const gpu = device();
    const { whole, split, dispose } = both(freshRandom("split table").floats(COLS * INNER));
    const values = [0, 63, 64, NO_TOKEN, 127, 128, 191, 192, 199];
    const ids = inputTensor(gpu, [values.length], values, "u32");
    const results: number[][] = [];
    for (const weight of [whole, split]) {
      const y = inputTensor(gpu, [values.length, INNER], new Float32Array(values.length * INNER).fill(7));
      results.push([...(await runAndRead(gpu, y, (recorder) => tokenEmbed(recorder, { ids, weight, y })))]);
    }
    expect(results[1]).toEqual(results[0]);
    expect(new Set(results[1]!.slice(3 * INNER, 4 * INNER))).toEqual(new Set([7]));
    dispose();
  });

  test("freed as a whole; a row that fits nowhere is refused", () => {
    const arena = smallArena(device(), LIMIT);
    const matrix = arena.matrix("split", [COLS, INNER], "q8");
    expect(isSplit(matrix)).toBe(false);
    const halves = arena.matrix("halves", [COLS, 2 * INNER], "f16");
    expect(isSplit(halves)).toBe(true);
    expect(arena.bytes).toBe(
      tensorByteLength({ shape: [COLS, INNER], type: "q8" }) +
        tensorByteLength({ shape: [COLS, 2 * INNER], type: "f16" }),
    );
    arena.free(halves);
    arena.free(matrix);
    expect(arena.bytes).toBe(0);
    expect(() => arena.matrix("wide", [COLS, 2 * INNER])).toThrow(/wide, rows 0 to 64 needs \d+ bytes in one binding/);
    arena.dispose();
  });
});
