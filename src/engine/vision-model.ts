/**
 * Pictures through encoder, compression and projector, each in one go on the GPU. What comes out stays there and has an
 * arena of its own, so that it can be kept for the next question.
 */
import type { Compression } from "../api.ts";
import type { Arena } from "../gpu/arena.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Recorder } from "../gpu/pass.ts";
import { readFloats } from "../gpu/readback.ts";
import { type Tensor, view } from "../gpu/tensor.ts";
import { countOutliers } from "../kernels/prumerge.ts";
import { selectDiverse } from "../model/compression/baselines.ts";
import { planCompression, standardCompression, type ViewPlan } from "../model/compression/plan.ts";
import type { StageTensors } from "../model/compression/stage.ts";
import type { ModelConfig, VisionConfig } from "../model/config.ts";
import type { Weights } from "../model/load.ts";
import { Projector } from "../model/projector.ts";
import type { ImageTokens, Placement } from "../model/prompt.ts";
import { type Encoded, patchCount, VisionEncoder } from "../model/vision.ts";
import { assert } from "../shared/assert.ts";

/** A picture as the decoder takes it. Disposing `arena` frees all its tensors. */
export interface EncodedImage {
  arena: Arena;
  features: Tensor; // [n, C], what the projector reads; for a classifier all final hidden states
  projected?: Tensor; // [n, W]
  classLogits?: Tensor; // [1, classes]
  stages: StageTensors[];
  /** With `positions: "original"`. */
  placed?: Placement;
}

/** What a prompt takes of a picture of a model with a projector. */
export function imageTokens({ projected, placed }: EncodedImage): ImageTokens {
  assert(projected, "a picture without projected tokens in a prompt");
  return { tokens: projected, placed };
}

export interface EncodePixelsOptions {
  compression: Compression;
  /** Whether stages keep a copy of their tokens. */
  keepTokens?: boolean;
}

export class VisionModel {
  readonly config: VisionConfig;
  readonly #gpu: Gpu;
  readonly #arena: Arena;
  readonly #encoder: VisionEncoder;
  readonly #projector: Projector | undefined;
  readonly #projectedWidth: number;
  readonly #classes: number;
  readonly #keepClassToken: boolean;

  /** Takes its buffers from `arena`, which owns them. */
  constructor(gpu: Gpu, arena: Arena, weights: Weights, model: ModelConfig & { vision: VisionConfig }) {
    this.config = model.vision;
    this.#gpu = gpu;
    this.#arena = arena;
    this.#encoder = new VisionEncoder(gpu, arena, weights, model);
    this.#projectedWidth = model.projector?.width ?? 0;
    this.#classes = model.classes?.length ?? 0;
    this.#keepClassToken = model.keepClassToken;
    if (model.projector) this.#projector = new Projector(arena, weights, model.projector, this.tokens);
  }

  /** Tokens of one picture before compression. */
  get tokens(): number {
    return this.#encoder.featureTokens;
  }

  /** What `generate` compresses pictures by unless the caller says otherwise. */
  get defaultCompression(): Compression {
    return standardCompression(this.config);
  }

  /** Checks a compression for this encoder. Throws TypeError or RangeError. */
  plan(compression: Compression): ViewPlan {
    return planCompression(compression, this.config, [patchCount(this.config)])[0]!;
  }

  /**
   * Encodes one picture: submitted, and not waited for unless the number of tokens depends on the picture.
   *
   * @param pixels [3, S, S], normalised; not kept
   */
  async encode(pixels: Tensor, { compression, keepTokens = false }: EncodePixelsOptions): Promise<EncodedImage> {
    const plan = this.plan(compression);
    const arena = this.#arena.scope();
    const scratch = this.#arena.scope();
    try {
      const options = { plan, kept: arena, scratch, keepTokens };
      if (plan.method !== "prumerge" || plan.tokens !== undefined)
        return await this.#gpu.guardMemory("the tokens of a picture", () => {
          let image!: EncodedImage;
          this.#gpu.submit("vision", (pass) => {
            image = this.#finish(pass, this.#encoder.encode(pass, pixels, options), options);
          });
          return image;
        });
      let encoded!: Encoded;
      this.#gpu.submit("vision", (pass) => {
        encoded = this.#encoder.encode(pass, pixels, options);
      });
      const tokens = countOutliers(await readFloats(this.#gpu, encoded.scores!)) + 1;
      let image!: EncodedImage;
      this.#gpu.submit("vision, selection", (pass) => {
        image = this.#finish(pass, encoded, { ...options, plan: { method: "prumerge", tokens } });
      });
      return image;
    } catch (error) {
      arena.dispose();
      throw error;
    } finally {
      scratch.dispose();
    }
  }

  /** Records everything that a picture needs by default, for compiling ahead. */
  rehearse(recorder: Recorder): void {
    const { imageSize } = this.config;
    const arena = this.#arena.scope();
    const pixels = arena.tensor("pixels", [3, imageSize, imageSize]);
    for (const compression of [{ method: "none" } as const, this.defaultCompression]) {
      const options = { plan: this.plan(compression), kept: arena, scratch: arena };
      this.#finish(recorder, this.#encoder.encode(recorder, pixels, options), options);
    }
    arena.dispose();
  }

  /** Records what comes behind the blocks. */
  #finish(
    recorder: Recorder,
    encoded: Encoded,
    options: { plan: ViewPlan; kept: Arena; scratch: Arena },
  ): EncodedImage {
    const { plan, kept: arena, scratch } = options;
    const features = this.#encoder.selectFeatures(recorder, encoded, options);
    const image: EncodedImage = { arena, features, stages: encoded.stages };
    if (this.#projector) {
      const isChosenFrom = plan.method === "diverse";
      const shape = [features.shape[0]!, this.#projectedWidth];
      const projected = (isChosenFrom ? scratch : arena).tensor("image tokens", shape);
      this.#projector.project(recorder, features, projected);
      const first = this.#keepClassToken && this.config.classToken ? 1 : 0;
      const choice = { projected, origins: encoded.origins, first, kept: arena, scratch };
      image.projected = isChosenFrom ? selectDiverse(recorder, { ...choice, tokens: plan.tokens }).rows : projected;
    }
    if (this.#classes > 0) {
      image.classLogits = arena.tensor("class logits", [1, this.#classes]);
      this.#encoder.classify(recorder, encoded, image.classLogits);
    }
    if (plan.method === "vmtc" && plan.originalPositions)
      image.placed = {
        origins: view(encoded.origins, encoded.origins.shape.slice(1)),
        first: this.#keepClassToken && this.config.classToken ? 1 : 0,
        patches: patchCount(this.config),
      };
    return image;
  }
}
