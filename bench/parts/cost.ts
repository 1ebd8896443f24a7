/**
 * What token compression and attention inhibition cost and save, at the shapes of CLIP ViT-L/14-336 with a decoder of
 * Qwen2-0.5B's shape, in fewer layers. Random weights: only time is measured. Figures for all layers are sums of what was
 * measured per block and per stage, each at the number of tokens that it has.
 */
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { importance } from "../../src/kernels/importance.ts";
import { originWords } from "../../src/kernels/origins.ts";
import { Cmai } from "../../src/model/cmai.ts";
import { planCompression } from "../../src/model/compression/plan.ts";
import { type ModelConfig, parseConfig, type VisionConfig } from "../../src/model/config.ts";
import { planInhibition } from "../../src/model/inhibition.ts";
import { VisionEncoder } from "../../src/model/vision.ts";
import { compressStage } from "../../src/model/compression/stage.ts";
import { DecoderSubject } from "./decoder-subject.ts";
import { type BatchOptions, medianRatio, type Recording, timeRecordings } from "./measure.ts";
import { randomWeights } from "./models.ts";
import type { Part, PartContext } from "./part.ts";
import { noise } from "./rates.ts";
import type { Figure, SizeName } from "./result.ts";

const PATCHES = 576;
const KEPT = 288;
/** Tokens before and after each of the three stages. */
const SCHEDULE = [PATCHES, 457, 363, KEPT];
const TEXT_ROWS = 40;
/** Layers that are measured of the decoder's 24, and blocks of the encoder that LLaVA runs. */
const MEASURED_LAYERS = 2;
const LAYERS = 24;
const BLOCKS = 23;
/** Of them 0..6, 7..12, 13..18 and 19..22, between the stages; a stage's own block is counted before it. */
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

/** A whole recording here takes long enough by itself; a decoded token does not. Two rounds were too few: see docs/performance.md. */
const ROUNDS: Record<SizeName, number> = { tiny: 1, small: 4, large: 9 };
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

/** The least of each, for what is added and subtracted: no other is as near to an idle machine. */
async function least(gpu: Gpu, recordings: Recording[], size: SizeName): Promise<number[]> {
  const times = await timeRecordings(gpu, recordings, { rounds: ROUNDS[size], batchMs: 0 });
  return times.map((each) => Math.min(...each));
}

function configOf(blocks: number): ModelConfig & { vision: VisionConfig } {
  const vision_config = { ...ENCODER, num_hidden_layers: blocks };
  const llava = { model_type: "llava", image_token_index: 999, vision_feature_layer: -1 };
  return parseConfig({ ...llava, vision_config, text_config: DECODER }) as ModelConfig & { vision: VisionConfig };
}

async function compressionCost({ gpu, size, progress }: PartContext) {
  progress("cost: the encoder");
  const arena = gpu.arena.scope();
  // Encoders of 1 and 2 blocks: their difference is a block; with a stage in block 0, a block of the tokens that are left.
  const encoders = [1, 2].map((blocks) => {
    const config = configOf(blocks);
    return { config, encoder: new VisionEncoder(gpu, arena, randomWeights(gpu, visionOf(config), "f32"), config) };
  });
  const pixels = noise(gpu, arena, [3, 336, 336]);
  const encode = (index: number, tokens: number | undefined) => (recorder: Recorder) => {
    const { config, encoder } = encoders[index]!;
    const plan =
      tokens === undefined
        ? ({ method: "none" } as const)
        : planCompression({ method: "vmtc", tokens, blocks: [0] }, config.vision, [PATCHES])[0]!;
    encoder.encode(recorder, pixels, { plan, kept: arena, scratch: arena });
  };
  const targets = [undefined, ...SCHEDULE.slice(1)];
  const times = await least(
    gpu,
    targets.flatMap((tokens) => [encode(0, tokens), encode(1, tokens)]),
    size,
  );
  progress("cost: the stages");
  const stageTimes = await least(
    gpu,
    SCHEDULE.slice(1).map((tokens, i) => stage(gpu, arena, SCHEDULE[i]!, tokens)),
    size,
  );
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

/** Only the encoder's weights. */
function visionOf(config: ModelConfig): ModelConfig {
  const { projector: _, decoder: __, ...rest } = config;
  return rest;
}

/** Importance and one stage on their own, at the encoder's width. */
function stage(gpu: Gpu, arena: Arena, before: number, tokens: number): Recording {
  const { hidden_size: width, num_attention_heads: heads } = ENCODER;
  const [hidden, qkv] = [noise(gpu, arena, [before + 1, width]), noise(gpu, arena, [before + 1, 3 * width])];
  const logSumExp = noise(gpu, arena, [before + 1, heads]);
  const scores = arena.tensor("scores", [1, before]);
  const output = arena.tensor("output", [tokens + 1, width]);
  const origins = arena.tensor("origins", [1, before, originWords(PATCHES)], "u32");
  const packed = (part: number) => ({ tensor: qkv, stride: 3 * width, offset: part * width });
  const clusters = Math.round(0.156 * tokens);
  const plan = { block: 0, before, tokens, primary: tokens - clusters, clusters };
  return (recorder) => {
    const shape = { classToken: true, seats: 1, heads, headWidth: width / heads, scale: 1 / Math.sqrt(width / heads) };
    importance(recorder, { q: packed(0), k: packed(1), logSumExp, scores, ...shape });
    const args = { plan, iterations: 10, normalized: true, first: 1, seats: 1, scores, origins, hidden, output };
    compressStage(recorder, { ...args, kept: arena, scratch: arena });
  };
}

async function inhibitionCost({ gpu, size, progress }: PartContext) {
  const subject = new DecoderSubject(gpu, { json: DECODER, weights: "f32", capacity: 1024 });
  // In every layer, as in 23 of the 24 of a linear schedule; its first of two would inhibit nothing.
  const plan = planInhibition({ maxRatio: 0.6, schedule: "constant" }, subject.config);
  const prefill: number[] = [];
  const figures: Figure[] = [];
  for (const tokens of [PATCHES, KEPT]) {
    progress(`cost: the decoder behind ${tokens} image tokens`);
    const total = tokens + TEXT_ROWS;
    const cmai = new Cmai(gpu, gpu.arena, subject.decoder, plan, { images: [{ row: 5, tokens }], rows: total + 2 });
    const run = (rows: number, start: number, inhibition?: Cmai) => (recorder: Recorder) =>
      subject.record(recorder, rows, start, inhibition);
    const [fill, inhibitedFill] = (await least(gpu, [run(total, 0), run(total, 0, cmai)], size)) as [number, number];
    const steps = await timeRecordings(gpu, [run(1, total), run(1, total, cmai)], TOKEN_BATCHES[size]);
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
    cmai.dispose();
  }
  return { prefill, figures };
}
