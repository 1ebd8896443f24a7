/**
 * The cost and the gain of token compression and attention inhibition, in the shapes of CLIP ViT-L/14-336 and of a decoder
 * of Qwen2-0.5B, with fewer layers. Weights are random: only time is measured. Figures for all layers are sums over
 * blocks and stages, each measured at its own number of tokens.
 */

import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { planCompression } from "../../src/model/compression/plan.ts";
import { causalRanges } from "../../src/model/decoder/visible.ts";
import { Encoder } from "../../src/model/encoder/encoder.ts";
import { Inhibitor } from "../../src/model/inhibition/inhibitor.ts";
import { planInhibition } from "../../src/model/inhibition/plan.ts";
import { describeModel } from "../../test/support/describe-model.ts";
import { DecoderSubject } from "./decoder-subject.ts";
import { type BatchOptions, medianRatio, type Recording, timeRecordings } from "./measure.ts";
import { randomWeights } from "./models.ts";
import { isBrief, type Part, type PartContext } from "./part.ts";
import { noise } from "./rates.ts";
import type { Figure, SizeName } from "./result.ts";
import { stageRecordings } from "./stages.ts";

const PATCHES = 576;
const KEPT = 288;
/** Tokens before and after each of the three stages. */
const SCHEDULE = [PATCHES, 457, 363, KEPT];
const TEXT_ROWS = 40;
/** Measured layers of the decoder. */
const MEASURED_LAYERS = 2;
/** Layers of the whole decoder. */
const LAYERS = 24;
/** Blocks in the file, of which the last does not run. */
const FILE_BLOCKS = 24;
const BLOCKS = FILE_BLOCKS - 1;
/** Blocks 0..6, 7..12, 13..18 and 19..22, between the stages; the block of a stage counts as before it. */
const BLOCKS_AT = [7, 6, 6, 4];

const ENCODER = {
  model_type: "clip_vision_model",
  hidden_size: 1024,
  intermediate_size: 4096,
  num_attention_heads: 16,
  image_size: 336,
  patch_size: 14,
};
const DECODER = {
  model_type: "qwen2",
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: MEASURED_LAYERS,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 1000,
  max_position_embeddings: 1024,
  tie_word_embeddings: true,
};

/**
 * A whole recording takes long enough to measure; a decoded token does not. Two rounds were too few: see
 * docs/performance.md.
 */
const ROUNDS: Record<SizeName, number> = { tiny: 1, small: 4, large: 9 };
/** On lavapipe, where four take 140 s of processor time for the encoder alone: right for times, coarse for differences. */
const BRIEF_ROUNDS = 2;
const TOKEN_BATCHES: Record<SizeName, BatchOptions> = {
  tiny: { rounds: 1, batchMs: 0 },
  small: { rounds: 9, batchMs: 500 },
  large: { rounds: 9, batchMs: 100 },
};

export const cost: Part = async (context) => {
  const encoder = await compressionCost(context);
  const decoder = await inhibitionCost(context);
  const whole = (encoding: number, prefill: number) => encoding + (LAYERS / MEASURED_LAYERS) * prefill;
  const what = `picture to first token, ${BLOCKS} blocks and ${LAYERS} layers, compressed to half: faster by`;
  const value = whole(encoder.none, decoder.prefill[0]!) / whole(encoder.compressed, decoder.prefill[1]!);
  return [...encoder.figures, ...decoder.figures, { id: "cost.first-token", what, value, unit: "x" }];
};

/** The minimum of each, for times that are added and subtracted: it is closest to an idle machine's time. */
async function least(gpu: Gpu, recordings: Recording[], size: SizeName): Promise<number[]> {
  const times = await timeRecordings(gpu, recordings, {
    rounds: isBrief(gpu.capabilities) && size === "small" ? BRIEF_ROUNDS : ROUNDS[size],
    batchMs: 0,
  });
  return times.map((each) => Math.min(...each));
}

/** An encoder of `blocks` blocks, all of which run. */
function encoderOf(gpu: Gpu, blocks: number): Encoder {
  const vision_config = { ...ENCODER, num_hidden_layers: blocks };
  const llava = { model_type: "llava", image_token_index: 999, vision_feature_layer: -1 };
  const model = describeModel({ "config.json": { ...llava, vision_config, text_config: DECODER } });
  const tensors = model.tensors.filter(({ name }) => name.startsWith("encoder."));
  return new Encoder(gpu, randomWeights(gpu, { tensors }, "f32"), model.encoder!);
}

