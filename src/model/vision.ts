/**
 * The vision encoder: CLIP, SigLIP and ViT share one block (Dosovitskiy et al. 2021, pre-norm). Pixels in, hidden states
 * out, all on the GPU. Preprocessing comes before it (preprocess.ts), the projector after.
 */
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Recorder } from "../gpu/pass.ts";
import { type Matrix, type Tensor, view } from "../gpu/tensor.ts";
import { attention } from "../kernels/attention.ts";
import { copyRows } from "../kernels/copy-rows.ts";
import type { HeadRows } from "../kernels/heads.ts";
import { importance } from "../kernels/importance.ts";
import { layerNorm } from "../kernels/layer-norm.ts";
import { linear } from "../kernels/linear.ts";
import { initialOrigins, originWords } from "../kernels/origins.ts";
import { patches } from "../kernels/patches.ts";
import { visionEmbed } from "../kernels/vision-embed.ts";
import { selectCells } from "./compression/baselines.ts";
import type { ViewPlan } from "./compression/plan.ts";
import { compressStage, type StageTensors } from "./compression/stage.ts";
import type { ModelConfig, VisionConfig } from "./config.ts";
import type { Weights } from "./load.ts";

/** Patches of a picture before any compression. */
export function patchCount({ imageSize, patchSize }: VisionConfig): number {
  return Math.floor(imageSize / patchSize) ** 2;
}

/** Buffers of one encoding, for the most tokens it can have. */
interface Workspace {
  patchRows: Tensor; // [N, 3 * P * P]
  patchEmbeddings: Tensor; // [N, C]
  hidden: Tensor; // [T, C]
  compressed: Tensor; // [T, C], where a stage puts what leaves it: `hidden` and it take turns
  normed: Tensor; // [T, C]
  qkv: Tensor; // [T, 3 * C]
  attended: Tensor; // [T, C]
  mlp: Tensor; // [T, F]
  logSumExp: Tensor; // [T, H]
  patchOrigins: Tensor; // [1, N, W + 1] u32, of tokens before any stage
}

export interface EncodeOptions {
  plan: ViewPlan;
  /** Owns the tensors of the stages. */
  kept: Arena;
  /** Owns what is needed until the work is submitted. */
  scratch: Arena;
  /** Whether stages keep a copy of their tokens. */
  keepTokens?: boolean;
  /** Told of the hidden states before block 0 and after each block; may record copies. */
  onHidden?: (index: number, hidden: Tensor) => void;
}

/** Hidden states after the last block that runs. */
export interface Encoded {
  /** [T, C], class token first if there is one, in the encoder's own buffer: overwritten by the next picture. */
  hidden: Tensor;
  stages: StageTensors[];
  origins: Tensor; // [1, n, W + 1] u32, of the patch tokens in `hidden`
  /** Importance by the last block that ran, [1, n]; where the plan prunes behind the encoder. */
  scores: Tensor | undefined;
}

