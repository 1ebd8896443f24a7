/**
 * Attention inhibition under masks of every kind, layer by layer on random queries, keys and values, without the rest of a
 * decoder.
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { Inspection } from "../../../src/api.ts";
import { readFloats } from "../../../src/gpu/readback.ts";
import type { Tensor } from "../../../src/gpu/tensor.ts";
import { chunkEnds } from "../../../src/model/decoder/visible.ts";
import { Inhibitor } from "../../../src/model/inhibition/inhibitor.ts";
import { planInhibition } from "../../../src/model/inhibition/plan.ts";
import { InhibitionRecord } from "../../../src/model/inhibition/record.ts";
import { attention } from "../../reference/attention.ts";
import { focusScores } from "../../reference/focus.ts";
import { headMeanAttention } from "../../reference/head-mean.ts";
import { inhibit, inhibitionRank, inhibitionRatio } from "../../reference/inhibit.ts";
import type { Inhibition } from "../../reference/model/settings.ts";
import { causal, slidingWindow } from "../../reference/visible.ts";
import { expectNmse } from "../../support/compare.ts";
import { freshRandom, inputTensor, outputTensor, type Random, useGpu } from "../../support/gpu.ts";
import {
  imageRows,
  MASKED_SEQUENCES,
  type MaskedSequence,
  randomMaskedSequence,
  rowsOf,
  textRowsOf,
  wholeRows,
} from "../../support/masked-sequences.ts";
import { NMSE_PRODUCT } from "../../support/tolerances.ts";

type Mask = MaskedSequence["mask"];

/** A sequence with images, and the mask of each layer; a layer without one has no attention. */
interface Case extends Pick<MaskedSequence, "images" | "keys"> {
  masks: readonly (Mask | undefined)[];
}

interface Layer {
  layer: number;
  ratio: number;
  mask: Mask;
  visible: number[]; // [T, 2]
  values: { q: Float32Array; k: Float32Array; v: Float32Array }; // [T, H D], [T, Hk D], [T, Hk D]
  expected: ReturnType<typeof referenceLayer>;
}

const SHAPE = { heads: 4, keyHeads: 2, headWidth: 16 };
const [Q_WIDTH, K_WIDTH] = [SHAPE.heads * SHAPE.headWidth, SHAPE.keyHeads * SHAPE.headWidth];
/** A cut this close to the score below it, as a share of the row's largest score, is beyond f32: other inputs are drawn. */
const MARGIN = 1e-5;

/** The part of a decoder that an inhibitor's buffers depend on. */
function decoderOf(chunkRows: number, layers: readonly { kind: string }[]) {
  const attention = { ...SHAPE, qkvBias: false };
  return {
    chunkRows,
    spec: { layers: layers.map(() => ({ kind: "attention" as const, attention, mlp: { width: 1 } })) },
  };
}

const { gpu } = useGpu();
beforeAll(async () => {
  const rehearsal = Inhibitor.forRehearsal(gpu(), decoderOf(2, [{ kind: "attention" }]));
  for (const rows of [1, 2]) {
    const tensors = {
      q: outputTensor(gpu(), [rows, Q_WIDTH]),
      cache: outputTensor(gpu(), [3, 2 * K_WIDTH]),
      visible: outputTensor(gpu(), [rows, 2], "u32"),
      y: outputTensor(gpu(), [rows, Q_WIDTH]),
    };
    await gpu().compile((recorder) => rehearsal.record(recorder, 0, chunkArgs(tensors, 1)));
  }
  rehearsal.dispose();
});

function chunkArgs({ q, cache, visible, y }: Record<"q" | "cache" | "visible" | "y", Tensor>, chunkRow: number) {
  const rows = q.shape[0]!;
  const cached = { tensor: cache, stride: 2 * K_WIDTH };
  return {
    q: { tensor: q, stride: Q_WIDTH, offset: 0 },
    k: { ...cached, offset: 0 },
    v: { ...cached, offset: K_WIDTH },
    ...{ visible, y, rows, chunkRow, keys: chunkRow + rows, ...SHAPE },
    scale: 1 / Math.sqrt(SHAPE.headWidth),
  };
}