async function compressionCost({ gpu, size, progress }: PartContext) {
  progress("cost: the encoder");
  const arena = gpu.arena.scope();
  // Encoders of 1 and 2 blocks: their difference is a block. A stage in block 0 gives a block on fewer tokens.
  const encoders = [encoderOf(gpu, 1), encoderOf(gpu, 2)];
  const pixels = noise(gpu, arena, [1, 3, 336, 336]);
  const encode =
    (encoder: Encoder, tokens: number | undefined): Recording =>
    (recorder, scratch) => {
      const compression =
        tokens === undefined ? { method: "none" as const } : { method: "vmtc" as const, tokens, blocks: [0] };
      const [plan] = planCompression(compression, encoder.spec, [PATCHES]);
      encoder.encode(recorder, pixels, { grid: encoder.spec.positions.grid, plan: plan!, kept: scratch, scratch });
    };
  const targets = [undefined, ...SCHEDULE.slice(1)];
  const times = await least(
    gpu,
    targets.flatMap((tokens) => encoders.map((encoder) => encode(encoder, tokens))),
    size,
  );
  progress("cost: the stages");
  const whole = { blocks: FILE_BLOCKS, runBlocks: BLOCKS };
  const [plan] = planCompression({ method: "vmtc", tokens: KEPT }, whole, [PATCHES]);
  const stageTimes = await least(gpu, stageRecordings(gpu, arena, encoders[0]!.spec, plan!, 1), size);
  arena.dispose();
  const blockAt = targets.map((_, i) => times[2 * i + 1]! - times[2 * i]!);
  const embedding = times[0]! - blockAt[0]!;
  const none = embedding + BLOCKS * blockAt[0]!;
  const stages = stageTimes.reduce((a, b) => a + b);
  const compressed = blockAt.reduce((sum, each, i) => sum + each * BLOCKS_AT[i]!, embedding) + stages;
  const encoder = `encoder, ${BLOCKS} blocks`;
  const figures: Figure[] = [
    { id: "cost.encoder", what: `${encoder}, ${PATCHES} tokens`, value: none, unit: "ms" },
    { id: "cost.compressed", what: `${encoder}, ${SCHEDULE.join(" -> ")}`, value: compressed, unit: "ms" },
    { id: "cost.encoder-gain", what: `${encoder}: faster by`, value: none / compressed, unit: "x" },
    { id: "cost.stages", what: "the three stages' own time", value: stages, unit: "ms" },
    {
      id: "cost.stages.share",
      what: "the stages' share of the compressed encoder",
      value: (100 * stages) / compressed,
      unit: "%",
    },
  ];
  return { none, compressed, figures };
}

async function inhibitionCost({ gpu, size, progress }: PartContext) {
  const subject = new DecoderSubject(gpu, { json: DECODER, weights: "f32", capacity: 1024 });
  // A constant schedule, because the first of two linear layers would inhibit nothing. Of 24 layers, 23 inhibit.
  const plan = planInhibition({ maxRatio: 0.6, schedule: "constant" }, subject.spec.layers);
  const prefill: number[] = [];
  const figures: Figure[] = [];
  for (const tokens of [PATCHES, KEPT]) {
    progress(`cost: the decoder after ${tokens} image tokens`);
    const total = tokens + TEXT_ROWS;
    const ranges = causalRanges(total + 2);
    const inhibited = { images: [[{ row: 5, tokens }]], visible: () => ranges };
    const inhibitor = new Inhibitor(gpu, gpu.arena, subject.decoder, plan, inhibited);
    const run = (rows: number, start: number, inhibition?: Inhibitor) => (recorder: Recorder) =>
      subject.record(recorder, rows, start, inhibition);
    const [fill, inhibitedFill] = (await least(gpu, [run(total, 0), run(total, 0, inhibitor)], size)) as [
      number,
      number,
    ];
    const steps = await timeRecordings(gpu, [run(1, total), run(1, total, inhibitor)], TOKEN_BATCHES[size]);
    const [step, inhibitedStep] = steps as [number[], number[]];
    prefill.push(fill);
    const on = `${MEASURED_LAYERS} layers, ${tokens} image + ${TEXT_ROWS} text tokens`;
    const more = (ratio: number) => 100 * (ratio - 1);
    figures.push(
      { id: `cost.prefill-${tokens}`, what: `prefill, ${on}`, value: fill, unit: "ms" },
      {
        id: `cost.inhibition.prefill-${tokens}`,
        what: `prefill inhibited, ${on}: more time`,
        value: more(inhibitedFill / fill),
        unit: "%",
      },
      { id: `cost.token-${tokens}`, what: `a token, ${on}`, value: Math.min(...step), unit: "ms" },
      {
        id: `cost.inhibition.token-${tokens}`,
        what: `a token inhibited, ${on}: more time`,
        value: more(medianRatio(inhibitedStep, step)),
        unit: "%",
      },
    );
    inhibitor.dispose();
  }
  return { prefill, figures };
}
