/** The vision encoders (CLIP, SigLIP, ViT, InternViT) on one view, with every compression setting, in f64. */
import { addScaled } from "../add-scaled.ts";
import { type AttentionShape, attention } from "../attention.ts";
import { cellOrder } from "../cells.ts";
import { importance } from "../importance.ts";
import { layerNorm } from "../layer-norm.ts";
import { matmul } from "../matmul.ts";
import { meanKeys } from "../mean-keys.ts";
import { initialOrigins, type Origin } from "../owners.ts";
import { patches } from "../patches.ts";
import { pool } from "../pool.ts";
import { prumerge } from "../prumerge.ts";
import { rmsNorm } from "../rms-norm.ts";
import { checkStageBlocks, stageBlocks, stageClusters, stageTokens, tokenBudget } from "../schedule.ts";
import { tokenEmbed } from "../token-embed.ts";
import { topK } from "../top-k.ts";
import { visionEmbed } from "../vision-embed.ts";
import { activationOf, type Compression, type VisionConfig } from "./settings.ts";
import { compressStage, type Stage, type StageSettings } from "./vmtc.ts";
import { tensorData, type Weights } from "./weights.ts";

export interface VisionOptions {
  /** Hidden state that the features are: k counts blocks, -1 is after all of them, -2 after one fewer. */
  featureLayer: number;
  /** True if the class token stays in the features, as row 0. */
  keepClassToken: boolean;
  compression: Compression;
  /** Side of a cell, in patches; default 1. */
  cell?: number;
  /** True if the features go through the norm after the last block. */
  postNorm?: boolean;
}

export interface VisionResult {
  /** [T, C] each: 0 after the embeddings (and pre-LayerNorm), I after block I - 1. */
  hidden: Float64Array[];
  stages: Stage[];
  /** [n * S, C] in cell order, what the projector reads. */
  features: Float64Array;
  /** Of the cells that left the last block. */
  origins: Origin[];
  /** "prune-last" and "prumerge": the cells kept after the last block, ascending. */
  kept?: number[];
}

/** The stages of "vmtc" by block; a stage that would not shrink is left out: nothing happens there. */
function planStages(
  compression: Compression,
  config: VisionConfig,
  blocksRun: number,
  initial: number,
): Map<number, StageSettings> {
  const plan = new Map<number, StageSettings>();
  if (compression.method !== "vmtc") return plan;
  const final = tokenBudget(initial, compression.tokens, compression.ratio);
  const blocks = compression.blocks ?? stageBlocks(config.num_hidden_layers, compression.stages ?? 3);
  checkStageBlocks(blocks, blocksRun);
  let before = initial;
  stageTokens(initial, final, blocks.length).forEach((tokens, i) => {
    if (tokens >= before) return;
    before = tokens;
    plan.set(blocks[i]!, {
      tokens,
      clusters: stageClusters(tokens, compression.clusters ?? "auto"),
      merge: compression.merge ?? "normalized",
      iterations: compression.iterations ?? 10,
    });
  });
  return plan;
}

/** [first + N * S, C] in cell order, after the pre-LayerNorm where there is one (CLIP). */
function embed(pixels: ArrayLike<number>, config: VisionConfig, weights: Weights, cell: number): Float64Array {
  const { image_size: size, patch_size: patch } = config;
  const grid = Math.floor(size / patch);
  const rows = patches(pixels, { height: size, width: size, patch, cell });
  const projected = matmul(
    rows,
    tensorData(weights, "vision.embeddings.patch_embedding.weight"),
    3 * config.patch_size ** 2,
    { bias: weights.get("vision.embeddings.patch_embedding.bias")?.data },
  );
  const embedded = visionEmbed(
    projected,
    tensorData(weights, "vision.embeddings.position_embedding.weight"),
    cellOrder(grid, grid, cell),
    weights.get("vision.embeddings.class_embedding")?.data,
  );
  if (!weights.has("vision.pre_layrnorm.weight")) return embedded;
  return layerNorm(
    embedded,
    tensorData(weights, "vision.pre_layrnorm.weight"),
    tensorData(weights, "vision.pre_layrnorm.bias"),
    config.layer_norm_eps,
  );
}

/** The norms and linear layers of a block, by their names in it. */
function blockProducts(config: VisionConfig, weights: Weights, block: number) {
  const tensor = (name: string) => tensorData(weights, `vision.encoder.layers.${block}.${name}`);
  const find = (name: string) => weights.get(`vision.encoder.layers.${block}.${name}`)?.data;
  const norm = (name: string, z: Float64Array) => {
    const bias = find(`${name}.bias`);
    const weight = tensor(`${name}.weight`);
    return bias ? layerNorm(z, weight, bias, config.layer_norm_eps) : rmsNorm(z, weight, config.layer_norm_eps);
  };
  const qkNorm = (name: string, z: Float64Array) => {
    const weight = find(name);
    return weight ? rmsNorm(z, weight, config.layer_norm_eps) : z;
  };
  const add = (name: string, scale: string, z: Float64Array, residual: Float64Array) => {
    const factors = find(scale);
    return factors ? addScaled(linear(name, z), factors, residual) : linear(name, z, { residual });
  };
  const linear = (name: string, z: Float64Array, extra: object = {}) =>
    matmul(z, tensor(`${name}.weight`), tensor(`${name}.weight`).length / tensor(`${name}.bias`).length, {
      bias: tensor(`${name}.bias`),
      ...extra,
    });
  return { norm, qkNorm, linear, add };
}