/** One layer by the references, all rows at once. */
function referenceLayer(
  { q, k, v }: Layer["values"],
  { images, keys }: Case,
  visible: number[],
  ratio: number,
  { scores, score, discount, scope }: Inhibition,
) {
  const plain = attention(q, k, v, SHAPE, { visible });
  const [text, columns] = [textRowsOf(images, keys), imageRows(images)];
  const mean = headMeanAttention(q, k, plain.logSumExp, SHAPE, { visible }, scores);
  const focus = focusScores(mean, text, columns.flat(), visible, score, discount);
  const result = inhibit(focus, text, columns, visible, ratio, scope);
  const inhibited = new Uint8Array(keys * keys);
  result.inhibited.forEach((bit, i) => {
    const n = columns.flat().length;
    inhibited[text[Math.floor(i / n)]! * keys + columns.flat()[i % n]!] = bit;
  });
  return { focus, ...result, output: attention(q, k, v, SHAPE, { visible, inhibited }).output };
}

/** True if every cut of every row is clear of the score below it. */
function isClear({ images, keys }: Case, visible: number[], focus: Float64Array, ratio: number, scope?: string) {
  const columns = imageRows(images).flat();
  const groups = scope === "image" ? imageRows(images) : [columns];
  return textRowsOf(images, keys).every((t, row) =>
    groups.every((group) => {
      const seen = group.filter((s) => s >= visible[2 * t]! && s < visible[2 * t + 1]!);
      const scores = seen.map((s) => focus[row * columns.length + columns.indexOf(s)]!).sort((a, b) => a - b);
      const rank = Math.ceil(inhibitionRank(ratio, scores.length));
      if (scores.length === 0 || rank === 0) return true;
      return scores[rank]! - scores[rank - 1]! > MARGIN * Math.max(...scores.map(Math.abs));
    }),
  );
}

/** Random layers whose masks f32 can tell. */
function randomLayers(random: Random, shape: Case, inhibition: Inhibition): Layer[] {
  return shape.masks.flatMap((mask, layer) => {
    if (!mask) return [];
    const visible = mask(shape.keys);
    const ratio = inhibitionRatio(layer, shape.masks.length, inhibition.maxRatio, inhibition.schedule);
    for (let tries = 0; tries < 50; tries++) {
      const floats = (width: number) => random.floats(shape.keys * width);
      const values = { q: floats(Q_WIDTH), k: floats(K_WIDTH), v: floats(K_WIDTH) };
      const expected = referenceLayer(values, shape, visible, ratio, inhibition);
      if (isClear(shape, visible, expected.focus, ratio, inhibition.scope))
        return [{ layer, ratio, mask, visible, values, expected }];
    }
    throw new Error(`no inputs with clear cuts for layer ${layer}`);
  });
}

function inhibitorOf({ images, keys, masks }: Case, inhibition: Inhibition): Inhibitor {
  const ranges = new Map(masks.map((mask) => [mask, mask && Uint32Array.from(mask(rowsOf({ images, keys })))]));
  const kinds = masks.map((mask) => ({ kind: mask ? "attention" : "convolution" }));
  const visible = (layer: number) => ranges.get(masks[layer])!;
  const plan = planInhibition(inhibition, kinds);
  return new Inhibitor(gpu(), gpu().arena, decoderOf(512, kinds), plan, { images, visible, watch: true });
}

