/**
 * The vision encoder: CLIP, SigLIP and ViT share one block (Dosovitskiy et al. 2021, pre-norm). Pixels in, hidden states
 * out, all on the GPU. Preprocessing comes before it (preprocess.ts), the projector after.
 */
import type { Arena } from "../gpu/arena.ts";
import type { Recorder } from "../gpu/pass.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { attention } from "../kernels/attention.ts";
import { copyRows } from "../kernels/copy-rows.ts";
import { layerNorm } from "../kernels/layer-norm.ts";
import { linear } from "../kernels/linear.ts";
import { patches } from "../kernels/patches.ts";
import { visionEmbed } from "../kernels/vision-embed.ts";
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
  normed: Tensor; // [T, C]
  qkv: Tensor; // [T, 3 * C]
  attended: Tensor; // [T, C]
  mlp: Tensor; // [T, F]
}

export class VisionEncoder {
  readonly #config: VisionConfig;
  readonly #keepClassToken: boolean;
  readonly #weights: Weights;
  readonly #space: Workspace;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(arena: Arena, weights: Weights, model: ModelConfig & { vision: VisionConfig }) {
    const config = model.vision;
    this.#config = config;
    this.#keepClassToken = model.keepClassToken;
    this.#weights = weights;
    const { width, mlpWidth, patchSize } = config;
    const count = patchCount(config);
    const tokens = count + (config.classToken ? 1 : 0);
    this.#space = {
      patchRows: arena.tensor("vision patch rows", [count, 3 * patchSize * patchSize]),
      patchEmbeddings: arena.tensor("vision patch embeddings", [count, width]),
      hidden: arena.tensor("vision hidden", [tokens, width]),
      normed: arena.tensor("vision normed", [tokens, width]),
      qkv: arena.tensor("vision qkv", [tokens, 3 * width]),
      attended: arena.tensor("vision attended", [tokens, width]),
      mlp: arena.tensor("vision mlp", [tokens, mlpWidth]),
    };
  }

  /**
   * Hidden states after the blocks that run (and for a ViT the final norm), class token first if there is one.
   *
   * @param pixels [3, S, S], normalised
   * @param onHidden is told of the hidden states before block 0 and after each block; it may record copies
   * @returns [T, C] in the encoder's own buffer, overwritten by the next picture
   */
  encode(recorder: Recorder, pixels: Tensor, onHidden?: (index: number, hidden: Tensor) => void): Tensor {
    const { patchSize, preNorm, runBlocks, eps } = this.#config;
    const { patchRows, patchEmbeddings, hidden, normed } = this.#space;
    const weights = this.#weights;
    patches(recorder, { pixels, y: patchRows, patchSize });
    const bias = weights.find("vision.patch.bias");
    linear(recorder, { x: patchRows, weight: weights.get("vision.patch.weight"), bias, y: patchEmbeddings });
    const embedded = preNorm ? normed : hidden;
    const positions = weights.get("vision.positions");
    visionEmbed(recorder, { patchEmbeddings, classEmbedding: weights.find("vision.class"), positions, y: embedded });
    if (preNorm) this.#norm(recorder, "vision.preNorm", normed, hidden);
    onHidden?.(0, hidden);
    for (let block = 0; block < runBlocks; block++) {
      this.#block(recorder, `vision.blocks.${block}`, hidden);
      onHidden?.(block + 1, hidden);
    }
    const finalWeight = weights.find("vision.norm.weight");
    if (!finalWeight) return hidden;
    layerNorm(recorder, { x: hidden, weight: finalWeight, bias: weights.get("vision.norm.bias"), y: normed, eps });
    return normed;
  }

  /** Tokens of `features`, before compression. */
  get featureTokens(): number {
    return patchCount(this.#config) + (this.#keepClassToken ? 1 : 0);
  }

  /**
   * Copies what the projector reads out of the hidden states: all but a class token that is not wanted.
   *
   * @param hidden [T, C] from `encode`
   * @param features [n, C], the caller's
   */
  selectFeatures(recorder: Recorder, hidden: Tensor, features: Tensor): void {
    const rows = features.shape[0]!;
    copyRows(recorder, { x: hidden, y: features, xRow: hidden.shape[0]! - rows, yRow: 0, rows });
  }

  /** Class logits [1, classes] of a ViT classifier, from the class token of `encode`'s hidden states. */
  classify(recorder: Recorder, hidden: Tensor, logits: Tensor): void {
    const weight = this.#weights.get("classifier.weight");
    const bias = this.#weights.get("classifier.bias");
    linear(recorder, { x: view(hidden, [1, this.#config.width]), weight, bias, y: logits });
  }

  /** One pre-norm block; adds to `hidden` [T, C] in place. */
  #block(recorder: Recorder, name: string, hidden: Tensor): void {
    const { width, heads, activation } = this.#config;
    const { normed, qkv, attended, mlp } = this.#space;
    const rows = hidden.shape[0]!;
    const layer = (part: string) => ({
      weight: this.#weights.get(`${name}.${part}.weight`),
      bias: this.#weights.find(`${name}.${part}.bias`),
    });
    this.#norm(recorder, `${name}.norm1`, hidden, normed);
    linear(recorder, { x: normed, ...layer("qkv"), y: qkv });
    const headWidth = width / heads;
    attention(recorder, {
      q: { tensor: qkv, stride: 3 * width, offset: 0 },
      k: { tensor: qkv, stride: 3 * width, offset: width },
      v: { tensor: qkv, stride: 3 * width, offset: 2 * width },
      y: attended,
      rows,
      keys: rows,
      heads,
      keyHeads: heads,
      headWidth,
      scale: 1 / Math.sqrt(headWidth),
    });
    linear(recorder, { x: attended, ...layer("out"), y: hidden, accumulate: true });
    this.#norm(recorder, `${name}.norm2`, hidden, normed);
    linear(recorder, { x: normed, ...layer("fc1"), y: mlp, activation });
    linear(recorder, { x: mlp, ...layer("fc2"), y: hidden, accumulate: true });
  }

  #norm(recorder: Recorder, name: string, x: Tensor, y: Tensor): void {
    const weight = this.#weights.get(`${name}.weight`);
    const bias = this.#weights.get(`${name}.bias`);
    layerNorm(recorder, { x, weight, bias, y, eps: this.#config.eps });
  }
}