export class VisionEncoder {
  readonly #config: VisionConfig;
  readonly #keepClassToken: boolean;
  readonly #weights: Weights;
  readonly #space: Workspace;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(gpu: Gpu, arena: Arena, weights: Weights, model: ModelConfig & { vision: VisionConfig }) {
    const config = model.vision;
    this.#config = config;
    this.#keepClassToken = model.keepClassToken;
    this.#weights = weights;
    const { width, mlpWidth, patchSize, heads } = config;
    const count = patchCount(config);
    const tokens = count + this.#first;
    this.#space = {
      patchRows: arena.tensor("vision patch rows", [count, 3 * patchSize * patchSize]),
      patchEmbeddings: arena.tensor("vision patch embeddings", [count, width]),
      hidden: arena.tensor("vision hidden", [tokens, width]),
      compressed: arena.tensor("vision compressed", [tokens, width]),
      normed: arena.tensor("vision normed", [tokens, width]),
      qkv: arena.tensor("vision qkv", [tokens, 3 * width]),
      attended: arena.tensor("vision attended", [tokens, width]),
      mlp: arena.tensor("vision mlp", [tokens, mlpWidth]),
      logSumExp: arena.tensor("vision log-sum-exp", [tokens, heads]),
      patchOrigins: arena.tensor("patch origins", [1, count, originWords(count)], "u32"),
    };
    gpu.upload(this.#space.patchOrigins, initialOrigins(count, 1));
  }

  /** Rows in front of the patches: the class token. */
  get #first(): number {
    return this.#config.classToken ? 1 : 0;
  }

  /**
   * Runs the blocks (and for a ViT the final norm).
   *
   * @param pixels [3, S, S], normalised
   */
  encode(recorder: Recorder, pixels: Tensor, options: EncodeOptions): Encoded {
    const { plan, kept, scratch, onHidden } = options;
    const { runBlocks, eps } = this.#config;
    const { patchOrigins, normed } = this.#space;
    let hidden = this.#embed(recorder, pixels);
    onHidden?.(0, hidden);
    const result: Encoded = { hidden, stages: [], origins: patchOrigins, scores: undefined };
    for (let block = 0; block < runBlocks; block++) {
      const stage = plan.method === "vmtc" ? plan.stages.find((candidate) => candidate.block === block) : undefined;
      const prunesAfter = block + 1 === runBlocks && (plan.method === "prune-last" || plan.method === "prumerge");
      this.#attend(recorder, block, hidden);
      const scores = stage || prunesAfter ? this.#importance(recorder, hidden, kept) : undefined;
      if (stage && plan.method === "vmtc") {
        const output = this.#otherThan(hidden, stage.tokens);
        const { iterations, normalized } = plan;
        const rules = { plan: stage, iterations, normalized, first: this.#first, seats: 1 };
        const tensors = { scores: scores!, origins: result.origins, hidden, output, kept, scratch };
        const done = compressStage(recorder, { ...rules, ...tensors });
        if (options.keepTokens) done.tokens = this.#copy(recorder, output, kept);
        result.stages.push(done);
        result.origins = done.origins;
        hidden = output;
      } else {
        result.scores = scores;
      }
      this.#mlp(recorder, block, hidden);
      onHidden?.(block + 1, hidden);
    }
    result.hidden = hidden;
    const weight = this.#weights.find("vision.norm.weight");
    if (weight) {
      result.hidden = view(normed, hidden.shape);
      layerNorm(recorder, { x: hidden, weight, bias: this.#weights.get("vision.norm.bias"), y: result.hidden, eps });
    }
    return result;
  }

  /** Tokens that the projector reads of one picture without compression. */
  get featureTokens(): number {
    return patchCount(this.#config) + (this.#keepClassToken ? 1 : 0);
  }

  /**
   * What the projector reads: the tokens that are left by the plan, behind the class token if that is wanted.
   * Records the methods that work behind the encoder.
   *
   * @param kept owns the result and the tensors of a stage behind the encoder, which is added to `encoded.stages`
   * @returns [n, C]
   */
  selectFeatures(recorder: Recorder, encoded: Encoded, { plan, kept, scratch }: EncodeOptions): Tensor {
    const side = Math.sqrt(patchCount(this.#config));
    const { hidden: tokens, stage } = selectCells(recorder, encoded, {
      plan,
      block: this.#config.runBlocks - 1,
      grid: { rows: side, cols: side },
      first: this.#first,
      seats: 1,
      keys: this.#packed(1),
      ...this.#heads,
      kept,
      scratch,
    });
    if (stage) encoded.stages.push(stage);
    const rows = tokens.shape[0]! - (this.#keepClassToken ? 0 : this.#first);
    const features = kept.tensor("image features", [rows, this.#config.width]);
    copyRows(recorder, { x: tokens, y: features, xRow: tokens.shape[0]! - rows, yRow: 0, rows });
    return features;
  }

  /** Class logits [1, classes] of a ViT classifier, from the class token of the hidden states. */
  classify(recorder: Recorder, { hidden }: Encoded, logits: Tensor): void {
    const weight = this.#weights.matrix("classifier.weight");
    const bias = this.#weights.get("classifier.bias");
    linear(recorder, { x: view(hidden, [1, this.#config.width]), weight, bias, y: logits });
  }

  /** Embeddings with positions, after CLIP's norm in front of the blocks; [T, C] in the workspace. */
  #embed(recorder: Recorder, pixels: Tensor): Tensor {
    const { patchSize, preNorm } = this.#config;
    const { patchRows, patchEmbeddings, hidden, normed } = this.#space;
    const weights = this.#weights;
    patches(recorder, { pixels: view(pixels, [1, ...pixels.shape]), y: patchRows, patchSize, cell: 1 });
    const bias = weights.find("vision.patch.bias");
    linear(recorder, { x: patchRows, weight: weights.matrix("vision.patch.weight"), bias, y: patchEmbeddings });
    const positions = weights.get("vision.positions");
    const y = preNorm ? normed : hidden;
    const classEmbedding = weights.find("vision.class");
    const cols = Math.sqrt(patchCount(this.#config));
    visionEmbed(recorder, { patchEmbeddings, classEmbedding, positions, y, cols, cell: 1 });
    if (preNorm) this.#norm(recorder, "vision.preNorm", normed, hidden);
    return hidden;
  }

  /** Attention with its norm, added to `hidden` [T, C] in place. Leaves q, k, v and the log-sum-exp in the workspace. */
  #attend(recorder: Recorder, block: number, hidden: Tensor): void {
    const { width, heads } = this.#config;
    const rows = hidden.shape[0]!;
    const normed = view(this.#space.normed, [rows, width]);
    const qkv = view(this.#space.qkv, [rows, 3 * width]);
    const y = view(this.#space.attended, [rows, width]);
    const logSumExp = view(this.#space.logSumExp, [rows, heads]);
    this.#norm(recorder, `vision.blocks.${block}.norm1`, hidden, normed);
    linear(recorder, { x: normed, ...this.#layer(block, "qkv"), y: qkv });
    const operands = { q: this.#packed(0), k: this.#packed(1), v: this.#packed(2) };
    attention(recorder, { ...operands, y, logSumExp, rows, keys: rows, ...this.#heads, keyHeads: heads });
    linear(recorder, { x: y, ...this.#layer(block, "out"), y: hidden, accumulate: true });
  }

  /** MLP with its norm, added to `hidden` [T, C] in place. */
  #mlp(recorder: Recorder, block: number, hidden: Tensor): void {
    const { width, mlpWidth, activation } = this.#config;
    const rows = hidden.shape[0]!;
    const normed = view(this.#space.normed, [rows, width]);
    const mlp = view(this.#space.mlp, [rows, mlpWidth]);
    this.#norm(recorder, `vision.blocks.${block}.norm2`, hidden, normed);
    linear(recorder, { x: normed, ...this.#layer(block, "fc1"), y: mlp, activation });
    linear(recorder, { x: mlp, ...this.#layer(block, "fc2"), y: hidden, accumulate: true });
  }

  /** Importance of the patches by the block whose attention is in the workspace, [1, n] of `kept`. */
  #importance(recorder: Recorder, hidden: Tensor, kept: Arena): Tensor {
    const { classToken, heads } = this.#config;
    const rows = hidden.shape[0]!;
    const scores = kept.tensor("importance", [1, rows - this.#first]);
    const logSumExp = view(this.#space.logSumExp, [rows, heads]);
    const operands = { q: this.#packed(0), k: this.#packed(1), logSumExp };
    importance(recorder, { ...operands, scores, classToken, seats: 1, ...this.#heads });
    return scores;
  }

  get #heads(): { heads: number; headWidth: number; scale: number } {
    const { width, heads } = this.#config;
    const headWidth = width / heads;
    return { heads, headWidth, scale: 1 / Math.sqrt(headWidth) };
  }

  /** Queries (0), keys (1) or values (2) in the packed product. */
  #packed(part: number): HeadRows {
    const { width } = this.#config;
    return { tensor: this.#space.qkv, stride: 3 * width, offset: part * width };
  }

  #layer(block: number, part: string): { weight: Matrix; bias: Tensor | undefined } {
    const name = `vision.blocks.${block}.${part}`;
    return { weight: this.#weights.matrix(`${name}.weight`), bias: this.#weights.find(`${name}.bias`) };
  }

  /** The buffer of hidden states that `hidden` is not in, for `tokens` patches. */
  #otherThan(hidden: Tensor, tokens: number): Tensor {
    const { hidden: a, compressed: b } = this.#space;
    return view(hidden.buffer === a.buffer ? b : a, [tokens + this.#first, this.#config.width]);
  }

  #copy(recorder: Recorder, x: Tensor, arena: Arena): Tensor {
    const y = arena.tensor("stage tokens", x.shape);
    copyRows(recorder, { x, y, xRow: 0, yRow: 0, rows: x.shape[0]! });
    return y;
  }

  #norm(recorder: Recorder, name: string, x: Tensor, y: Tensor): void {
    const weight = this.#weights.get(`${name}.weight`);
    const bias = this.#weights.get(`${name}.bias`);
    layerNorm(recorder, { x, weight, bias, y, eps: this.#config.eps });
  }
}
