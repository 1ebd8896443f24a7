import { describe, test } from "vitest";
import { readFloats } from "../../src/gpu/readback.ts";
import { headMean } from "../../src/kernels/head-mean.ts";
import { headMeanAttention } from "../reference/head-mean.ts";
import { attentionCase } from "../support/attention-case.ts";
import { freshRandom, inputTensor, outputTensor, runAndRead, useGpu } from "../support/gpu.ts";
import { expectHeadMean } from "../support/head-mean.ts";
import { indexTensors } from "../support/index-tables.ts";
import { MASKED_SEQUENCES, type MaskedSequence, randomMaskedSequence } from "../support/masked-sequences.ts";

interface Heads {
  heads: number;
  keyHeads: number;
  headWidth: number;
  literal?: boolean;
  /** Of a soft cap on logits. */
  cap?: number;
  /** Keys are f16. */
  halves?: boolean;
}

const HEADS: readonly Heads[] = [
  { heads: 6, keyHeads: 2, headWidth: 16 },
  { heads: 4, keyHeads: 1, headWidth: 6 },
  { heads: 5, keyHeads: 5, headWidth: 64 },
  { heads: 14, keyHeads: 2, headWidth: 64 },
  { heads: 4, keyHeads: 2, headWidth: 24, halves: true },
  { heads: 3, keyHeads: 3, headWidth: 10 },
  { heads: 1, keyHeads: 1, headWidth: 2 },
];

describe("head-mean", () => {
  const { gpu } = useGpu();

  async function check(sequence: MaskedSequence, { literal = false, ...shape }: Heads) {
    const { keys, chunkRow } = sequence;
    const rows = keys - chunkRow;
    const visible = sequence.mask(keys).slice(2 * chunkRow);
    const { args, values, expected } = attentionCase(gpu(), { rows, keys, visible, ...shape });
    const { columns, tables, chunk, slots, textRows } = indexTensors(gpu(), sequence);
    const { firstTextRow, count, firstKey } = chunk;
    const unread = literal ? rows : tables.textRows[firstTextRow]!.row - chunkRow;
    const sums = expected.logSumExp.map((sum, i) => (i < unread * shape.heads ? Number.NaN : sum));
    const logSumExp = inputTensor(gpu(), [rows, shape.heads], sums);
    const neighbours = outputTensor(gpu(), [count, firstTextRow + count]);
    const imageAttention = outputTensor(gpu(), [tables.listLength]);
    const { q, k, scale } = args;
    const found = await runAndRead(gpu(), neighbours, (recorder) =>
      headMean(recorder, {
        ...{ q, k, logSumExp, slots, textRows, neighbours, imageAttention, firstTextRow, chunkRow, firstKey },
        ...{ rows, keys, ...shape, scale, literal },
      }),
    );
    const packed = await readFloats(gpu(), imageAttention);

    const kind = literal ? "logits" : "weights";
    const mean = headMeanAttention(values.q, values.k, expected.logSumExp, shape, { visible, cap: shape.cap }, kind);
    expectHeadMean(
      { columns, tables, chunk, neighbours: found, imageAttention: packed },
      (row, key) => mean[(row - chunkRow) * keys + key]!,
    );
  }

  test.for(MASKED_SEQUENCES.map((sequence, i) => ({ ...sequence, heads: HEADS[i % HEADS.length]! })))(
    "$name, $heads",
    ({ heads, ...sequence }) => check(sequence, heads),
  );

  test("random sequences and masks", async () => {
    const random = freshRandom("head-mean");
    for (let round = 0; round < 12; round++)
      await check(randomMaskedSequence(random), HEADS[random.integer(0, HEADS.length - 1)]!);
  });

  test("logits under a soft cap", async () => {
    for (const sequence of MASKED_SEQUENCES.slice(0, 2)) await check(sequence, { ...HEADS[0]!, cap: 0.3 });
  });

  test("the mean of the logits", async () => {
    for (const sequence of MASKED_SEQUENCES.slice(-3)) await check(sequence, { ...HEADS[0]!, literal: true });
  });
});
