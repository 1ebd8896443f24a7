/** The measured image encoder: a ViT classifier, from pixels in CPU memory to class logits in CPU memory. */
import { readModel } from "../../src/engine/read-model.ts";
import type { Arena } from "../../src/gpu/arena.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Recorder } from "../../src/gpu/pass.ts";
import { readFloats } from "../../src/gpu/readback.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { Encoder } from "../../src/model/encoder/encoder.ts";
import { fillWeights, Weights } from "../../src/model/load/fill.ts";
import { matchTensors } from "../../src/model/load/match.ts";
import type { EncoderSpec, ModelSpec } from "../../src/spec/model-spec.ts";
import { openCheckpoint } from "../../src/weights/checkpoint.ts";
import { openFolder } from "../../src/weights/folder.ts";
import { describeModel } from "../../test/support/describe-model.ts";
import { randomValues, randomWeights, VIT_TINY } from "./models.ts";

/** Address of a trained ViT-Tiny, if the machine has one. */
export const VIT_ADDRESS = "/vit-tiny/";

/** A picture of noise that both engines of a comparison read, [3, S, S]. */
export function noisePixels(size: number): Float32Array {
  return randomValues("pixels", 3 * size * size);
}

/** Side of the encoder's square pictures, in pixels. */
export function pictureSide({ positions, patch }: EncoderSpec): number {
  return positions.grid.rows * patch.side;
}

/** A ViT classifier. All memory is the device's arena's. */
export class VisionSubject {
  readonly spec: EncoderSpec;
  readonly #gpu: Gpu;
  readonly #encoder: Encoder;
  readonly #pixels: Tensor; // [1, 3, S, S]
  readonly #logits: Tensor; // [1, classes]

  /**
   * A ViT with random weights, or the trained one of a folder.
   *
   * @param json its config.json; default ViT-Tiny
   */
  static async open(gpu: Gpu, { folder, json = VIT_TINY }: { folder?: string; json?: object } = {}) {
    if (folder === undefined) {
      const model = describeModel({ "config.json": json });
      return new VisionSubject(gpu, model, randomWeights(gpu, model, "f32"));
    }
    const opened = openFolder(folder);
    const { spec } = await readModel(opened, {});
    const checkpoint = await openCheckpoint(opened);
    const matched = matchTensors(spec, checkpoint.tensors);
    const weights = new Weights(gpu.arena, matched);
    await fillWeights(gpu, gpu.arena, weights, matched.parts, checkpoint);
    return new VisionSubject(gpu, spec, weights);
  }

  private constructor(gpu: Gpu, { encoder, classes }: ModelSpec, weights: Weights) {
    this.spec = encoder!;
    this.#gpu = gpu;
    this.#encoder = new Encoder(gpu, weights, this.spec);
    const side = pictureSide(this.spec);
    this.#pixels = gpu.arena.tensor("pixels", [1, 3, side, side]);
    this.#logits = gpu.arena.tensor("class logits", [1, classes!.length]);
  }

  /** Encoder and classifier. */
  record = (recorder: Recorder, scratch: Arena): void => {
    const { grid } = this.spec.positions;
    const options = { grid, plan: { method: "none" }, kept: scratch, scratch } as const;
    this.#encoder.classify(recorder, this.#encoder.encode(recorder, this.#pixels, options), this.#logits);
  };

  /** Compiles everything that `run` needs. */
  async compile(): Promise<void> {
    const scratch = this.#gpu.arena.scope();
    await this.#gpu.compile((recorder) => this.record(recorder, scratch));
    scratch.dispose();
  }

  /** Class logits of a picture. */
  async run(pixels: Float32Array): Promise<Float32Array> {
    this.#gpu.upload(this.#pixels, pixels);
    const scratch = this.#gpu.arena.scope();
    this.#gpu.submit("vision", (pass) => this.record(pass, scratch));
    scratch.dispose();
    return readFloats(this.#gpu, this.#logits);
  }
}
