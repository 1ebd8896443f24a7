/** The image encoder as it is measured: a ViT classifier from pixels that lie on this side to class logits on this side. */
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { type ModelConfig, parseConfig, type VisionConfig } from "../../src/model/config.ts";
import { fillWeights, Weights } from "../../src/model/load.ts";
import { matchTensors, weightSlots } from "../../src/model/names.ts";
import { patchCount, VisionEncoder } from "../../src/model/vision.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { randomValues, randomWeights, VIT_TINY } from "./models.ts";

/** Where a trained ViT-Tiny is served, if the machine has one. */
export const VIT_ADDRESS = "/vit-tiny/";

type VitConfig = ModelConfig & { vision: VisionConfig };

/** Picture of noise that both engines of a comparison see, [3, S, S]. */
export function noisePixels(size: number): Float32Array {
  return randomValues("pixels", 3 * size * size);
}

/** Multiplications and additions of one picture: products of all weights, and attention. */
export function visionFlops(config: VisionConfig): number {
  const { width, mlpWidth, runBlocks, patchSize } = config;
  const patches = patchCount(config);
  const tokens = patches + (config.classToken ? 1 : 0);
  const block = tokens * width * (4 * width + 2 * mlpWidth) + 2 * tokens * tokens * width;
  return 2 * (patches * 3 * patchSize ** 2 * width + runBlocks * block);
}

export class VisionSubject {
  readonly config: VitConfig;
  readonly #gpu: Gpu;
  readonly #arena: Arena;
  readonly #encoder: VisionEncoder;
  readonly #pixels: Tensor;
  readonly #logits: Tensor;

  /**
   * A ViT with random weights, or the trained one of a folder.
   *
   * @param json of the config; default ViT-Tiny
   */
  static async open(gpu: Gpu, { folder, json = VIT_TINY }: { folder?: string; json?: object } = {}) {
    if (folder === undefined) {
      const config = parseConfig(json) as VitConfig;
      return new VisionSubject(gpu, config, randomWeights(gpu, config, "f32"));
    }
    const opened = openFolder(folder);
    const config = parseConfig(await opened.json("config.json")) as VitConfig;
    const checkpoint = await openCheckpoint(opened);
    const weights = new Weights(gpu.arena, weightSlots(config));
    await fillWeights(gpu, gpu.arena, weights, matchTensors(config, checkpoint.tensors), checkpoint);
    return new VisionSubject(gpu, config, weights);
  }

  private constructor(gpu: Gpu, config: VitConfig, weights: Weights) {
    this.config = config;
    this.#gpu = gpu;
    this.#arena = gpu.arena.scope();
    this.#encoder = new VisionEncoder(gpu, this.#arena, weights, config);
    this.#pixels = this.#arena.tensor("pixels", [3, config.vision.imageSize, config.vision.imageSize]);
    this.#logits = this.#arena.tensor("class logits", [1, config.classes!.length]);
  }

  /** Encoder and classifier. */
  record = (recorder: Recorder): void => {
    const options = { plan: { method: "none" }, kept: this.#arena, scratch: this.#arena } as const;
    this.#encoder.classify(recorder, this.#encoder.encode(recorder, this.#pixels, options), this.#logits);
  };

  /** Class logits of a picture. */
  async run(pixels: Float32Array): Promise<Float32Array> {
    this.#gpu.upload(this.#pixels, pixels);
    this.#gpu.submit("vision", this.record);
    return readFloats(this.#gpu, this.#logits);
  }
}
