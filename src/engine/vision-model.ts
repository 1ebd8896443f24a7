/**
 * Pictures through encoder and projector, each in one go on the GPU. What comes out stays there and has an arena of its
 * own, so that it can be kept for the next question.
 */
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Recorder } from "../gpu/pass.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { ModelConfig, VisionConfig } from "../model/config.ts";
import type { Weights } from "../model/load.ts";
import { Projector } from "../model/projector.ts";
import { VisionEncoder } from "../model/vision.ts";

/** A picture as the decoder takes it. Disposing `arena` frees all its tensors. */
export interface EncodedImage {
  arena: Arena;
  features: Tensor; // [n, C], what the projector reads; for a classifier all final hidden states
  projected?: Tensor; // [n, W]
  classLogits?: Tensor; // [1, classes]
}

export class VisionModel {
  readonly config: VisionConfig;
  readonly #gpu: Gpu;
  readonly #arena: Arena;
  readonly #encoder: VisionEncoder;
  readonly #projector: Projector | undefined;
  readonly #projectedWidth: number;
  readonly #classes: number;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(gpu: Gpu, arena: Arena, weights: Weights, model: ModelConfig & { vision: VisionConfig }) {
    this.config = model.vision;
    this.#gpu = gpu;
    this.#arena = arena;
    this.#encoder = new VisionEncoder(arena, weights, model);
    this.#projectedWidth = model.projector?.width ?? 0;
    this.#classes = model.classes?.length ?? 0;
    if (model.projector) this.#projector = new Projector(arena, weights, model.projector, this.tokens);
  }

  /** Tokens of one picture before compression. */
  get tokens(): number {
    return this.#encoder.featureTokens;
  }

  /** Encodes one picture, submitted but not waited for. @param pixels [3, S, S], normalised; not kept */
  encode(pixels: Tensor): EncodedImage {
    const image = this.#allocate();
    try {
      this.#gpu.submit("vision", (pass) => this.#record(pass, pixels, image));
    } catch (error) {
      image.arena.dispose();
      throw error;
    }
    return image;
  }

  /** Records everything that a picture needs, for compiling ahead. */
  rehearse(recorder: Recorder): void {
    const { imageSize } = this.config;
    const image = this.#allocate();
    const pixels = image.arena.tensor("pixels", [3, imageSize, imageSize]);
    this.#record(recorder, pixels, image);
    image.arena.dispose();
  }

  #allocate(): EncodedImage {
    const arena = this.#arena.scope();
    const features = arena.tensor("image features", [this.tokens, this.config.width]);
    return {
      arena,
      features,
      ...(this.#projector && { projected: arena.tensor("image tokens", [this.tokens, this.#projectedWidth]) }),
      ...(this.#classes && { classLogits: arena.tensor("class logits", [1, this.#classes]) }),
    };
  }

  #record(recorder: Recorder, pixels: Tensor, { features, projected, classLogits }: EncodedImage): void {
    const hidden = this.#encoder.encode(recorder, pixels);
    this.#encoder.selectFeatures(recorder, hidden, features);
    if (projected) this.#projector?.project(recorder, features, projected);
    if (classLogits) this.#encoder.classify(recorder, hidden, classLogits);
  }
}
