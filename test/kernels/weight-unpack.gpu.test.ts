import { describe, expect, test } from "vitest";
import { readTensor } from "../../src/gpu/readback.ts";
import { weightUnpack } from "../../src/kernels/weight-unpack.ts";
import { bf16ToNumber, f16ToNumber } from "../reference/weight-unpack.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";

describe("weight-unpack", () => {
  const { gpu } = useGpu();

  test.for([
    { type: "F16", toNumber: f16ToNumber, infinityBits: 0x7c00 },
    { type: "BF16", toNumber: bf16ToNumber, infinityBits: 0x7f80 },
  ] as const)("every $type pattern", async ({ type, toNumber, infinityBits }) => {
    const elements = 0x10000;
    const halves = Uint16Array.from({ length: elements }, (_, i) => i);
    const packed = inputTensor(gpu(), [elements / 2], new Uint32Array(halves.buffer), "u32");
    const y = outputTensor(gpu(), [elements]);
    const notFinite = inputTensor(gpu(), [2], [0, 0], "u32");
    const actual = await runAndRead(gpu(), y, (recorder) =>
      weightUnpack(recorder, { packed, type, elements, y, yOffset: 0, notFinite, counter: 1 }),
    );
    const expected = Float32Array.from(halves, toNumber);
    for (let i = 0; i < elements; i++)
      if (!Object.is(actual[i], expected[i])) expect.fail(`pattern ${i}: ${actual[i]}, expected ${expected[i]}`);
    // Both signs of all patterns from infinity up.
    expect([...(await readTensor(gpu(), notFinite))]).toEqual([0, 2 * (0x8000 - infinityBits)]);
  });

  test.for(["F16", "BF16"] as const)("%s with something added", async (type) => {
    // 1, -2 and 0.5 as f16, and as bf16.
    const halves = type === "F16" ? [0x3c00, 0xc000, 0x3800, 0] : [0x3f80, 0xc000, 0x3f00, 0];
    const packed = inputTensor(gpu(), [2], new Uint32Array(Uint16Array.from(halves).buffer), "u32");
    const y = outputTensor(gpu(), [3]);
    const notFinite = inputTensor(gpu(), [1], [0], "u32");
    const actual = await runAndRead(gpu(), y, (recorder) =>
      weightUnpack(recorder, { packed, type, elements: 3, y, yOffset: 0, notFinite, counter: 0, add: 1 }),
    );
    expect([...actual]).toEqual([2, -1, 1.5]);
  });

  test("F32 into the middle of a tensor, counting NaN and infinity", async () => {
    const values = freshRandom("weight-unpack").floats(67);
    values[3] = Number.NaN;
    values[66] = Number.NEGATIVE_INFINITY;
    const packed = inputTensor(gpu(), [67], new Uint32Array(values.buffer), "u32");
    const y = inputTensor(gpu(), [10, 7], new Float32Array(70).fill(9));
    const notFinite = inputTensor(gpu(), [1], [0], "u32");
    const actual = await runAndRead(gpu(), y, (recorder) =>
      weightUnpack(recorder, { packed, type: "F32", elements: 67, y, yOffset: 2, notFinite, counter: 0 }),
    );
    expect([...actual]).toEqual([9, 9, ...values, 9]);
    expect([...(await readTensor(gpu(), notFinite))]).toEqual([2]);
  });
});