/** Runs rows `start` to the last end of a layer, chunk by chunk. Returns their output, [rows, H D]. */
async function runLayer(
  inhibitor: Inhibitor,
  { layer, visible, values: { q, k, v } }: Layer,
  ends: readonly number[],
  start = 0,
) {
  const keys = visible.length / 2;
  const rowOf = (x: Float32Array, t: number) => x.subarray(t * K_WIDTH, (t + 1) * K_WIDTH);
  const cached = Array.from({ length: keys }, (_, t) => [...rowOf(k, t), ...rowOf(v, t)]).flat();
  const cache = inputTensor(gpu(), [keys, 2 * K_WIDTH], cached);
  const output: number[] = [];
  let first = start;
  for (const end of ends) {
    const rows = end - first;
    const tensors = {
      q: inputTensor(gpu(), [rows, Q_WIDTH], q.subarray(first * Q_WIDTH, end * Q_WIDTH)),
      visible: inputTensor(gpu(), [rows, 2], visible.slice(2 * first, 2 * end), "u32"),
      y: outputTensor(gpu(), [rows, Q_WIDTH]),
    };
    const args = chunkArgs({ ...tensors, cache }, first);
    gpu().submit("layer", (pass) => inhibitor.record(pass, layer, args));
    output.push(...(await readFloats(gpu(), tensors.y)));
    for (const tensor of Object.values(tensors)) gpu().arena.free(tensor);
    first = end;
  }
  gpu().arena.free(cache);
  return output;
}

function compare(found: Inspection["layers"][number], output: number[], { expected, layer, ratio }: Layer) {
  const label = `layer ${layer}`;
  expect([found.layer, found.ratio]).toEqual([layer, ratio]);
  expect([...found.inhibited], `${label}: mask`).toEqual([...expected.inhibited]);
  expectNmse(`${label}: focus`, found.focus.data, expected.focus, NMSE_PRODUCT);
  const isZero = (values: ArrayLike<number>) => Array.from(values, (value) => value === 0);
  expect(isZero(found.focus.data), `${label}: pairs that are not seen`).toEqual(isZero(expected.focus));
  const numbers = (values: ArrayLike<number>) => Array.from(values, (value) => (Number.isNaN(value) ? 0 : value));
  expectNmse(`${label}: threshold`, numbers(found.threshold.data), numbers(expected.threshold), NMSE_PRODUCT);
  const missing = (values: ArrayLike<number>) => Array.from(values, (value) => Number.isNaN(value));
  expect(missing(found.threshold.data)).toEqual(missing(expected.threshold));
  expectNmse(`${label}: output`, output, expected.output, NMSE_PRODUCT);
}

/** Runs all layers in chunks that end at `ends`, and compares every number with the references. */
async function check(random: Random, shape: Case, inhibition: Inhibition, ends: readonly number[]): Promise<void> {
  const layers = randomLayers(random, shape, inhibition);
  const inhibitor = inhibitorOf(shape, inhibition);
  const arena = gpu().arena.scope();
  const record = new InhibitionRecord(gpu(), arena, inhibitor);
  const outputs: number[][] = [];
  for (const layer of layers) outputs.push(await runLayer(inhibitor, layer, ends));
  const found = await record.read(shape.keys);
  arena.dispose();
  inhibitor.dispose();
  expect(found.length).toBe(layers.length);
  for (const [i, layer] of layers.entries()) compare(found[i]!, outputs[i]!, layer);
}

const INHIBITIONS: readonly Inhibition[] = [
  { maxRatio: 0.6 },
  { maxRatio: 0.6, scope: "image" },
  { maxRatio: 1, score: "sum" },
  { maxRatio: 0.7, score: "discounted-sum", discount: 0.8, scope: "image" },
  { maxRatio: 0.5, scores: "logits" },
  { maxRatio: 0.9, score: "text-to-image" },
].map((inhibition) => ({ ...inhibition, schedule: "constant" }) as Inhibition);

