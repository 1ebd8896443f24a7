import { describe, expect, test } from "vitest";
import { focusScores } from "../../src/kernels/focus.ts";
import { focusScores as reference } from "../reference/focus.ts";
import { causal } from "../reference/visible.ts";
import { expectNmse } from "../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu, withCapabilities } from "../support/gpu.ts";
import { indexTensors } from "../support/index-tables.ts";
import {
  imageRows,
  MASKED_SEQUENCES,
  type MaskedSequence,
  ONE_ROW_SEQUENCES,
  randomMaskedSequence,
  rowsOf,
  textRowsOf,
} from "../support/masked-sequences.ts";
import { NMSE_PRODUCT } from "../support/tolerances.ts";

// As on a GPU, and as on an adapter that is a program.
describe.for([false, true])("focus, software: %s", (software) => {
  const { gpu } = useGpu();

  /** Random attention of all pairs, as [T, T] for the reference and as the kernel takes it: NaN where it may not read. */
  function attentionOf(sequence: MaskedSequence, value: () => number) {
    const { images, mask } = sequence;
    const rows = rowsOf(sequence);
    const { columns, tables, chunk, textRows } = indexTensors(gpu(), sequence);
    const { firstTextRow, count } = chunk;
    const A = Float32Array.from({ length: rows * rows }, value);
    const packed = new Float32Array(tables.listLength).fill(Number.NaN);
    const soFar = tables.textRows.slice(0, firstTextRow + count);
    for (const { row, start, firstColumn, endColumn } of soFar)
      for (let c = firstColumn; c < endColumn; c++)
        packed[start + c - firstColumn] = A[row * rows + columns.columnRows[c]!]!;
    const neighbours = soFar.slice(firstTextRow).flatMap(({ row, ...seen }) =>
      soFar.map((other, h) => {
        const isSeen = h >= seen.firstNeighbour && h < seen.endNeighbour && other.row !== row;
        return isSeen ? A[row * rows + other.row]! : Number.NaN;
      }),
    );
    const n = columns.columnRows.length;
    const skipped = tables.textBefore + firstTextRow;
    return {
      count: soFar.length,
      args: {
        textRows,
        firstTextRow,
        imageAttention: inputTensor(gpu(), [packed.length], packed),
        focus: outputTensor(gpu(), [count, n]),
      },
      neighbours: inputTensor(gpu(), [count, soFar.length], neighbours),
      expected: (...score: [Parameters<typeof reference>[4]?, number?]) => {
        const all = reference(A, textRowsOf(images, rows), imageRows(images).flat(), mask(rows), ...score);
        return all.slice(skipped * n, (skipped + count) * n);
      },
    };
  }

  const powersOf = (discount: number, count: number) =>
    inputTensor(
      gpu(),
      [count],
      Array.from({ length: count }, (_, i) => discount ** i),
    );

  async function check(sequence: MaskedSequence) {
    const random = freshRandom("focus");
    const { args, count, neighbours, expected } = attentionOf(sequence, () => random.uniform());
    const run = async (weights: { neighbours: typeof neighbours } | { powers: typeof neighbours }) =>
      (await runAndRead(
        gpu(),
        args.focus,
        withCapabilities({ software }, (recorder) => focusScores(recorder, { ...args, ...weights })),
      )) as Float32Array;

    const focus = await run({ neighbours });
    expectNmse("focus", focus, expected("focus"), NMSE_PRODUCT);
    const isZero = (values: ArrayLike<number>) => Array.from(values, (score) => score === 0);
    expect(isZero(focus)).toEqual(isZero(expected("focus")));
    expectNmse("sum", await run({ powers: powersOf(1, count) }), expected("sum"), NMSE_PRODUCT);
    expectNmse("alone", await run({ powers: powersOf(0, count) }), expected("text-to-image"), NMSE_PRODUCT);
    const discounted = await run({ powers: powersOf(0.9, count) });
    expectNmse("discounted", discounted, expected("discounted-sum", 0.9), NMSE_PRODUCT);
  }

  test.for(MASKED_SEQUENCES)("the four scores: $name", check);

  test.for(ONE_ROW_SEQUENCES)("the four scores of one row: $name", check);

  test("random sequences and masks", async () => {
    const random = freshRandom("sequences");
    for (let round = 0; round < 12; round++) await check(randomMaskedSequence(random));
  });

  test("the first text row's focus is its attention, bit for bit; an identity between text rows adds nothing", async () => {
    const random = freshRandom("focus of the first");
    const shape = { name: "", images: [[{ row: 0, tokens: 20 }]], mask: causal, keys: 26, chunkRow: 0 };
    const { args, neighbours, expected } = attentionOf(shape, () => random.uniform());
    const first = await runAndRead(
      gpu(),
      args.focus,
      withCapabilities({ software }, (recorder) => focusScores(recorder, { ...args, neighbours })),
    );
    const alone = expected("text-to-image");
    expect([...first.slice(0, 20)]).toEqual([...alone.slice(0, 20)]);
    const identity = inputTensor(
      gpu(),
      [6, 6],
      Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0)),
    );
    const same = await runAndRead(
      gpu(),
      args.focus,
      withCapabilities({ software }, (recorder) => focusScores(recorder, { ...args, neighbours: identity })),
    );
    expect([...same]).toEqual([...alone]);
  });

  test("sums are in f32: a thousand small terms beside a large one are not lost", async () => {
    const shape = { name: "", images: [[{ row: 0, tokens: 2 }]], mask: causal, keys: 1003, chunkRow: 1002 };
    const { args, expected } = attentionOf(shape, () => 2 ** -12 + 2 ** -22);
    const powers = powersOf(1, 1001);
    const found = await runAndRead(
      gpu(),
      args.focus,
      withCapabilities({ software }, (recorder) => focusScores(recorder, { ...args, powers })),
    );
    expectNmse("sum", found as Float32Array, expected("sum"), 1e-12);
  });
});
