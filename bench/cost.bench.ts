/**
 * What token compression and attention inhibition cost and save, at the shapes of CLIP ViT-L/14-336 with a decoder of
 * Qwen2-0.5B's shape, in fewer layers. Random weights: only time is measured. Figures for all layers are sums of what was
 * measured per block and per stage, each at the number of tokens that it has.
 */
import { test } from "vitest";
import { commands } from "vitest/browser";
import type { Arena } from "../src/gpu/arena.ts";
import { Gpu } from "../src/gpu/device.ts";
import type { Recorder } from "../src/gpu/pass.ts";
import { importance } from "../src/kernels/importance.ts";
import { originWords } from "../src/kernels/origins.ts";
import { Cmai } from "../src/model/cmai.ts";
import { planCompression } from "../src/model/compression.ts";
import { type ModelConfig, parseConfig, type VisionConfig } from "../src/model/config.ts";
import { Decoder } from "../src/model/decoder.ts";
import { planInhibition } from "../src/model/inhibition.ts";
import { KvCache } from "../src/model/kv-cache.ts";
import { Weights } from "../src/model/load.ts";
import { weightSlots } from "../src/model/names.ts";
import { VisionEncoder } from "../src/model/vision.ts";
import { compressStage } from "../src/model/vmtc.ts";

const PATCHES = 576;
const KEPT = 288;
/** Tokens before and after each of the three stages. */
const SCHEDULE = [PATCHES, 457, 363, KEPT];
const TEXT_ROWS = 40;
const DECODER_LAYERS = 2;
const ROUNDS = 1;

const vision = {
  model_type: "clip_vision_model",
  hidden_size: 1024,
  intermediate_size: 4096,
  num_attention_heads: 16,
  image_size: 336,
  patch_size: 14,
};
const text = {
  model_type: "qwen2",
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: DECODER_LAYERS,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 1000,
  max_position_embeddings: 1024,
  tie_word_embeddings: true,
};

function configOf(blocks: number): ModelConfig {
  return parseConfig({
    model_type: "llava",
    image_token_index: 999,
    vision_feature_layer: -1,
    vision_config: { ...vision, num_hidden_layers: blocks },
    text_config: text,
  });
}

function randomWeights(gpu: Gpu, config: ModelConfig): Weights {
  const slots = weightSlots(config);
  const weights = new Weights(gpu.arena, slots);
  for (const { name, shape } of slots) {
    const values = new Float32Array(shape.reduce((a, b) => a * b));
    for (let i = 0; i < values.length; i++) values[i] = 0.04 * (Math.random() - 0.5);
    gpu.upload(weights.get(name), values);
  }
  return weights;
}

type Candidate = (recorder: Recorder, scratch: Arena) => void;

/**
 * The least time of each submission in milliseconds, `times` of it in a row for a mean. The candidates take turns, so that
 * a machine that is slow for a while slows all of them, behind a round that does not count. `record` may take memory from
 * the arena handed to it.
 */
async function leastTimes(gpu: Gpu, records: Candidate[], { rounds = ROUNDS, times = 1 } = {}): Promise<number[]> {
  const scratch = gpu.arena.scope();
  for (const record of records) await gpu.compile((recorder) => record(recorder, scratch));
  const least = records.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round <= rounds; round++)
    for (const [i, record] of records.entries()) {
      const start = performance.now();
      for (let time = 0; time < times; time++) gpu.submit("bench", (pass) => record(pass, scratch));
      await gpu.idle();
      if (round > 0) least[i] = Math.min(least[i]!, (performance.now() - start) / times);
    }
  scratch.dispose();
  return least;
}