/**
 * @param pixels planar [3, S, S], normalised
 * @param weights canonical names, `vision.*`
 */
export function encodeImage(
  pixels: ArrayLike<number>,
  config: VisionConfig,
  weights: Weights,
  options: VisionOptions,
): VisionResult {
  const width = config.hidden_size;
  const heads = config.num_attention_heads;
  const shape: AttentionShape = { heads, keyHeads: heads, headWidth: width / heads };
  const layers = config.num_hidden_layers;
  const blocksRun = options.featureLayer < 0 ? layers + 1 + options.featureLayer : options.featureLayer;
  const hasClassToken = weights.has("vision.embeddings.class_embedding");
  const { compression, cell = 1 } = options;
  const seats = cell ** 2;
  const cells = Math.floor(config.image_size / config.patch_size) ** 2 / seats;
  const plan = planStages(compression, config, blocksRun, cells);

  let x = embed(pixels, config, weights, cell);
  let origins: Origin[] = initialOrigins(cells);
  let keys: Float64Array = new Float64Array(0);
  let scores: Float64Array = new Float64Array(0);
  const hidden = [x];
  const stages: Stage[] = [];

  for (let block = 0; block < blocksRun; block++) {
    const { norm, qkNorm, linear, add } = blockProducts(config, weights, block);
    const normed = norm("layer_norm1", x);
    const q = qkNorm("q_norm.weight", linear("self_attn.q_proj", normed));
    const k = qkNorm("k_norm.weight", linear("self_attn.k_proj", normed));
    const v = linear("self_attn.v_proj", normed);
    const { output, logSumExp } = attention(q, k, v, shape);
    let z = add("self_attn.out_proj", "lambda_1", output, x);

    keys = k;
    scores = importance(q, k, logSumExp, shape, hasClassToken, seats);
    const settings = plan.get(block);
    if (settings) {
      const stage = compressStage(z, seats * width, scores, origins, block, settings);
      stages.push(stage);
      z = stage.tokens;
      origins = stage.origins;
    }

    const inner = linear("mlp.fc1", norm("layer_norm2", z), { activation: activationOf(config.hidden_act) });
    x = add("mlp.fc2", "lambda_2", inner, z);
    hidden.push(x);
  }

  if (options.postNorm) {
    const [weight, bias] = ["weight", "bias"].map((name) => tensorData(weights, `vision.post_layernorm.${name}`));
    x = layerNorm(x, weight!, bias!, config.layer_norm_eps);
  }
  const classLength = hasClassToken ? width : 0;
  const grid = Math.floor(config.image_size / config.patch_size) / cell;
  const last = { keys: keys.subarray(classLength), scores, shape };
  const after = afterEncoder(x.subarray(classLength), last, grid, compression);
  const classRow = options.keepClassToken ? x.subarray(0, classLength) : new Float64Array(0);
  const features = new Float64Array([...classRow, ...after.features]);
  return { hidden, stages, features, origins, ...(after.kept ? { kept: after.kept } : {}) };
}

/** The methods that work on the finished cells [N, S * C] with the last run block's keys and importance. */
function afterEncoder(
  x: Float64Array,
  { keys, scores, shape }: { keys: Float64Array; scores: Float64Array; shape: AttentionShape },
  grid: number,
  compression: Compression,
): { features: Float64Array; kept?: number[] } {
  switch (compression.method) {
    case "prune-last": {
      const { kept } = topK(scores, compression.tokens);
      return { features: tokenEmbed(kept, x, x.length / scores.length), kept };
    }
    case "pool":
      return { features: pool(x, grid, grid, compression.factor) };
    case "prumerge":
      if (compression.tokens !== undefined && compression.tokens >= scores.length) return { features: x };
      return prumerge(x, meanKeys(keys, shape.heads, shape.headWidth), scores, compression.tokens);
    default:
      return { features: x };
  }
}

/**
 * A ViT classifier's final LayerNorm and head.
 *
 * @param x [T, C], after the last block; the class token is row 0
 * @returns normed [T, C]; logits [classes]
 */
export function classify(
  x: Float64Array,
  config: VisionConfig,
  weights: Weights,
): { normed: Float64Array; logits: Float64Array } {
  const normed = layerNorm(
    x,
    tensorData(weights, "vision.post_layernorm.weight"),
    tensorData(weights, "vision.post_layernorm.bias"),
    config.layer_norm_eps,
  );
  const logits = matmul(
    normed.subarray(0, config.hidden_size),
    tensorData(weights, "classifier.weight"),
    config.hidden_size,
    {
      bias: tensorData(weights, "classifier.bias"),
    },
  );
  return { normed, logits };
}
