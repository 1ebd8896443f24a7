import { describe, expect, test } from "vitest";
import { readTensor } from "../../src/gpu/readback.ts";
import { adjustLogits } from "../../src/kernels/adjust-logits.ts";
import { adjustLogits as reference } from "../reference/adjust-logits.ts";
import { expectClose } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";

const PLAIN = { repetitionPenalty: 1, frequencyPenalty: 0, presencePenalty: 0 };

describe("adjust-logits", () => {
  const { gpu } = useGpu();

  /** @param last the token that the kernel counts itself */
  function make(
    logits: ArrayLike<number>,
    bias: ReadonlyMap<number, number>,
    seen: number[],
    counted: number[],
    last = 0,
  ) {
    const V = logits.length;
    const counts = new Uint32Array(V);
    for (const id of counted) counts[id]!++;
    const words = new Uint32Array(Math.ceil(V / 32));
    for (const id of seen) words[id >> 5]! |= 1 << (id & 31);
    return {
      logits: inputTensor(gpu(), [V], logits),
      bias: inputTensor(
        gpu(),
        [V],
        Float32Array.from({ length: V }, (_, id) => bias.get(id) ?? 0),
      ),
      seen: inputTensor(gpu(), [words.length], words, "u32"),
      token: inputTensor(gpu(), [1], [last], "u32"),
      counts: inputTensor(gpu(), [V], counts, "u32"),
      adjusted: outputTensor(gpu(), [V]),
    };
  }

  test.for([
    [1, PLAIN],
    [31, { ...PLAIN, repetitionPenalty: 1.3 }],
    [257, { ...PLAIN, frequencyPenalty: 0.7 }],
    [300, { ...PLAIN, presencePenalty: -1.5 }],
    [5001, { repetitionPenalty: 0.8, frequencyPenalty: -2, presencePenalty: 2 }],
  ] as const)("%i logits, %o", async ([V, penalties]) => {
    const random = freshRandom("adjust-logits");
    const logits = random.floats(V, 4);
    const some = (count: number) => Array.from({ length: count }, () => random.integer(0, V - 1));
    const bias = new Map(some(9).map((id) => [id, Math.fround(random.uniform() * 200 - 100)] as const));
    // Of few ids, so that most of them come several times.
    const counted = Array.from({ length: 20 }, () => random.integer(0, Math.min(V - 1, 5)));
    const last = random.integer(0, V - 1);
    const seen = [...counted, last, ...some(V >> 2)];
    const tensors = make(logits, bias, seen, counted, last);
    const found = await runAndRead(gpu(), tensors.adjusted, (recorder) =>
      adjustLogits(recorder, { ...tensors, ...penalties, hasLast: true }),
    );
    const expected = reference(logits, { ...penalties, bias, seen, generated: [...counted, last] });
    expectClose("adjusted", found, expected, 1e-5, 1e-4);
    const counts = await readTensor(gpu(), tensors.counts);
    expect(Array.from(counts)).toEqual(
      Array.from({ length: V }, (_, id) => [...counted, last].filter((other) => other === id).length),
    );
  });

  test("counts nothing before the first token", async () => {
    const tensors = make([1, 2, 3], new Map(), [], [], 1);
    const found = await runAndRead(gpu(), tensors.adjusted, (recorder) =>
      adjustLogits(recorder, { ...tensors, ...PLAIN, presencePenalty: 2, hasLast: false }),
    );
    expect(Array.from(found)).toEqual([1, 2, 3]);
  });

  test("keeps NaN and infinities as they are", async () => {
    const logits = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1];
    const tensors = make(logits, new Map([[0, 5]]), [0, 1, 2], [0, 1, 2]);
    const found = await runAndRead(gpu(), tensors.adjusted, (recorder) =>
      adjustLogits(recorder, { ...tensors, ...PLAIN, repetitionPenalty: 2, presencePenalty: 2, hasLast: false }),
    );
    expect(Array.from(found)).toEqual(logits);
  });

  test("refuses penalties out of range", async () => {
    const tensors = make([1, 2, 3], new Map(), [], []);
    const run = (penalties: Partial<typeof PLAIN>) =>
      runAndRead(gpu(), tensors.adjusted, (recorder) =>
        adjustLogits(recorder, { ...tensors, ...PLAIN, ...penalties, hasLast: false }),
      );
    await expect(run({ frequencyPenalty: 3 })).rejects.toThrow(RangeError);
    await expect(run({ presencePenalty: -3 })).rejects.toThrow(RangeError);
    await expect(run({ repetitionPenalty: 0 })).rejects.toThrow(RangeError);
  });
});