test("cost of compression and inhibition", { timeout: 1_200_000 }, async () => {
  const gpu = await Gpu.open();
  const rows: [what: string, value: string][] = [["adapter", gpu.adapterName]];
  const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

  // Encoders of 1 and 2 blocks: their difference is a block; with a stage in block 0, the stage at its real place.
  const encoders = [1, 2].map((blocks) => {
    const config = configOf(blocks) as ModelConfig & { vision: VisionConfig };
    const encoder = new VisionEncoder(gpu, gpu.arena, randomWeights(gpu, config), config);
    return { config, encoder };
  });
  const pixels = gpu.arena.tensor("pixels", [3, 336, 336]);
  gpu.upload(
    pixels,
    Float32Array.from({ length: 3 * 336 * 336 }, () => Math.random() - 0.5),
  );
  const encode = (index: number, tokens: number | undefined) => (recorder: Recorder, scratch: Arena) => {
    const { config, encoder } = encoders[index]!;
    const plan =
      tokens === undefined
        ? ({ method: "none" } as const)
        : planCompression({ method: "vmtc", tokens, blocks: [0] }, config.vision, PATCHES);
    encoder.encode(recorder, pixels, { plan, kept: scratch, scratch });
  };
  // Block time at a number of tokens: a stage in block 0 leaves that many for block 1.
  const targets = [undefined, ...SCHEDULE.slice(1)];
  const candidates = targets.flatMap((tokens) => [encode(0, tokens), encode(1, tokens)]);
  const encoding = await leastTimes(gpu, candidates);
  const blockAt = targets.map((_, i) => encoding[2 * i + 1]! - encoding[2 * i]!);
  const block = blockAt[0]!;
  const embed = encoding[0]! - block;
  const stageAt: number[] = [];
  for (const [i, tokens] of SCHEDULE.slice(1).entries()) stageAt.push(await timeStage(gpu, SCHEDULE[i]!, tokens));
  // Blocks 0..6, 7..12, 13..18, 19..22 of the 23 that LLaVA runs; a stage's own block is counted before it.
  const blocksOf = [7, 6, 6, 4];
  const none = embed + 23 * block;
  const blocks = blockAt.reduce((sum, each, i) => sum + each * blocksOf[i]!, embed);
  const stages = stageAt.reduce((a, b) => a + b);
  rows.push(
    ["encoder, 23 blocks, 576 tokens", ms(none)],
    ["encoder, 23 blocks, 576 -> 457 -> 363 -> 288", ms(blocks + stages)],
    ["encoder, faster by", `${(none / (blocks + stages)).toFixed(2)}x`],
    ["the three stages' own time", ms(stages)],
    ["the stages' share of the compressed encoder", percent(stages / (blocks + stages))],
  );

  // Prefill and decoding, with and without.
  const config = encoders[0]!.config;
  const decoderConfig = config.decoder!;
  const weights = randomWeights(gpu, { ...config, vision: undefined, projector: undefined } as never);
  const sizes = { chunkRows: PATCHES + TEXT_ROWS, positions: 1024 };
  const decoder = new Decoder(gpu, gpu.arena, weights, decoderConfig, sizes);
  const cache = new KvCache(gpu.arena, decoderConfig, 1024);
  const positions = gpu.arena.tensor("positions", [sizes.chunkRows], "u32");
  const forward = (count: number, start: number, cmai?: Cmai) => (recorder: Recorder) =>
    decoder.forward(recorder, { ...positions, shape: [count] }, cache, start, cmai);
  const plan = planInhibition({ maxRatio: 0.6 }, decoderConfig);
  const prefill: Record<number, number> = {};
  for (const tokens of [PATCHES, KEPT]) {
    const total = tokens + TEXT_ROWS;
    const cmai = new Cmai(gpu, gpu.arena, decoder, plan, { images: [{ row: 5, tokens }], rows: total + 2 });
    const fills = await leastTimes(gpu, [forward(total, 0), forward(total, 0, cmai)]);
    const [step, inhibitedStep] = (await leastTimes(gpu, [forward(1, total), forward(1, total, cmai)], {
      rounds: 8,
      times: 10,
    })) as [number, number];
    const inhibited = fills[1]!;
    prefill[tokens] = fills[0]!;
    const layers = `${DECODER_LAYERS} layers, ${tokens} image + ${TEXT_ROWS} text tokens`;
    rows.push(
      [`prefill, ${layers}`, ms(prefill[tokens])],
      [`prefill inhibited, ${layers}`, `${ms(inhibited)}, ${percent(inhibited / prefill[tokens] - 1)} more`],
      [`decoded token, ${layers}`, ms(step)],
      [`decoded token inhibited, ${layers}`, `${ms(inhibitedStep)}, ${percent(inhibitedStep / step - 1)} more`],
    );
    cmai.dispose();
  }
  const before = none + 12 * prefill[PATCHES]!;
  const after = blocks + stages + 12 * prefill[KEPT]!;
  rows.push(
    ["image to first token, 23 blocks and 24 layers, compressed to half: faster by", `${(before / after).toFixed(2)}x`],
    ["peak GPU memory of this benchmark", `${(gpu.arena.peakBytes / 2 ** 20).toFixed(0)} MiB`],
  );
  const table = ["| figure | value |", "|---|---|", ...rows.map(([what, value]) => `| ${what} | ${value} |`)].join(
    "\n",
  );
  console.log(`\n${table}\n`);
  const date = new Date().toISOString().slice(0, 10);
  const file = `bench/results/cost-${gpu.adapterName.replaceAll(/\W+/g, "-")}`;
  await commands.writeFile(`${file}.json`, `${JSON.stringify({ date, ...Object.fromEntries(rows) }, null, 2)}\n`);
  await commands.writeFile(
    `${file}.md`,
    `# Cost of compression and inhibition, ${date}\n\n\`npm run bench\`\n\n${table}\n`,
  );
  gpu.dispose();
});

/** Importance and one stage on their own, at the encoder's width. */
async function timeStage(gpu: Gpu, before: number, tokens: number): Promise<number> {
  const { hidden_size: width, num_attention_heads: heads } = vision;
  const arena = gpu.arena.scope();
  const random = (shape: number[]) => {
    const tensor = arena.tensor("random", shape);
    gpu.upload(
      tensor,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => Math.random() - 0.5),
    );
    return tensor;
  };
  const [hidden, qkv] = [random([before + 1, width]), random([before + 1, 3 * width])];
  const logSumExp = random([before + 1, heads]);
  const scores = arena.tensor("scores", [before]);
  const output = arena.tensor("output", [tokens + 1, width]);
  const origins = arena.tensor("origins", [before, originWords(PATCHES)], "u32");
  const packed = (part: number) => ({ tensor: qkv, stride: 3 * width, offset: part * width });
  const clusters = Math.round(0.156 * tokens);
  const plan = { block: 0, before, tokens, primary: tokens - clusters, clusters };
  const stage: Candidate = (recorder, scratch) => {
    const shape = { classToken: true, heads, headWidth: width / heads, scale: 1 / Math.sqrt(width / heads) };
    importance(recorder, { q: packed(0), k: packed(1), logSumExp, scores, ...shape });
    const args = { plan, iterations: 10, normalized: true, first: 1, scores, origins, hidden, output };
    compressStage(recorder, { ...args, kept: scratch, scratch });
  };
  const [least] = await leastTimes(gpu, [stage]);
  arena.dispose();
  return least!;
}