/** Ends of the longest chunks of at most so many rows, or of the shortest possible, where rows that see each other stay together. */
function endsOf({ mask, keys }: Pick<MaskedSequence, "mask" | "keys">, maxRows: number): number[] {
  const visible = Uint32Array.from(mask(keys));
  for (let rows = maxRows; rows < keys; rows++)
    try {
      return chunkEnds(visible, { first: 0, maxRows: rows });
    } catch {
      // Rows that see each other do not fit.
    }
  return [keys];
}

describe("masks", () => {
  test.for(MASKED_SEQUENCES)("$name: one chunk, some, and the smallest", async (sequence) => {
    const random = freshRandom("masks");
    const shape = { ...sequence, keys: wholeRows(sequence), masks: [sequence.mask] };
    for (const [i, maxRows] of [shape.keys, 16, 1].entries())
      for (const inhibition of [INHIBITIONS[i]!, INHIBITIONS[i + 3]!])
        await check(random, shape, inhibition, endsOf(shape, maxRows));
  });

  test("random sequences and masks", async () => {
    const random = freshRandom("random masks");
    for (let round = 0; round < 8; round++) {
      const sequence = randomMaskedSequence(random);
      const inhibition = INHIBITIONS[random.integer(0, INHIBITIONS.length - 1)]!;
      const ends = endsOf(sequence, random.integer(1, sequence.keys));
      await check(random, { ...sequence, masks: [sequence.mask] }, inhibition, ends);
    }
  });

  test("a window of all rows is the causal mask, bit for bit", async () => {
    const random = freshRandom("wide window");
    const images = [[{ row: 2, tokens: 20 }]];
    const shape = { images, keys: 40, masks: [causal] };
    const [layer] = randomLayers(random, shape, INHIBITIONS[0]!) as [Layer];
    const outputs = [];
    for (const mask of [causal, (rows: number) => slidingWindow(rows, 40)]) {
      const inhibitor = inhibitorOf({ ...shape, masks: [mask] }, INHIBITIONS[0]!);
      outputs.push(await runLayer(inhibitor, layer, [17, 30, 31, 40]));
      inhibitor.dispose();
    }
    expect(outputs[1]).toEqual(outputs[0]);
  });
});

test("layers of several kinds in one model: full, without attention, and two windows", async () => {
  const random = freshRandom("kinds of layers");
  const narrow = (rows: number) => slidingWindow(rows, 14);
  const wide = (rows: number) => slidingWindow(rows, 33);
  const images = [
    [
      { row: 3, tokens: 9 },
      { row: 14, tokens: 11 },
    ],
    [{ row: 31, tokens: 6 }],
  ];
  const shape = { images, keys: 52, masks: [causal, undefined, narrow, causal, wide, undefined, narrow] };
  // The linear schedule counts all seven layers.
  for (const scope of ["row", "image"] as const) await check(random, shape, { maxRatio: 0.9, scope }, [20, 45, 46, 52]);
});

test("a second turn under a window: earlier rows keep their attention, new images get columns", async () => {
  const random = freshRandom("second turn");
  const mask = (rows: number) => slidingWindow(rows, 30);
  const images = [[{ row: 3, tokens: 9 }], [{ row: 33, tokens: 11 }]];
  const shape = { images, keys: 60, masks: [mask] };
  const inhibition = INHIBITIONS[0]!;
  const [layer] = randomLayers(random, shape, inhibition) as [Layer];
  const inhibitor = inhibitorOf({ ...shape, images: images.slice(0, 1), keys: 25 }, inhibition);
  const firstTurn = { ...layer, visible: layer.visible.slice(0, 50) };
  const output = await runLayer(inhibitor, firstTurn, [20, 21, 22, 23]);
  const ranges = Uint32Array.from(mask(64));
  inhibitor.extend({ images, visible: () => ranges });
  const rest = await runLayer(inhibitor, layer, [50, 51, 60], 23);
  inhibitor.dispose();
  expectNmse("output", [...output, ...rest], layer.expected.output, NMSE_PRODUCT);
});
